"""An S3 server on the loopback: moto's, a process of its own that keeps all in memory and asks nobody for a key."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.waiting import free_port, until

BUCKET = "studio"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve an S3 store with an empty bucket and yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: server.poll() is not None or has_bucket(address), seconds=120)
            if server.poll() is not None:
                raise RuntimeError(f"the S3 server did not start: {(folder / 'log').read_text()[-2000:]}")
            yield address
        finally:
            server.kill()
            server.wait()


def has_bucket(address: str) -> bool:
    """Whether the server is there; then it has the bucket, made now where it had none."""
    try:
        request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")  # noqa: S310 the loopback
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            return True
    except OSError:
        return False


def chosen(address: str, prefix: str) -> dict[str, object]:
    """The settings of a studio that keeps its files there, by their names in Settings."""
    return {
        "storage_url": f"s3://{BUCKET}/{prefix}",
        "storage_endpoint": address,
        "aws_access_key_id": "a-key-of-this-server",
        "aws_secret_access_key": "a-secret-of-this-server",
    }
