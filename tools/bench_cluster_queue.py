"""What studios share, for `make bench-cluster`: the queue on PostgreSQL, how soon others hear, and what travels.

PostgreSQL, a studio, the scheduler and the workers are real, on the loopback of one machine, beside who asks them.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Thread

import pipeline
from core.executors import open_pools
from jobs import leases
from jobs.database import Store
from jobs.events import Events
from jobs.models import DONE, QUEUED, RUNNING, Job
from jobs.progress import Recorder
from jobs.queue import Jobs
from pipeline import Query
from settings import Settings
from tools.attack.client import Client
from tools.cluster import Parts, answers, start_database, start_scheduler, start_workers
from tools.environments import environment
from tools.waiting import free_port, until

WAITING, VISITORS = 5000, 1000  # searches in the queue, and who asked for them
ROUNDS = 100  # searches that are stored, and claimed
WATCHERS, SEARCHES = 500, 20
EVENTS, EVERY = 10, 1.0  # events of each search, seconds between two
LEASE = 3600.0  # seconds for which a search of the bench is nobody else's


@dataclass(frozen=True)
class Shared:
    """What the queue on PostgreSQL takes a second: searches stored and claimed, events told."""

    stored: float
    claimed: float
    events: float


def queue(parts: Parts, url: str) -> Shared:
    """What the queue takes a second, with WAITING searches in it already."""
    here = {"database_url": url, "data_dir": parts.folder / "queue", "max_queued": WAITING + ROUNDS}
    settings = replace(Settings.read({}), **here)
    jobs = Jobs(settings, open_pools(settings))
    with jobs.store.transaction() as session:
        session.add_all(_job(number, QUEUED) for number in range(WAITING))
    start = time.perf_counter()
    for number in range(ROUNDS):
        jobs.submit(Query(("AI",), seed=WAITING + number), f"{number:032x}")
    stored = ROUNDS / (time.perf_counter() - start)
    spent = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with jobs.store.claiming() as session:
            job = leases.claim(session, "bench")
        spent += time.perf_counter() - start
        with jobs.store.transaction() as session:  # as few run at once as in truth
            leases.end(session, session.get(Job, job.id), DONE)
    told = _events_a_second(jobs.store)
    jobs.close()
    return Shared(stored, ROUNDS / spent, told)


def _events_a_second(store: Store) -> float:
    job, never = _job(WAITING * 3, RUNNING), Event()
    with store.transaction() as session:
        session.add(job)
    recorder = Recorder(job, store, Events(store), never, never)
    start = time.perf_counter()
    for number in range(ROUNDS):  # of two stages in turn: what one tells too soon after another is left out
        recorder.on_progress(("music", "image")[number % 2], number, ROUNDS, "telling")
    return ROUNDS / (time.perf_counter() - start)


def _job(number: int, state: str) -> Job:
    now, visitor = time.time(), number % VISITORS
    held = {"owner": "bench", "heartbeat_at": now + LEASE, "attempts": 1} if state == RUNNING else {}
    return Job(id=f"{number:032x}", visitor=f"{visitor:032x}", address=str(visitor), key=str(number), state=state,
               query=Query(("AI",), seed=number), results={}, created=now + number * 1e-6, **held)  # fmt: skip


def hearing(parts: Parts, url: str) -> list[float]:
    """The seconds from an event, told in this process, until each of WATCHERS of another studio has it."""
    port = free_port()
    own = environment(parts.folder / "watched", PORT=port, DATABASE_URL=url, DASK_SCHEDULER="")
    parts.start("watched", [sys.executable, "app.py"], own)
    parts.wait_for("watched", lambda: answers(port))
    store = Store(replace(Settings.read({}), database_url=url))
    jobs = [_job(WAITING * 2 + number, RUNNING) for number in range(SEARCHES)]
    with store.transaction() as session:
        session.add_all(jobs)
    telling = Thread(target=_tell, args=(jobs, store, ready := Event()))
    telling.start()
    try:
        return asyncio.run(_watch(port, [job.id for job in jobs], ready))
    finally:
        ready.set()
        telling.join()
        store.close()
        studio = parts.running.pop("watched")
        studio.kill()
        studio.wait()


def _tell(jobs: Sequence[Job], store: Store, ready: Event) -> None:
    """Tell events of each search, evenly over time, once all are watched."""
    never = Event()
    recorders = [Recorder(job, store, Events(store), never, never) for job in jobs]
    ready.wait()
    for number in range(EVENTS):
        for recorder in recorders:
            recorder.on_progress("videos", number, EVENTS, repr(time.time()))
            time.sleep(EVERY / len(recorders))
    for job in jobs:
        with store.transaction() as session:
            leases.end(session, session.get(Job, job.id), DONE)


async def _watch(port: int, ids: Sequence[str], ready: Event) -> list[float]:
    seconds: list[float] = []
    began = asyncio.Semaphore(0)

    async def follow(job_id: str) -> None:
        async with Client(port).sent("GET", f"/jobs/{job_id}/events") as (reader, _):
            await reader.readline()
            began.release()
            async for line in reader:
                told = json.loads(line[5:]) if line.startswith(b"data:") else {}
                if "what" in told:
                    seconds.append(time.time() - float(told["what"]))

    followers = [asyncio.create_task(follow(ids[number % len(ids)])) for number in range(WATCHERS)]
    for _ in followers:
        await began.acquire()
    await asyncio.sleep(1)
    ready.set()
    await asyncio.gather(*followers)
    return seconds


def travelling(parts: Parts) -> dict[str, int]:
    """Bytes that a search moves between studio, scheduler and three workers, beside what they say when idle."""
    empty = parts.folder / "empty"
    empty.mkdir()
    address = start_scheduler(parts)
    own = {**environment(parts.folder / "sender"), "DASK_SCHEDULER": address, "VIDEO_WORKERS": "1"}
    start_workers(parts, {**own, "VIDEO_LIBRARY": empty}, 3, "--cold")
    settings = Settings.read(own)
    pools = open_pools(settings)
    pools.start()
    until(lambda: pools.cluster is not None and pools.cluster.capacity("PROCESSOR") == 3, 60)
    moved = {}
    for name, seed in (("its clips are sent", 1), ("its clips are there, and were read", 2)):
        with _counted() as count:
            pipeline.search(Query(("AI",), seconds=5, seed=seed), f"{seed:032x}", parts.folder / name, settings, pools)
        moved[name] = count[0]
    pools.close()
    return moved


@contextmanager
def _counted() -> Iterator[list[int]]:
    """The bytes that the loopback carries during the block, without those of an idle cluster in that time."""
    before, start = _carried(), time.perf_counter()
    time.sleep(4)
    idle = (_carried() - before) / (time.perf_counter() - start)
    count: list[int] = []
    before, start = _carried(), time.perf_counter()
    yield count
    count.append(round(_carried() - before - idle * (time.perf_counter() - start)))


def _carried() -> int:
    """Bytes that the loopback has carried (Linux)."""
    (line,) = [line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:")]
    return int(line.partition(":")[2].split()[0])


def print_shared(folder: Path) -> Shared:
    """Measure all of it, say so, and return what the queue takes. Raises tools.cluster.CannotStart."""
    folder.mkdir()
    parts = Parts(folder)
    try:
        url = start_database(parts)
        rates = queue(parts, url)
        print(f"with {WAITING:,} searches in PostgreSQL's queue: {rates.stored:.0f} more stored a second, "
              f"{rates.claimed:.0f} claimed a second; {rates.events:.0f} events a second", flush=True)  # fmt: skip
        seconds = hearing(parts, url)
        middle, late = (1000 * number for number in (median(seconds), quantiles(seconds, n=20)[-1]))
        print(f"{WATCHERS} watchers at another studio have an event after {middle:.0f} ms (median; 95 of 100 after "
              f"{late:.0f} ms), {len(seconds):,} of {WATCHERS * EVENTS:,} heard", flush=True)  # fmt: skip
        for name, number in travelling(parts).items():
            print(f"a search of three clips moves {number / 1024**2:.1f} MB between studio and workers where {name}")
    finally:
        parts.stop()
    return rates
