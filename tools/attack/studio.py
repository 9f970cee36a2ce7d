"""The studio that is attacked: the real process on a free port, with a folder of its own, and what it holds."""

import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from settings import ROOT
from tools.attack.client import HOST
from tools.environments import environment
from tools.waiting import free_port

START = 120  # seconds
DATABASE = "studio.db"
MIB = 1024**2
TAGS = ("AI", "Foodie", "MakeupTutorial", "OOTD", "TravelVlog")  # each of another category of the samples


@dataclass(frozen=True)
class Held:
    """What the process holds: MiB of memory, threads, connections to its database (files of SQLite, which a pool keeps
    up to a number), the other open descriptors, and processes that it started."""

    memory: float
    threads: int
    connections: int
    descriptors: int
    children: int


@dataclass(frozen=True)
class Studio:
    """A running studio: its port, its process, the folder of all that it writes."""

    port: int
    pid: int
    folder: Path

    def held(self) -> Held:
        process = Path(f"/proc/{self.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        tasks = [path.read_text().split() for path in process.glob("task/*/children")]
        names = [path.name for _, path in self._open()]
        return Held(
            memory=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            connections=names.count(DATABASE),
            descriptors=sum(not name.startswith(DATABASE) for name in names),
            children=sum(map(len, tasks)),
        )

    def temporary_bytes(self) -> int:
        """What lies in the folders for what is being received, the files included that have no name any more."""
        named = [path for folder in ("tmp", "uploads") for path in (self.folder / "data" / folder).rglob("*")]
        return sum(path.stat().st_size for path in named if path.is_file()) + sum(self._unnamed())

    def _unnamed(self) -> Iterator[int]:
        for descriptor, path in self._open():
            if "(deleted)" in path.name:
                with suppress(OSError):  # closed meanwhile
                    yield descriptor.stat().st_size

    def _open(self) -> Iterator[tuple[Path, Path]]:
        """Its descriptors, and what each leads to."""
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield descriptor, descriptor.readlink()

    def complaints(self) -> list[str]:
        """The lines of its log that speak of an error, and how each traceback ends."""
        text = (self.folder / "log").read_text(errors="replace")
        ends = re.findall(r"^Traceback .*\n(?:[ ].*\n)*(.*)$", text, re.MULTILINE)
        return [line for line in text.splitlines() if " ERROR " in line] + ends


@contextmanager
def running(folder: Path) -> Iterator[Studio]:
    """A studio as on a public address, behind a proxy on this machine, with one short clip in each category."""
    port = free_port()
    chosen = {
        "PORT": port,
        "VIDEO_LIBRARY": _small_library(folder / "library"),
        "TRUSTED_PROXIES": "127.0.0.1",
        "TRUSTED_HOSTS": HOST,
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment(folder, **chosen), stdout=log, stderr=log
        )
        try:
            _wait_for(port, process)
            yield Studio(port, process.pid, folder)
        finally:
            process.terminate()
            process.wait(20)


def _small_library(folder: Path) -> Path:
    for category in sorted((ROOT / "tiktok_videos" / "samples").iterdir()):
        if category.is_dir() and category.name.startswith(TAGS):
            (folder / category.name).mkdir(parents=True)
            shutil.copy(min(category.glob("*.mp4")), folder / category.name / "clip.mp4")
    return folder


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    sys.exit("The studio that was to be attacked did not start.")
