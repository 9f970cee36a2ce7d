"""`make bench-cluster`: what workers bring, and what they cost. The real scheduler and workers, on the loopback.

One part alone: `python -m tools.bench_cluster costs`, or rates, shared (what bench_cluster_queue measures), faults.

The stages sleep a tenth as long as the models take that were measured by `make bench-models`, since on one machine real
ones would share its processors. What Dask and the network cost is real, and weighs ten times as much.
"""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from core.engines import Report, no_report
from core.executors import Pools, open_pools
from settings import Settings
from tools.bench_cluster_faults import print_faults
from tools.bench_cluster_queue import Shared, print_shared
from tools.cluster import CannotStart, Parts, folder_for_all, start_scheduler, start_workers

CLIPS = 3
READ, MUSIC, PICTURE = 1.37, 14.4, 25.8  # seconds a clip, 5 s of music, a picture in `fast`: on two cores
SCALE = 10  # times as fast as those
SEARCHES = 9  # in a round, for each worker
AT_ONCE = 4  # the same
STUDIO_CALLS = 20  # searches that take no time, for what the way there costs
MANY = 16  # places of a worker, where it is to be seen what the studio and the scheduler can do
TOLD = 5  # events a second that a running search may tell at most
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


def a_minute(pools: Pools, settings: Settings, workers: int) -> float:
    """Searches a minute, with AT_ONCE of them under way for each worker."""
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE * workers) as visitors:
        wait_for(visitors.submit(search, pools, settings) for _ in range(SEARCHES * workers))
    return SEARCHES * workers / (time.perf_counter() - start) * 60


def calls_a_second(pools: Pools, settings: Settings, calls: int = 400) -> float:
    """How many stages that take no time are run in a second: the studio's and the scheduler's own limit."""
    start = time.perf_counter()
    wait_for([pools.videos.submit(stage, 0.0, settings, no_report) for _ in range(calls)])
    return calls / (time.perf_counter() - start)


def overhead(pools: Pools, settings: Settings) -> float:
    """The seconds of a search whose stages take no time (median)."""
    return median(search(pools, settings, 1e9) for _ in range(STUDIO_CALLS))


def on_workers(number: int, folder: Path, measure: Callable[[Pools, Settings], Any], processors: int = 1) -> Any:
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
            return measure(pools, settings)
        finally:
            pools.close()
    finally:
        parts.stop()


def costs(pools: Pools, settings: Settings) -> tuple[float, float]:
    """What three workers are measured for besides their rate."""
    return overhead(pools, settings), calls_a_second(pools, settings)


def waiting(devices: int, load: float, seconds: float) -> float:
    """The mean wait for one of some devices that are busy for `load` of the time (Erlang's C formula)."""
    offered, blocked = devices * load, 1.0
    for servers in range(1, devices + 1):  # Erlang B, by its recursion
        blocked = offered * blocked / (servers + offered * blocked)
    waits = blocked / (1 - load * (1 - blocked))
    return waits * seconds / (devices * (1 - load))


def print_rates(folder: Path) -> None:
    """Searches a minute, with as many for each worker in every round."""
    print(f"stages that sleep {READ / SCALE:.2f} s a clip, {MUSIC / SCALE:.2f} s for music, "
          f"{PICTURE / SCALE:.2f} s for a picture: a tenth of the measured ones")  # fmt: skip
    one = 0.0
    for number in (1, 2, 3):
        rate = on_workers(number, folder / f"rate-{number}", partial(a_minute, workers=number))
        one = one or rate
        print(f"{number} worker(s): {rate:6.1f} searches a minute, {rate / one:.2f} times one", flush=True)


def print_costs(folder: Path) -> float:
    """What the way to workers and back takes; returns how many stages a second go it."""
    local = open_pools(here := replace(Settings.read({}), data_dir=folder / "here"))
    base = overhead(local, here)
    local.close()
    there, a_second = on_workers(3, folder / "overhead", costs, MANY)
    print(f"a search whose stages take no time: {base * 1000:.0f} ms here, {there * 1000:.0f} ms on three workers: "
          f"{(there - base) * 1000:.0f} ms more")  # fmt: skip
    print(f"stages a second through one studio and one scheduler: {a_second:.0f}", flush=True)
    return a_second


def print_simulation(stages_a_second: float, shared: Shared) -> None:
    """How much is needed for many searches, computed from what was measured: the stages' times, and the rates."""
    print(f"\ncomputed, devices busy {LOAD:.0%} of the time, each of them as the two cores that were measured:")
    device, reading = MUSIC + PICTURE, CLIPS * READ
    events = TOLD * (device + reading)  # of a search; as many as may be told while its stages run
    writing = 1 / shared.stored + 1 / shared.claimed + events / shared.events  # seconds of the database's one writer
    for hourly in (10_000, 1_000_000):
        rate = hourly / 3600
        devices, processors = ceil(rate * device / LOAD), ceil(rate * reading / LOAD)
        wait = waiting(min(devices, 2000), rate * device / devices, device / 2)
        stages = rate * (CLIPS + 2)
        print(f"  {hourly:>9,} searches an hour: {devices:,} devices, {processors:,} processors for clips, mean wait "
              f"for a device {wait:.2f} s; {stages:,.0f} stages a second: {ceil(stages / stages_a_second)} "
              f"scheduler(s); {rate * events:,.0f} events a second: {ceil(rate * writing)} database(s)")  # fmt: skip


def main(wanted: Sequence[str]) -> int:
    """Measure what is asked for, or all: rates, costs, shared, faults."""
    with folder_for_all() as folder:
        try:
            if "rates" in wanted:
                print_rates(folder)
            rate = print_costs(folder) if "costs" in wanted else None
            shared = print_shared(folder / "shared") if "shared" in wanted else None
            if "faults" in wanted:
                print_faults(folder / "faults")
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
    if rate and shared:
        print_simulation(rate, shared)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ("rates", "costs", "shared", "faults")))
