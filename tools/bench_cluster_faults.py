"""Who dies, and how soon its search goes on, for `make bench-cluster`: two studios, three workers, all real.

The models are tiny ones of random weights, and what is measured is the way back: the stage itself is done anew.
"""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed import Client
from sqlalchemy import Engine, create_engine, text

from tools.cluster import Parts, start_database, start_scheduler, start_store, start_studios, start_workers
from tools.environments import environment
from tools.random_weights.studio import tiny_models
from tools.services.line import Line
from tools.waiting import until

AWAY = 10.0  # seconds that the store is down
STAGES = {  # by what a search is said to do, the call that a worker gets
    "reading clips": "clips.read_clip",
    "the brief": "summariser.summarise",
    "music": "music_gen.generate",
    "the picture": "animate_text.generate",
    "the draft": "drafting.make_draft",
}
LANGUAGES = (
    "en-GB",
    "en-AU",
    "en-IN",
    "en-CA",
    "en-NZ",
    "en-IE",
    "en-ZA",
    "en-SG",
    "en-KE",
)  # no clip was read in these


@dataclass
class Cluster:
    """The parts, and how they are watched."""

    parts: Parts
    scheduler: str
    studios: list[int]
    line: Line
    database: Engine
    asked: int = 0

    def ask(self, video: bool = False) -> str:
        """Search, of the first studio that is there; the id."""
        body = {"tags": ["AI"], "seconds": 5, "seed": self.asked, "language": LANGUAGES[self.asked], "video": video}
        self.asked += 1
        headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
        port = next(port for number, port in enumerate(self.studios, 1) if self.is_up(f"studio-{number}"))
        request = urllib.request.Request(f"http://127.0.0.1:{port}/search", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 the loopback
            return str(json.load(answer)["id"])

    def is_up(self, name: str) -> bool:
        return self.parts.running[name].poll() is None

    def row(self, job_id: str) -> Any:
        """What the database says of a search: its state, who runs it, and how much is stored of it."""
        query = text("SELECT state, owner, length(results::text) AS stored FROM jobs WHERE id = :id")
        with self.database.connect() as connection:
            return connection.execute(query, {"id": job_id}).one()

    def is_done(self, job_id: str) -> bool:
        """Wait for a search's end; whether it has what it should have."""
        return str(until(lambda: self._end(job_id), 300)) == "done"

    def _end(self, job_id: str) -> str | None:
        state = str(self.row(job_id).state)
        return state if state in ("done", "failed", "cancelled") else None


def start(parts: Parts) -> Cluster:
    """Start everything, with tiny models. Raises tools.cluster.CannotStart."""
    folder = parts.folder
    database, scheduler, store = start_database(parts), start_scheduler(parts), start_store(parts)
    line = Line(urlsplit(str(store["STORAGE_ENDPOINT"])).port or 0)
    line.mend()
    shared = {**environment(folder, DATABASE_URL=database, DASK_SCHEDULER=scheduler), **tiny_models(folder)}
    shared |= {**store, "STORAGE_ENDPOINT": f"http://127.0.0.1:{line.port}", "STORAGE_TIMEOUT": 1}
    shared |= {"FLASK_SECRET_KEY": "of the bench", "MAX_RUNNING": 1}
    start_workers(parts, shared, 3, "--cold")
    studios = start_studios(parts, shared)
    return Cluster(parts, scheduler, studios, line, create_engine(database))


def killed_workers(cluster: Cluster, stages: Iterable[str]) -> Iterator[tuple[str, float, bool]]:
    """For each stage, the seconds from the death of the worker in it until another had it, and whether all was made."""
    with Client(cluster.scheduler, set_as_default=False) as client:
        for told, call in ((told, STAGES[told]) for told in stages):
            until(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 3, 60)
            processes = client.run(os.getpid)
            job_id = cluster.ask(video=told == "the draft")
            running = until(lambda call=call: _running(client, call), 200)
            first = next(iter(running))
            os.kill(processes[first], signal.SIGKILL)
            killed = time.monotonic()
            # What was running elsewhere already is not what the dead worker had.
            elsewhere = {key for address, keys in running.items() if address != first for key in keys}
            until(lambda call=call, first=first, elsewhere=elsewhere: _who_runs(client, call, first, elsewhere), 60)
            yield f"a worker, in {told}", time.monotonic() - killed, cluster.is_done(job_id)


def _running(client: Client, call: str) -> dict[str, set[str]]:
    """The keys of such calls by the address of the worker that has them."""
    found = {address: {str(key) for key in keys if call in str(key)} for address, keys in client.processing().items()}
    return {address: keys for address, keys in found.items() if keys}


def _who_runs(client: Client, call: str, but: str = "", known: Collection[str] = ()) -> str | None:
    """The address of a worker, other than `but`, that has such a call which is not `known`."""
    running = _running(client, call).items()
    return next((address for address, keys in running if address != but and keys.difference(known)), None)


def restarted_scheduler(cluster: Cluster) -> tuple[str, float, bool]:
    job_id = cluster.ask()
    with Client(cluster.scheduler, set_as_default=False) as client:
        until(lambda: _who_runs(client, STAGES["music"]), 200)
    gone = cluster.parts.running["scheduler"]
    gone.kill()
    gone.wait()
    killed = time.monotonic()
    start_scheduler(cluster.parts, urlsplit(cluster.scheduler).port)
    with Client(cluster.scheduler, set_as_default=False) as client:
        until(lambda: _who_runs(client, STAGES["music"]), 60)
    return "the scheduler, started again at once", time.monotonic() - killed, cluster.is_done(job_id)


def lost_store(cluster: Cluster) -> tuple[str, float, bool]:
    job_id = cluster.ask()
    until(lambda: cluster.row(job_id).stored > len("{}"), 100)  # the clips were read
    cluster.line.cut()
    cut, stored = time.monotonic(), cluster.row(job_id).stored
    while time.monotonic() - cut < AWAY:
        time.sleep(0.1)
        stored = max(stored, cluster.row(job_id).stored)
    cluster.line.mend()
    until(lambda: cluster.row(job_id).stored > stored, 100)
    return f"the store, for {AWAY:.0f} s", time.monotonic() - cut, cluster.is_done(job_id)


def killed_studio(cluster: Cluster) -> tuple[str, float, bool]:
    job_id = cluster.ask()
    owner = until(lambda: cluster.row(job_id).owner, 100)
    names = {(cluster.parts.folder / name / "instance_id").read_text(): name for name in ("studio-1", "studio-2")}
    cluster.parts.running[names[owner]].kill()
    killed = time.monotonic()
    until(lambda: cluster.row(job_id).owner not in (owner, None), 120)
    return "the studio that ran it", time.monotonic() - killed, cluster.is_done(job_id)


def faults(cluster: Cluster) -> Iterator[tuple[str, float, bool]]:
    """Kill each part in turn: which, the seconds until its search went on, and whether it has all that it should."""
    *stages, longest = STAGES
    yield from killed_workers(cluster, stages)
    for fault in (restarted_scheduler, lost_store, killed_studio):
        yield fault(cluster)
    yield from killed_workers(cluster, [longest])


def print_faults(folder: Path) -> None:
    """Kill each part in turn, and say how soon its search went on. Raises tools.cluster.CannotStart."""
    folder.mkdir()
    parts = Parts(folder)
    try:
        cluster = start(parts)
        cluster.is_done(cluster.ask())  # the models are loaded
        print(f"{'killed':40} goes on after  searches lost")
        for killed, seconds, is_done in faults(cluster):
            print(f"{killed:40} {seconds:11.1f} s  {0 if is_done else 1}", flush=True)
    finally:
        parts.stop()
