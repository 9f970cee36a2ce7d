"""A search that outlives its request: stored before it starts, resumed, watched, cancelled."""

import fcntl
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

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

import history
import metrics
import pipeline
import retention
from engines import Cancelled
from feeds import Feeds
from history import query_of
from pipeline import Query
from recorder import Recorder, Stopping, expected_seconds, seconds_a_unit
from settings import Settings, SettingsError
from store import CANCELLED, DONE, ENDED, FAILED, QUEUED, RUNNING, Job, Store, add_event
from tiktok_videos import UnknownTagsError

log = logging.getLogger(__name__)

MOST_STARTS = 2  # a search that was running when the process died this often is not tried again
SEEDED = ("music", "image")  # the stages that another seed changes
LARGEST_SEED = 2**32
POLL = 1.0  # seconds between looks at what another instance may have queued
WATCH_EVERY = 0.5  # seconds between looks at what another instance may have cancelled
ALIVE_EVERY = 5.0  # seconds between two signs of life
ALIVE_FOR = 60.0  # seconds after its last sign of life until an instance counts as gone
PRUNE_EVERY = 3600.0  # seconds
RESTART = 15  # seconds that a restart may take: a guess, for those who are sent away meanwhile

# Runs a search: (query, id, folder, watch, show, made by an earlier run).
Run = Callable[[Query, str, Path, pipeline.Watch, pipeline.Show, dict], object]


class BusyError(Exception):
    """No search is taken now. `retry_after` is a guess, in seconds, of when it is worth another try."""

    def __init__(self, reason: str, retry_after: int):
        super().__init__(reason)
        self.retry_after = retry_after


class Jobs:
    """The queue, its workers, and those who watch. One for each process."""

    def __init__(self, settings: Settings, run: Run):
        self.settings, self._run_search = settings, run
        self.store = Store(settings)
        self._owner, self._hold = None, None
        self._wake, self._changes = threading.Condition(), 0
        self._stopping = threading.Event()
        self._running: dict[str, threading.Event] = {}  # by job: set when it is cancelled
        self._feeds = Feeds(self.store)
        self._threads: list[threading.Thread] = []

    # Asking

    def again(self, job: Job, visitor: str, anew: Sequence[str] = SEEDED) -> str:
        """Search the same with another seed, and return the new id. Only the stages in `anew` are done again."""
        query = replace(query_of(job), seed=secrets.randbelow(LARGEST_SEED))
        kept = {stage: made for stage, made in job.made.items() if stage not in anew}
        return self.submit(query, visitor, kept, history.folder(job.id, self.settings))

    def submit(self, query: Query, visitor: str, made: dict | None = None, made_in: Path | None = None) -> str:
        """Store a search and return its id; one that the visitor asked for already and that has not ended is joined.

        `made` holds what stages have made already, with their files in the folder `made_in`. Raises BusyError, and
        stores nothing, where MAX_QUEUED searches wait already, or the process is ending.
        """
        if self.stopping():
            raise BusyError("The studio is restarting.", RESTART)
        key, job_id = _key(query, self.settings), secrets.token_hex(16)
        folder = history.folder(job_id, self.settings)
        with self.store.transaction() as session:
            same = select(Job.id).where(Job.visitor == visitor, Job.key == key, Job.state.in_((QUEUED, RUNNING)))
            if joined := session.scalar(same.limit(1)):
                return joined
            self._refuse_when_full(session, query)
            job = Job(id=job_id, visitor=visitor, key=key, query=asdict(query), state=QUEUED, created=time.time())
            job.made = history.adopt(made, made_in, folder) if made and made_in else {}
            session.add(job)
            session.flush()
            add_event(session, job, {"state": QUEUED, "progress": 0.0})
        log.info(QUEUED, extra={"job": job_id})
        self._changed()
        return job_id

    def _refuse_when_full(self, session, query):
        waiting = session.scalar(select(func.count()).where(Job.state == QUEUED))
        if waiting < self.settings.max_queued:
            return
        metrics.REFUSED.inc()
        one = sum(expected_seconds(query, seconds_a_unit(session)).values())
        soon = max(1, round(one / self.settings.max_running))  # until the first of those that wait has its turn
        raise BusyError("The studio is busy: its queue of searches is full.", soon)

    def load(self) -> tuple[int, int]:
        """How many searches wait, and how many run."""
        with self.store.reading() as session:
            count = select(Job.state, func.count()).where(Job.state.in_((QUEUED, RUNNING))).group_by(Job.state)
            states = dict(session.execute(count).all())
        return states.get(QUEUED, 0), states.get(RUNNING, 0)

    def get(self, job_id: str) -> Job | None:
        with self.store.reading() as session:
            return session.get(Job, job_id)

    def wait(self, job_id: str) -> Job | None:
        """Wait until a search has ended, or the process is ending. None where the search was deleted meanwhile."""
        for _ in self.events(job_id):
            pass
        return self.get(job_id)

    def events(self, job_id: str, after: int = 0) -> Iterator[tuple[int, dict] | None]:
        """Yield each event of a job after number `after` until it has ended; None where nothing happens for long."""
        return self._feeds.events(job_id, after)

    def cancel(self, job_id: str) -> None:
        """Call a search off and remove what it has made. What has ended stays as it is.

        The visitor's own videos stay until the search is deleted, so that it can be run again.
        """
        with self.store.transaction() as session:
            job = session.get(Job, job_id)
            if job is None or job.state in ENDED:
                return
            _end(session, job, CANCELLED)
        if flag := self._running.get(job_id):
            flag.set()  # its worker removes the files
        else:
            shutil.rmtree(history.folder(job_id, self.settings), ignore_errors=True)
        self._feeds.tell(job_id)
        self._changed()

    def delete(self, job_id: str) -> None:
        """Remove a search with its files; one that still runs is called off first."""
        self.cancel(job_id)
        history.remove(job_id, self.store, self.settings)
        self._feeds.tell(job_id)

    # Running

    def start(self) -> None:
        """Take up what was left when the process ended, then work on the queue.

        Raises SettingsError where another process works in this DATA_DIR.
        """
        self._hold, self._owner = _hold(self.settings)
        retention.sweep(self.store, self.settings)
        self._take_back()
        workers = [(self._work, f"search-{number}") for number in range(self.settings.max_running)]
        for work, name in [*workers, (self._keep_house, "jobs")]:
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Take no more work: running searches go back to the queue at their next safe point, watchers are let go."""
        self._stopping.set()
        self._changed()
        self._feeds.stop()

    def close(self, seconds: float = 4.0) -> None:
        """Stop, and wait some seconds for the running searches to reach their next safe point."""
        self.stop()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for job_id in list(self._running):
            self._requeue(job_id)
        self.store.close()
        if self._hold:
            self._hold.close()

    def _changed(self):
        """Wake the workers: there may be something to do."""
        with self._wake:
            self._changes += 1
            self._wake.notify_all()

    def _work(self):
        while not self.stopping():
            seen = self._changes
            try:
                job = self._claim()
                if job is not None:
                    self._run(job)
                    continue
            except Exception:
                log.exception("the queue cannot be worked on")  # the database may come back
            with self._wake:
                self._wake.wait_for(lambda seen=seen: self._changes != seen or self.stopping(), POLL)

    def _claim(self):
        """Take the search whose turn it is."""
        with self.store.reading() as session:  # most looks find nothing, and need not wait for a writer
            if session.scalar(select(Job.id).where(Job.state == QUEUED).limit(1)) is None:
                return None
        with self.store.transaction() as session:
            job_id = _next(session, self._owner)
            if job_id is None or self.stopping():
                return None
            job = session.get(Job, job_id)
            job.state, job.owner, job.starts = RUNNING, self._owner, job.starts + 1
            job.started = job.alive = time.time()
            add_event(session, job, {"state": RUNNING, "progress": job.progress})
            self._running[job_id] = threading.Event()
            return job

    def _run(self, job):
        """Run one claimed search to its end, whatever that is."""
        told, folder = {"job": job.id}, history.folder(job.id, self.settings)
        log.info(RUNNING, extra=told)
        recorder = None
        try:
            self._feeds.tell(job.id)
            _remove_half_written(folder)
            self._take_over(job, folder)
            query = query_of(job)
            recorder = Recorder(job, query, self.store, self._feeds, self._running[job.id], self._stopping)
            self._run_search(query, job.id, folder, recorder.watch, recorder.show, job.made)
            self._finish(job.id, DONE)
        except Stopping:
            self._requeue(job.id)
        except Cancelled:
            pass
        except UnknownTagsError as error:
            self._fail(job.id, 404, "Not Found", str(error), known_tags=error.known)
        except OSError as error:
            log.exception("the result could not be stored", extra=told)
            self._fail(job.id, 507, "Insufficient Storage", f"The result could not be stored: {error.strerror}.")
        except Exception:
            log.exception("failed unexpectedly", extra=told)
            self._fail(job.id, 500, "Search failed", "The search failed unexpectedly; the log has the details.")
        finally:
            self._leave(job.id, folder)
            if recorder:
                recorder.count()

    def _leave(self, job_id, folder):
        """A search is no longer worked on: keep its files only where they are still wanted."""
        del self._running[job_id]
        ended = self.get(job_id)
        if ended is None or ended.state in (CANCELLED, FAILED):
            shutil.rmtree(folder, ignore_errors=True)
        log.info(ended.state if ended else "deleted", extra={"job": job_id})
        self._feeds.tell(job_id)
        self._changed()

    def _take_over(self, job, folder):
        """Take what the same search of another visitor made while this one waited for it."""
        with self.store.reading() as session:
            same = select(Job).where(Job.key == job.key, Job.state == DONE, Job.ended > job.created).limit(1)
            twin = session.scalar(same)
        if twin is None:
            return
        job.made = history.adopt(twin.made, history.folder(twin.id, self.settings), folder)
        with self.store.transaction() as session:
            session.execute(update(Job).where(Job.id == job.id, Job.state == RUNNING).values(made=job.made))

    def _finish(self, job_id, state, error=None):
        """End a job that still runs here; one that was cancelled meanwhile stays cancelled."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id)
            if job is not None and (job.state, job.owner) == (RUNNING, self._owner):
                _end(session, job, state, error)

    def _fail(self, job_id, status, title, detail, **more):
        self._finish(job_id, FAILED, {"title": title, "status": status, "detail": detail, **more})

    def _requeue(self, job_id):
        """Put a search back that the end of the process interrupted: that is no failure of the search."""
        with self.store.transaction() as session:
            job = session.get(Job, job_id)
            if job is not None and (job.state, job.owner) == (RUNNING, self._owner):
                _put_back(session, job)
                job.starts -= 1

    # Keeping house

    def _keep_house(self):
        """Every now and then: look for what another instance cancelled, say that this one is alive, prune."""
        tasks = ((WATCH_EVERY, self._heed_others), (ALIVE_EVERY, self._say_alive), (PRUNE_EVERY, self._prune))
        due = [0.0] * len(tasks)
        while not self._stopping.wait(WATCH_EVERY):
            for number, (every, task) in enumerate(tasks):
                if time.monotonic() < due[number]:
                    continue
                try:
                    task()
                except Exception:
                    log.exception("housekeeping failed")
                due[number] = time.monotonic() + every

    def _heed_others(self):
        """Stop working on what was called off or taken over. What is queued may be on its way to a worker here."""
        flags = dict(self._running)
        if not flags:
            return
        with self.store.reading() as session:
            ours = or_(Job.state == QUEUED, and_(Job.state == RUNNING, Job.owner == self._owner))
            going_on = session.scalars(select(Job.id).where(Job.id.in_(list(flags)), ours))
            for job_id in flags.keys() - set(going_on):
                flags[job_id].set()

    def _say_alive(self):
        with self.store.reading() as session:
            if session.scalar(select(Job.id).where(Job.state == RUNNING).limit(1)) is None:
                return
        with self.store.transaction() as session:
            ours = update(Job).where(Job.state == RUNNING, Job.owner == self._owner)
            session.execute(ours.values(alive=time.time()))
        self._take_back()

    def _take_back(self):
        """Put back what this instance was running and no longer is, and what runs on one that is gone.

        What has taken the process down too often is failed.
        """
        failed = []
        with self.store.transaction() as session:  # from here on, no worker claims anything
            lost_here = and_(Job.owner == self._owner, Job.id.not_in(list(self._running)))
            lost_there = and_(Job.owner != self._owner, Job.alive < time.time() - ALIVE_FOR)
            for job in session.scalars(select(Job).where(Job.state == RUNNING, or_(lost_here, lost_there))).all():
                if job.starts < MOST_STARTS:
                    _put_back(session, job)
                    log.warning("was interrupted, and goes on", extra={"job": job.id})
                    continue
                reason = f"The studio stopped {job.starts} times while it ran this search, so it is not tried again."
                _end(session, job, FAILED, {"title": "Search failed", "status": 500, "detail": reason})
                log.error("%s", reason, extra={"job": job.id})
                failed.append(job.id)
        for job_id in failed:
            shutil.rmtree(history.folder(job_id, self.settings), ignore_errors=True)
        self._changed()

    def _prune(self):
        if removed := retention.prune(self.store, self.settings):
            log.info("removed %d old searches", removed)


def _next(session: Session, owner: str) -> str | None:
    """The search whose turn it is: of the visitor with the fewest running, then of the one served longest ago.

    One that runs already for another visitor is waited for: then all of it is there. One that was running when the
    process died runs alone, so that it is known next time which one it was.
    """
    running = session.execute(select(Job.visitor, Job.key, Job.owner, Job.starts).where(Job.state == RUNNING)).all()
    here = [job for job in running if job.owner == owner]
    if any(job.starts > 1 for job in here):
        return None
    waiting = select(Job.id, Job.visitor, Job.key, Job.starts).where(Job.state == QUEUED).order_by(Job.created)
    keys = {job.key for job in running}
    queued = [job for job in session.execute(waiting) if job.key not in keys]
    suspects = [job.id for job in queued if job.starts]
    if suspects:
        return None if here else suspects[0]
    busy = [job.visitor for job in running]
    visitors = {job.visitor for job in queued}
    served = select(Job.visitor, func.max(Job.started)).where(Job.visitor.in_(visitors)).group_by(Job.visitor)
    last_served = dict(session.execute(served).all())
    turns = [(busy.count(job.visitor), last_served.get(job.visitor) or 0.0, n) for n, job in enumerate(queued)]
    return queued[min(turns)[-1]].id if turns else None


def _put_back(session, job):
    job.state = QUEUED
    add_event(session, job, {"state": QUEUED, "progress": job.progress})


def _end(session, job, state, error=None):
    """End a job. Only what is done keeps what it has made."""
    job.state, job.ended, job.error = state, time.time(), error
    if state == DONE:
        job.progress = 1.0
    else:
        job.made = {}
    metrics.SEARCHES.labels(state).inc()
    add_event(session, job, {"state": state, "progress": job.progress})


def _key(query, settings):
    """The same for searches that would give the same."""
    asked = [asdict(query), repr(settings)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _remove_half_written(folder):
    """Remove what a run that was killed had not finished writing."""
    for file in folder.glob(".*"):
        file.unlink()


def _hold(settings):
    """Hold DATA_DIR for as long as the process lives: the open file that does, and the name of this instance.

    The name is made once and kept: it tells the searches that this instance was running from those of others.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = (settings.data_dir / "instance_id").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SettingsError(f"DATA_DIR={settings.data_dir}: another studio runs there; give this one its own") from None
    file.seek(0)
    name = file.read()
    if not name:
        name = secrets.token_hex(16)
        file.write(name)
        file.flush()
    return file, name
