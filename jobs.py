"""A search that outlives its request: stored before it starts, resumed, watched, cancelled."""

import hashlib
import json
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import func, select, update

import history
import metrics
import pipeline
from engines import Cancelled
from feeds import Feeds
from history import query_of
from pipeline import Query
from recorder import Recorder, Stopping, expected_seconds
from settings import Settings
from store import CANCELLED, DONE, ENDED, FAILED, QUEUED, RUNNING, Job, Store, add_event
from tiktok_videos import UnknownTagsError

log = logging.getLogger(__name__)

MOST_STARTS = 2  # a search that was running when the process died this often is not tried again
SEEDED = ("music", "image")  # the stages that another seed changes
LARGEST_SEED = 2**32
POLL = 1.0  # seconds between looks at what another instance may have queued

# Runs a search: (query, id, folder, watch, show, made by an earlier run).
Run = Callable[[Query, str, Path, pipeline.Watch, pipeline.Show, dict], object]


class BusyError(Exception):
    """The queue is full. `retry_after` is a guess, in seconds, of when it is worth another try."""

    def __init__(self, retry_after: int):
        super().__init__("The studio is busy: its queue of searches is full.")
        self.retry_after = retry_after


class Jobs:
    """The queue, its workers, and those who watch. One for each process."""

    def __init__(self, settings: Settings, run: Run):
        self.settings, self._run_search = settings, run
        self.store = Store(settings)
        self._owner = _instance_id(settings)
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._cancelled: dict[str, threading.Event] = {}
        self._feeds = Feeds(self.store)
        self._workers: list[threading.Thread] = []

    # Asking

    def again(self, job: Job, visitor: str, anew: Sequence[str] = SEEDED) -> str:
        """Search the same with another seed, and return the new id. Only the stages in `anew` are done again."""
        query = replace(query_of(job), seed=secrets.randbelow(LARGEST_SEED))
        kept = {stage: made for stage, made in job.made.items() if stage not in anew}
        return self.submit(query, visitor, kept, history.folder(job.id, self.settings))

    def submit(self, query: Query, visitor: str, made: dict | None = None, made_in: Path | None = None) -> str:
        """Store a search and return its id; one that the visitor asked for already and that has not ended is joined.

        `made` holds what stages have made already, with their files in the folder `made_in`. Raises BusyError, and
        stores nothing, where MAX_QUEUED searches wait already.
        """
        key = _key(query, self.settings)
        with self.store.transaction() as session:
            same = select(Job.id).where(Job.visitor == visitor, Job.key == key, Job.state.in_((QUEUED, RUNNING)))
            if joined := session.scalar(same):
                return joined
            waiting = session.scalar(select(func.count()).where(Job.state == QUEUED))
            if waiting >= self.settings.max_queued:
                metrics.REFUSED.inc()
                raise BusyError(retry_after=max(1, round(waiting * sum(expected_seconds(session).values()) / 2)))
            job = Job(
                id=secrets.token_hex(16),
                visitor=visitor,
                key=key,
                query=asdict(query),
                state=QUEUED,
                made=made or {},
                created=time.time(),
            )
            session.add(job)
            session.flush()
            if made_in:
                _link_files(made or {}, made_in, history.folder(job.id, self.settings))
            add_event(session, job, {"state": QUEUED, "progress": 0.0})
        with self._wake:
            self._wake.notify()
        return job.id

    def load(self) -> tuple[int, int]:
        """How many searches wait, and how many run."""
        with self.store.transaction() as session:
            count = select(Job.state, func.count()).where(Job.state.in_((QUEUED, RUNNING))).group_by(Job.state)
            states = dict(session.execute(count).all())
        return states.get(QUEUED, 0), states.get(RUNNING, 0)

    def get(self, job_id: str) -> Job | None:
        with self.store.transaction() as session:
            return session.get(Job, job_id)

    def wait(self, job_id: str) -> Job:
        """Wait until a search has ended."""
        for _ in self.events(job_id):
            pass
        return self.get(job_id)

    def events(self, job_id: str, after: int = 0) -> Iterator[tuple[int, dict] | None]:
        """Yield each event of a job after number `after` until it has ended; None where nothing happens for long."""
        return self._feeds.events(job_id, after)

    def cancel(self, job_id: str) -> None:
        """Call a search off. What has ended stays as it is."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is None or job.state in ENDED:
                return
            self._end(session, job, CANCELLED)
        if flag := self._cancelled.get(job_id):
            flag.set()
        self._feeds.tell(job_id)

    def delete(self, job_id: str) -> None:
        """Remove a search with its files; one that still runs is called off first."""
        self.cancel(job_id)
        history.remove(job_id, self.store, self.settings)

    # Running

    def start(self) -> None:
        """Take up what was left when the process ended, then work on the queue."""
        self._recover()
        for number in range(self.settings.max_running):
            worker = threading.Thread(target=self._work, name=f"search-{number}", daemon=True)
            worker.start()
            self._workers.append(worker)

    def stop(self) -> None:
        """Take no more work: running searches go back to the queue at their next safe point, watchers are let go."""
        self._stopping.set()
        with self._wake:
            self._wake.notify_all()
        self._feeds.stop()

    def close(self, seconds: float = 4.0) -> None:
        """Stop, and wait some seconds for the running searches to reach their next safe point."""
        self.stop()
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        self.store.close()

    def _recover(self):
        """Put back what this instance was running when it ended; fail what has taken it down too often."""
        with self.store.transaction() as session:
            for job in session.scalars(select(Job).where(Job.state == RUNNING, Job.owner == self._owner)):
                if job.starts >= MOST_STARTS:
                    reason = (
                        f"The studio stopped {job.starts} times while it ran this search, so it is not tried again."
                    )
                    self._end(session, job, FAILED, error={"title": "Search failed", "status": 500, "detail": reason})
                    shutil.rmtree(history.folder(job.id, self.settings), ignore_errors=True)
                else:
                    job.state = QUEUED
                    add_event(session, job, {"state": QUEUED, "progress": job.progress})

    def _work(self):
        while not self._stopping.is_set():
            job = self._claim()
            if job is not None:
                self._run(job)
                continue
            with self._wake:
                self._wake.wait(POLL)

    def _claim(self):
        """Take the next search: of the visitor with the fewest running, then of the one served longest ago."""
        with self.store.transaction() as session:
            running = session.execute(select(Job.visitor, Job.key).where(Job.state == RUNNING)).all()
            queued = session.execute(select(Job.id, Job.visitor, Job.key, Job.created).where(Job.state == QUEUED)).all()
            if not queued:
                return None
            served = select(Job.visitor, func.max(Job.started)).group_by(Job.visitor)
            last_served = dict(session.execute(served).all())
            busy = [visitor for visitor, _ in running]
            keys = {key for _, key in running}  # what runs already is waited for: then all of it is in the caches
            free = [job for job in queued if job.key not in keys]
            turn = lambda job: (busy.count(job.visitor), last_served.get(job.visitor) or 0.0, job.created)  # noqa: E731
            for candidate in sorted(free, key=turn):
                claim = update(Job).where(Job.id == candidate.id, Job.state == QUEUED)
                taken = {"state": RUNNING, "owner": self._owner, "started": time.time(), "starts": Job.starts + 1}
                if session.execute(claim.values(**taken)).rowcount:
                    return session.get(Job, candidate.id)
        return None

    def _run(self, job):
        """Run one claimed search to its end, whatever that is."""
        folder = history.folder(job.id, self.settings)
        _remove_half_written(folder)
        cancelled = self._cancelled[job.id] = threading.Event()
        recorder = Recorder(job, self.store, self._feeds, cancelled, self._stopping)
        try:
            made = self._take_over(job) or job.made
            self._run_search(query_of(job), job.id, folder, recorder.watch, recorder.show, made)
            self._finish(job.id, DONE)
        except Stopping:
            self._requeue(job.id)
        except Cancelled:
            shutil.rmtree(folder, ignore_errors=True)
        except UnknownTagsError as error:
            self._fail(job.id, folder, 404, "Not Found", str(error), known_tags=error.known)
        except OSError as error:
            log.exception("search %s failed", job.id)
            self._fail(
                job.id, folder, 507, "Insufficient Storage", f"The result could not be stored: {error.strerror}."
            )
        except Exception:
            log.exception("search %s failed", job.id)
            self._fail(job.id, folder, 500, "Search failed", "The search failed unexpectedly; the log has the details.")
        finally:
            del self._cancelled[job.id]
            self._feeds.tell(job.id)

    def _take_over(self, job):
        """What the same search of another visitor made while this one waited for it."""
        with self.store.transaction() as session:
            same = select(Job).where(Job.key == job.key, Job.state == DONE, Job.ended > job.created).limit(1)
            twin = session.scalar(same)
        if twin is not None:
            _link_files(twin.made, history.folder(twin.id, self.settings), history.folder(job.id, self.settings))
        return twin and twin.made

    def _finish(self, job_id, state, **values):
        """End a job that still runs; one that was cancelled meanwhile stays cancelled."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is not None and job.state == RUNNING:
                self._end(session, job, state, **values)

    def _fail(self, job_id, folder, status, title, detail, **more):
        shutil.rmtree(folder, ignore_errors=True)
        self._finish(job_id, FAILED, error={"title": title, "status": status, "detail": detail, **more})

    def _end(self, session, job, state, error=None):
        job.state, job.ended, job.error = state, time.time(), error
        job.progress = 1.0 if state == DONE else job.progress
        metrics.SEARCHES.labels(state).inc()
        add_event(session, job, {"state": state, "progress": job.progress})

    def _requeue(self, job_id):
        """Put a search back that the end of the process interrupted: that is no failure of the search."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is not None and job.state == RUNNING:
                job.state, job.starts = QUEUED, job.starts - 1

    def stopping(self) -> bool:
        return self._stopping.is_set()


def _key(query, settings):
    """The same for searches that would give the same."""
    asked = [asdict(query), repr(settings)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _link_files(made, source, target):
    """Give a search the files that another one made: as links, or as copies where the disk has no links."""
    target.mkdir(parents=True, exist_ok=True)
    for stage in SEEDED:
        for name in filter(None, (made.get(stage, {}).get("value") or {}).values()):
            try:
                (target / name).hardlink_to(source / name)
            except FileNotFoundError:
                continue  # it is made again
            except OSError:
                shutil.copyfile(source / name, target / name)


def _remove_half_written(folder):
    """Remove what a run that was killed had not finished writing."""
    for file in folder.glob(".*"):
        file.unlink()


def _instance_id(settings):
    """The name of this instance, made once and kept: it tells its own interrupted searches from those of others."""
    path = settings.data_dir / "instance_id"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(secrets.token_hex(16))
    return path.read_text()
