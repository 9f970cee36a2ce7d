"""`make cluster`: a whole cluster on this machine, to try: all on the loopback, stopped together by Ctrl+C.

PostgreSQL, an S3 server (moto's, all in memory), the Dask scheduler, three workers, and two studios behind a proxy that
goes on where one is gone. What they write lies in a folder of its own, which is removed at the end; each part's log is
there.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import utils
from settings import ROOT, Settings, SettingsError
from tools.services import s3
from tools.waiting import free_port

START = 180  # seconds that a part may take to be ready
WORKERS, STUDIOS = 3, 2
MIB = 1024**2
FLASK = str(Path(sys.executable).with_name("flask"))


class CannotStart(Exception):
    """A part is not there or does not start. The message is a sentence for users."""


@dataclass
class Parts:
    """The processes of the cluster, in the order they were started, each with its log in `folder`."""

    folder: Path
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, object] = {}) -> None:
        """Start a part in a session of its own, so that Ctrl+C is only for this program."""
        own = {**os.environ, **{key: str(value) for key, value in environment.items()}}
        with (self.folder / f"{name}.log").open("a") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=ROOT, env=own, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        """Wait until a part is ready. Raises CannotStart where it ends, or takes too long."""
        deadline = time.monotonic() + START
        while not ready():
            if self.running[name].poll() is not None or time.monotonic() > deadline:
                log = (self.folder / f"{name}.log").read_text().strip()
                raise CannotStart(f"{name} did not start. Its last words:\n{log[-1000:]}")
            time.sleep(0.1)
        print(f"  {name} is ready", flush=True)

    def stop(self) -> None:
        """End all parts, the newest first."""
        for process in reversed(self.running.values()):
            process.terminate()
        for process in reversed(self.running.values()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(12)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int) -> bool:
    """Whether a studio is ready at a port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def start_database(parts: Parts) -> str:
    """Start PostgreSQL, on a socket in the folder alone, and return its address for DATABASE_URL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    bin_folder = programs[-1].parent if programs else None
    initdb = str(bin_folder / "initdb") if bin_folder else shutil.which("initdb")
    server = str(bin_folder / "postgres") if bin_folder else shutil.which("postgres")
    if not (initdb and server):
        raise CannotStart("PostgreSQL is not installed: apt-get install postgresql")
    folder, as_postgres = parts.folder / "postgresql", []
    folder.mkdir()
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_postgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
    data = folder / "data"
    made = subprocess.run(
        [*as_postgres, initdb, "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync"],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise CannotStart(f"PostgreSQL cannot make its files: {made.stderr.strip()}")
    parts.start("postgresql", [*as_postgres, server, "-D", str(data), "-k", str(folder), "-c", "listen_addresses="])
    parts.wait_for("postgresql", (folder / ".s.PGSQL.5432").exists)
    return f"postgresql+psycopg://postgres@/postgres?host={folder}"


def start_scheduler(parts: Parts, port: int | None = None) -> str:
    """Start Dask's scheduler and return its address for DASK_SCHEDULER."""
    port = port or free_port()
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    at_once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": 0}  # tell the studio when a worker dies: it tries again
    parts.start("scheduler", [*program, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], at_once)
    parts.wait_for("scheduler", lambda: listens(port))
    return f"tcp://127.0.0.1:{port}"


def start_store(parts: Parts) -> dict[str, object]:
    """Start an S3 server with an empty bucket; return the settings that keep files there."""
    if importlib.util.find_spec("moto") is None:
        raise CannotStart("The S3 server is not installed: make cluster installs it")
    port = free_port()
    parts.start("store", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
    parts.wait_for("store", lambda: s3.has_bucket(f"http://127.0.0.1:{port}"))
    return {name.upper(): value for name, value in s3.chosen(f"http://127.0.0.1:{port}", "cluster").items()}


def start_workers(parts: Parts, environment: Mapping[str, object], number: int = WORKERS, *options: str) -> None:
    """Start workers that share this machine's processors and memory."""
    share = max(1, (os.cpu_count() or 1) // number)
    memory = max(1500, utils.usable_memory() // MIB // (number + 1))
    for worker in range(1, number + 1):
        name = f"worker-{worker}"
        own = {"VIDEO_WORKERS": share, **environment, "DATA_DIR": parts.folder / name}
        parts.start(name, [FLASK, "worker", "--name", name, "--memory-mb", str(memory), *options], own)


def start_studios(parts: Parts, environment: Mapping[str, object], number: int = STUDIOS) -> list[int]:
    """Start studios that share the database and the store, each with a folder of its own; return their ports."""
    ports = []
    for studio in range(1, number + 1):
        name, port = f"studio-{studio}", free_port()
        own = {"DATA_DIR": parts.folder / name, "GENERATED_DIR": parts.folder / name / "generated", "PORT": port}
        parts.start(name, [sys.executable, "app.py"], {**environment, **own})
        parts.wait_for(name, lambda port=port: answers(port))
        ports.append(port)
    return ports


def start_proxy(parts: Parts, port: int, studios: Sequence[int]) -> None:
    parts.start("proxy", [sys.executable, "-m", "tools.proxy", str(port), *map(str, studios)])
    parts.wait_for("proxy", lambda: listens(port))


@contextlib.contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder that is removed at the end; PostgreSQL's own user must get into it."""
    with tempfile.TemporaryDirectory(prefix="trendtok-cluster-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def start(parts: Parts, port: int) -> None:
    """Start everything, in the order of who needs whom. Raises CannotStart."""
    if listens(port):
        raise CannotStart(f"Another program has port {port}: set PORT to another number.")
    shared = {
        "HOST": "127.0.0.1",
        "DATABASE_URL": start_database(parts),
        "DASK_SCHEDULER": start_scheduler(parts),
        **start_store(parts),
        "FLASK_SECRET_KEY": secrets.token_hex(32),
        "MAX_RUNNING": 2 * WORKERS,  # more than one, so that the other studio's searches find free workers too
    }
    start_workers(parts, shared)
    start_proxy(parts, port, start_studios(parts, shared))


def watch(parts: Parts, stop: Callable[[], bool]) -> None:
    """Say which part has ended, until all are to be stopped. The others go on: that is what a cluster is for."""
    gone: set[str] = set()
    while not stop():
        for name, process in parts.running.items():
            if process.poll() is not None and name not in gone:
                gone.add(name)
                print(f"  {name} has ended; the others go on", flush=True)
        time.sleep(0.2)


def main() -> int:
    wishes: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: wishes.append(got) or _interrupt(wishes))
    try:
        port = Settings.read().port
    except SettingsError as error:
        print(f"A setting cannot be used. {error}", file=sys.stderr)
        return 1
    with folder_for_all() as folder:
        parts = Parts(folder)
        print(f"Starting a cluster on this machine; the logs are in {folder}", flush=True)
        try:
            start(parts, port)
            print(f"The cluster is ready: open http://127.0.0.1:{port} (Ctrl+C stops it)", flush=True)
            watch(parts, lambda: bool(wishes))
        except KeyboardInterrupt:
            pass
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            print("Stopping", flush=True)
            parts.stop()
    return 0


def _interrupt(wishes: list[int]) -> None:
    if len(wishes) == 1:
        raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
