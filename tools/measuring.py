"""What both halves of `make bench-models` measure with: limits of the machine, time, memory, and lines of the table."""

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2


@dataclass(frozen=True)
class Row:
    """A line of the table. `plain` and `ours` are in `unit`; `share` is ours of what the machine allows, 0 to 1.

    `path` says what ours computes with: the arithmetic and the library.
    """

    what: str
    unit: str
    ours: float
    plain: float | None = None
    share: float | None = None
    note: str = ""
    path: str = ""

    @property
    def times(self) -> float | None:
        """How many times as good ours is: less is better for seconds, more for all else."""
        if self.plain is None:
            return None
        return self.plain / self.ours if self.unit.startswith("s") else self.ours / self.plain


@dataclass(frozen=True)
class Limits:
    """What the device does at most: bytes read a second, and operations a second (an addition is one) by dtype."""

    bandwidth: float
    arithmetic: dict[str, float]


def print_row(row: Row) -> None:
    plain = f"{row.plain:10.2f}" if row.plain is not None else f"{'':10}"
    times = f"{row.times:7.1f}x" if row.times is not None else f"{'':8}"
    share = f"{row.share:6.0%}" if row.share is not None else f"{'':6}"
    print(
        f"{row.what:<48}{plain}{row.ours:10.2f} {row.unit:<9}{times}{share}  {row.path:<20}{row.note}".rstrip(),
        flush=True,
    )


def print_heading() -> None:
    print(f"{'':48}{'plain':>10}{'ours':>10} {'':9}{'':>8}{'limit':>6}")


def measure_limits(device: str, dtypes: tuple[str, ...]) -> Limits:
    """Sum 512 MB of floats, and multiply square matrices of 2048; the best of several rounds."""
    import torch

    floats = torch.ones(128 * MIB, device=device)
    bandwidth = floats.numel() * 4 / best(10, lambda: floats.sum().item())
    arithmetic = {}
    for dtype in dtypes:
        matrix = torch.ones(2048, 2048, device=device, dtype=getattr(torch, dtype))
        arithmetic[dtype] = 2 * 2048**3 / best(5, lambda matrix=matrix: (matrix @ matrix)[0, 0].item())
    return Limits(bandwidth, arithmetic)


def best(rounds: int, work: Callable[[], object]) -> float:
    """The seconds of the fastest of some rounds."""
    return min(seconds_of(work)[0] for _ in range(rounds))


def seconds_of(work: Callable[[], object]) -> tuple[float, object]:
    """The seconds that `work` takes, and what it returns."""
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def in_fresh_process(function: Callable, *arguments):
    """Run a module-level function in a new process: it has loaded nothing yet, and its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def memory() -> tuple[float, float]:
    """GiB of memory that this process holds now, and the most it ever held (Linux; zeros elsewhere)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0, 0.0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / MIB for name in ("VmRSS", "VmHWM"))


def give_back_memory() -> None:
    """Return to the system what was freed."""
    import ctypes
    import gc

    gc.collect()
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).malloc_trim(0)
