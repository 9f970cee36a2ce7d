"""What this process holds: memory, threads, open files, and the programs that it has started."""

import gc
import os
import re
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def children(pid: int | str = "self") -> dict[int, str]:
    """The programs that a process has started and that have not ended, by their id."""
    found = {}
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread or a program that ended meanwhile
            found |= {int(child): command_line(int(child)) for child in listed.read_text().split()}
    return found


def command_line(pid: int) -> str:
    """What a program was started with, whole: `ps` cuts it at the width of a screen. Empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def holdings() -> tuple[int, int, int]:
    """Resident bytes, threads and open files."""
    return resident_bytes(), threading.active_count(), open_files()


@contextmanager
def largest(name: str) -> Iterator[Callable[[], int]]:
    """Look every few milliseconds at the programs that this process starts; most bytes that one named so has held."""
    most, over = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not over.wait(0.005):
            most = max([most, *(_peak(pid) for pid, line in children().items() if name in line)])

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield lambda: most
    finally:
        over.set()
        looking.join()


def _peak(pid: int) -> int:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:  # ended meanwhile
        return 0
    return int(found[1]) * 1024 if found else 0


def peak_bytes() -> int:
    """The most bytes that were resident since this was asked last, or since the process began where that is unknown."""
    now = _peak(os.getpid())
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return now
