"""A studio of the tests' own: the real process on a free port, or the application in this process."""

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from settings import ROOT
from tests import shared
from tools import environments
from tools.waiting import free_port

START = 180  # seconds


def environment(folder: Path, **chosen: object) -> dict[str, str]:
    """As tools.environments.environment, with the captions' font in its DATA_DIR: a server makes it when it starts."""
    variables = environments.environment(folder, **chosen)
    shutil.copytree(shared.fonts(), Path(variables["DATA_DIR"]) / "drafts" / "fonts", dirs_exist_ok=True)
    return variables


@contextmanager
def serving(folder: Path, command: Sequence[str] = (sys.executable, "app.py"), **chosen: object) -> Iterator[str]:
    """Serve a studio with these settings and yield its address; its output goes to `folder / "log"`.

    Clips that another studio has read already are known to it.
    """
    port, log = free_port(), folder / "log"
    variables = environment(folder, PORT=port, **chosen)
    shared.readings(Path(variables["DATA_DIR"]))
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=output)
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(address, server, log):
    deadline = time.monotonic() + START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"The studio did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def started(app: Flask) -> Iterator[Flask]:
    """The application with its queue at work."""
    app.extensions["jobs"].start()
    try:
        yield app
    finally:
        app.extensions["jobs"].close()
        app.extensions["pools"].close()
