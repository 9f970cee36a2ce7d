"""A search that outlives its request: stored before it starts, resumed, watched, cancelled."""

import hashlib
import json
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import delete, func, select, update

import pipeline
from engines import Cancelled
from feeds import Feeds
from pipeline import Query
from settings import Settings
from store import CANCELLED, DONE, ENDED, FAILED, QUEUED, RUNNING, Job, JobEvent, Store
from tiktok_videos import UnknownTagsError

log = logging.getLogger(__name__)

MOST_STARTS = 2  # a search that was running when the process died this often is not tried again
SEEDLESS = ("videos", "summary")  # the stages that another seed does not change
LARGEST_SEED = 2**32
QUIET = 0.2  # seconds between two events that only tell progress
POLL = 1.0  # seconds between looks at what another instance may have queued
LEARN_FROM = 20  # searches whose timings tell how long a stage takes here
FIRST_GUESS = {"videos": 3.0, "summary": 0.5, "music": 1.0, "image": 1.0}  # seconds, before anything was learned

# Runs a search: (query, id, folder, watch, show, made by an earlier run).
Run = Callable[[Query, str, Path, pipeline.Watch, pipeline.Show, dict], object]


class BusyError(Exception):
    """The queue is full. `retry_after` is a guess, in seconds, of when it is worth another try."""

    def __init__(self, retry_after: int):
        super().__init__("The studio is busy: its queue of searches is full.")
        self.retry_after = retry_after


class _Stopping(Cancelled):
    """The process is ending: the search goes back to the queue."""


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

    def again(self, job: Job, visitor: str) -> str:
        """Search the same with another seed, and return the new id. What the seed does not touch is not done again."""
        query = replace(query_of(job), seed=secrets.randbelow(LARGEST_SEED))
        return self.submit(query, visitor, {stage: job.made[stage] for stage in SEEDLESS if stage in job.made})

    def submit(self, query: Query, visitor: str, made: dict | None = None) -> str:
        """Store a search and return its id; one that the visitor asked for already and that has not ended is joined.

        `made` holds what stages have made already. Raises BusyError, and stores nothing, where MAX_QUEUED searches wait
        already.
        """
        key = _key(query, self.settings)
        with self.store.transaction() as session:
            same = select(Job.id).where(Job.visitor == visitor, Job.key == key, Job.state.in_((QUEUED, RUNNING)))
            if joined := session.scalar(same):
                return joined
            waiting = session.scalar(select(func.count()).where(Job.state == QUEUED))
            if waiting >= self.settings.max_queued:
                raise BusyError(retry_after=max(1, round(waiting * sum(self._expected(session).values()) / 2)))
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
            _add_event(session, job, {"state": QUEUED, "progress": 0.0})
        with self._wake:
            self._wake.notify()
        return job.id

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

    # History

    def history(self, visitor: str) -> list[Job]:
        """The searches of a visitor, newest first."""
        with self.store.transaction() as session:
            return list(session.scalars(select(Job).where(Job.visitor == visitor).order_by(Job.created.desc())))

    def rename(self, job_id: str, visitor: str, name: str) -> bool:
        with self.store.transaction() as session:
            mine = (Job.id == job_id) & (Job.visitor == visitor)
            return session.execute(update(Job).where(mine).values(name=name)).rowcount == 1

    def delete(self, job_id: str, visitor: str) -> bool:
        """Remove a search of this visitor with its files; one that still runs is cancelled first."""
        with self.store.transaction() as session:
            if session.scalar(select(Job.visitor).where(Job.id == job_id)) != visitor:
                return False
        self.cancel(job_id)
        self._remove(job_id)
        return True

    def prune(self) -> int:
        """Remove what is older than KEEP_DAYS, then the oldest until MAX_STORAGE_MB hold; return how many went."""
        with self.store.transaction() as session:
            ended = select(Job.id, Job.created).where(Job.state.in_(ENDED)).order_by(Job.created)
            jobs = session.execute(ended).all()
        sizes = {job_id: _size(self._folder(job_id)) for job_id, _ in jobs}
        total, limit = sum(sizes.values()), self.settings.max_storage_mb * 1024**2
        removed = 0
        for job_id, created in jobs:
            if created > time.time() - self.settings.keep_days * 86400 and total <= limit:
                break
            self._remove(job_id)
            total -= sizes[job_id]
            removed += 1
        return removed

    def _remove(self, job_id):
        shutil.rmtree(self._folder(job_id), ignore_errors=True)
        with self.store.transaction() as session:
            session.execute(delete(JobEvent).where(JobEvent.job_id == job_id))
            session.execute(delete(Job).where(Job.id == job_id))

    def _folder(self, job_id):
        return self.settings.generated_dir / job_id

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
                    shutil.rmtree(self._folder(job.id), ignore_errors=True)
                else:
                    job.state = QUEUED
                    _add_event(session, job, {"state": QUEUED, "progress": job.progress})

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
        folder = self._folder(job.id)
        _remove_half_written(folder)
        cancelled = self._cancelled[job.id] = threading.Event()
        recorder = _Recorder(self, job.id, job.progress, cancelled)
        try:
            self._run_search(query_of(job), job.id, folder, recorder.watch, recorder.show, job.made)
            self._finish(job.id, DONE)
        except _Stopping:
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
        _add_event(session, job, {"state": state, "progress": job.progress})

    def _requeue(self, job_id):
        """Put a search back that the end of the process interrupted: that is no failure of the search."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is not None and job.state == RUNNING:
                job.state, job.starts = QUEUED, job.starts - 1

    def record(self, job_id: str, stage: str, progress: float, event: dict, made: dict | None = None) -> None:
        """Store how far a running job is, and what a stage has made. Raises Cancelled where it runs no more."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is None or job.state != RUNNING:
                raise Cancelled
            job.stage, job.progress = stage, progress
            if made is not None:
                job.made = job.made | {stage: made}
            _add_event(session, job, {"state": RUNNING, "stage": stage, "progress": progress, **event})
        self._feeds.tell(job_id)

    def stopping(self) -> bool:
        return self._stopping.is_set()

    def expected(self) -> dict[str, float]:
        """Seconds that each stage is likely to take on this machine."""
        with self.store.transaction() as session:
            return self._expected(session)

    def _expected(self, session):
        newest = select(Job.made).where(Job.state == DONE).order_by(Job.ended.desc()).limit(LEARN_FROM)
        past = list(session.scalars(newest))
        if not past:
            return FIRST_GUESS
        return {
            stage: max(0.01, sum(made[stage]["seconds"] for made in past if stage in made) / len(past))
            for stage in pipeline.STAGES
        }


class _Recorder:
    """What a running search tells: watched stages, partial results, and whether it may go on."""

    def __init__(self, jobs, job_id, reached, cancelled):
        self._jobs, self._job_id, self._cancelled = jobs, job_id, cancelled
        self._expected = jobs.expected()
        self._lock = threading.Lock()
        self._reached, self._told_at, self._stage = reached, 0.0, None

    def watch(self, stage: str, done: int, total: int, what: str) -> None:
        """Take note of progress. Raises Cancelled when the search was called off or the process ends."""
        self._may_go_on()
        if not what:
            return
        with self._lock:
            self._reached = max(self._reached, self._share(stage, done / max(total, 1)))
            now = time.monotonic()
            if stage == self._stage and now - self._told_at < QUIET:
                return
            self._stage, self._told_at = stage, now
            left = sum(self._expected.values()) * (1 - self._reached)
            event = {"what": what, "done": done, "total": total, "left": round(left, 1)}
            self._jobs.record(self._job_id, stage, round(self._reached, 4), event)

    def show(self, stage: str, made: dict) -> None:
        """Store what a stage has made so far. Raises as `watch` does."""
        self._may_go_on()
        with self._lock:
            self._jobs.record(self._job_id, stage, round(self._reached, 4), {"made": stage}, made)

    def _may_go_on(self):
        if self._cancelled.is_set():
            raise Cancelled
        if self._jobs.stopping():
            raise _Stopping

    def _share(self, stage, fraction):
        """The share of the whole search that is done when `fraction` of a stage is."""
        before = pipeline.STAGES[: pipeline.STAGES.index(stage)]
        seconds = sum(self._expected[name] for name in before) + self._expected[stage] * min(fraction, 1.0)
        return seconds / sum(self._expected.values())


def query_of(job: Job) -> Query:
    """What a stored search asked."""
    return Query(**job.query | {"tags": tuple(job.query["tags"])})


def _key(query, settings):
    """The same for searches that would give the same."""
    asked = [asdict(query), repr(settings)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _remove_half_written(folder):
    """Remove what a run that was killed had not finished writing."""
    for file in folder.glob(".*"):
        file.unlink()


def _add_event(session, job, data):
    job.events = (job.events or 0) + 1
    session.add(JobEvent(job_id=job.id, number=job.events, data=data))


def _instance_id(settings):
    """The name of this instance, made once and kept: it tells its own interrupted searches from those of others."""
    path = settings.data_dir / "instance_id"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(secrets.token_hex(16))
    return path.read_text()


def _size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0
