"""`make bench-cluster`: what workers bring, and what they cost. The real scheduler and workers, on the loopback.

The stages sleep a tenth as long as the models take that were measured by `make bench-models`, since on one machine real
ones would share its processors. What Dask and the network cost is real, and weighs ten times as much.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from core.engines import Report, no_report
from core.executors import Pools, open_pools
from settings import Settings
from tools.cluster import CannotStart, Parts, start_scheduler, start_workers

CLIPS = 3
READ, MUSIC, PICTURE = 1.37, 14.4, 25.8  # seconds a clip, 5 s of music, a picture in `fast`: on two cores
SCALE = 10  # times as fast as those
SEARCHES = 36  # in a round
AT_ONCE = 12
STUDIO_CALLS = 20  # searches that take no time, for what the way there costs
MANY = 16  # places of a worker, where it is to be seen what the studio and the scheduler can do
LOAD = 0.8  # of what the devices could do: beyond that, waiting grows quickly


def stage(seconds: float, _settings: Settings, report: Report) -> bytes:
    """A stage that sleeps, and tells so as others do; it gives back as much as a piece of music is."""
    report(0, 1, "sleeping")
    time.sleep(seconds)
    return bytes(300_000)


def search(pools: Pools, settings: Settings, scale: float = SCALE) -> float:
    """A search's stages, in the order of the real ones; the seconds it took."""
    start = time.perf_counter()
    wait_for(pools.videos.submit(stage, READ / scale, settings, no_report) for _ in range(CLIPS))
    wait_for(pools.accelerator.submit(stage, seconds / scale, settings, no_report) for seconds in (MUSIC, PICTURE))
    return time.perf_counter() - start


def wait_for(futures: Any) -> None:
    for future in list(futures):
        future.result()


def a_minute(pools: Pools, settings: Settings) -> float:
    """Searches a minute, with AT_ONCE of them under way."""
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as visitors:
        wait_for(visitors.submit(search, pools, settings) for _ in range(SEARCHES))
    return SEARCHES / (time.perf_counter() - start) * 60


def calls_a_second(pools: Pools, settings: Settings, calls: int = 400) -> float:
    """How many stages that take no time are run in a second: the studio's and the scheduler's own limit."""
    start = time.perf_counter()
    wait_for([pools.videos.submit(stage, 0.0, settings, no_report) for _ in range(calls)])
    return calls / (time.perf_counter() - start)


def overhead(pools: Pools, settings: Settings) -> float:
    """The seconds of a search whose stages take no time (median)."""
    return median(search(pools, settings, 1e9) for _ in range(STUDIO_CALLS))


def telling(seconds: float, _settings: Settings, report: Report) -> None:
    """A stage that tells in which process it runs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        report(0, 1, str(os.getpid()))
        time.sleep(0.02)


def seconds_until_it_goes_on(kill: Callable[[int], None], pools: Pools, settings: Settings) -> float:
    """The seconds from a kill, which is told the process of a stage, until the stage runs in another process."""
    told: list[tuple[float, int]] = []
    future = pools.accelerator.submit(
        telling, 3.0, settings, lambda _done, _total, what: told.append((time.monotonic(), int(what)))
    )
    while not told:
        time.sleep(0.01)
    first, killed = told[0][1], time.monotonic()
    kill(first)
    future.result()
    return next(at for at, process in told if process != first) - killed


def faults(pools: Pools, settings: Settings, parts: Parts) -> list[tuple[str, float]]:
    """What was killed, and the seconds until its stage went on."""

    def kill_worker(process: int) -> None:
        os.kill(process, signal.SIGKILL)

    def restart_scheduler(_process: int) -> None:
        parts.running["scheduler"].kill()
        parts.running["scheduler"].wait()
        start_scheduler(parts, urlsplit(settings.dask_scheduler).port)

    return [
        ("a worker's process", seconds_until_it_goes_on(kill_worker, pools, settings)),
        ("the scheduler, started again at once", seconds_until_it_goes_on(restart_scheduler, pools, settings)),
    ]


def on_workers(number: int, folder: Path, measure: Callable[[Pools, Settings, Parts], Any], processors: int = 1) -> Any:
    """What `measure` gives with so many workers, each with so many places for clips."""
    folder.mkdir()
    parts = Parts(folder)
    try:
        settings = replace(Settings.read({}), dask_scheduler=start_scheduler(parts), data_dir=folder / "studio")
        environment = {"DASK_SCHEDULER": settings.dask_scheduler, "VIDEO_WORKERS": processors}
        start_workers(parts, environment, number, "--cold")
        pools = open_pools(settings)
        pools.start()
        there = pools.cluster
        parts.wait_for(f"worker-{number}", lambda: there is not None and there.capacity("ACCELERATOR") == number)
        try:
            return measure(pools, settings, parts)
        finally:
            pools.close()
    finally:
        parts.stop()


def all_of(pools: Pools, settings: Settings, parts: Parts) -> tuple[float, float, list[tuple[str, float]]]:
    """What three workers are measured for besides their rate."""
    return overhead(pools, settings), calls_a_second(pools, settings), faults(pools, settings, parts)


def waiting(devices: int, load: float, seconds: float) -> float:
    """The mean wait for one of some devices that are busy for `load` of the time (Erlang's C formula)."""
    offered, blocked = devices * load, 1.0
    for servers in range(1, devices + 1):  # Erlang B, by its recursion
        blocked = offered * blocked / (servers + offered * blocked)
    waits = blocked / (1 - load * (1 - blocked))
    return waits * seconds / (devices * (1 - load))


def print_simulation(stages_a_second: float) -> None:
    """How much is needed for many searches, computed from the stages' measured times."""
    print(f"\ncomputed, devices busy {LOAD:.0%} of the time, each of them as the two cores that were measured:")
    device, reading = MUSIC + PICTURE, CLIPS * READ
    for hourly in (10_000, 1_000_000):
        rate = hourly / 3600
        devices, processors = ceil(rate * device / LOAD), ceil(rate * reading / LOAD)
        load = rate * device / devices
        stages = rate * (CLIPS + 2)
        wait = waiting(min(devices, 2000), load, device / 2)
        print(f"  {hourly:>9,} searches an hour: {devices:,} devices, {processors:,} processors for clips, "
              f"mean wait for a device {wait:.2f} s, {stages:,.0f} stages a second: {ceil(stages / stages_a_second)} "
              "scheduler(s)")  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as name:
        folder = Path(name)
        try:
            local = open_pools(here := replace(Settings.read({}), data_dir=folder / "here"))
            base = overhead(local, here)
            local.close()
            print(f"stages that sleep {READ / SCALE:.2f} s a clip, {MUSIC / SCALE:.2f} s for music, "
                  f"{PICTURE / SCALE:.2f} s for a picture: a tenth of the measured ones")  # fmt: skip
            one = 0.0
            for number in (1, 2, 3):
                rate = on_workers(number, folder / f"rate-{number}", lambda *given: a_minute(*given[:2]))
                one = one or rate
                print(f"{number} worker(s): {rate:6.1f} searches a minute, {rate / one:.2f} times one", flush=True)
            there = on_workers(3, folder / "overhead", all_of, MANY)
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
    print(f"a search whose stages take no time: {base * 1000:.0f} ms here, {there[0] * 1000:.0f} ms on three workers: "
          f"{(there[0] - base) * 1000:.0f} ms more")  # fmt: skip
    print(f"stages a second through one studio and one scheduler: {there[1]:.0f}")
    for killed, seconds in there[2]:
        print(f"killed: {killed}: its stage went on after {seconds:.1f} s")
    print_simulation(there[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
