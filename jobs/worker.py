"""The workers of an instance: threads that run claimed searches, and one that keeps house."""

import errno
import logging
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError

import pipeline
from core import storage
from core.engines import Cancelled
from core.executors import ClusterLost, Pools
from core.storage import StorageError, Unreachable
from jobs import history, leases, notices, retention
from jobs.database import Store
from jobs.events import Events
from jobs.models import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job
from jobs.progress import OutOfTime, Recorder, Stopping
from pipeline import SearchResult, StageResult
from settings import Settings, SettingsError
from tiktok_videos import UnknownTagsError

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.5  # between looks at what another instance may have called off
PRUNE_SECONDS = 3600.0

Search = Callable[..., SearchResult | None]  # as pipeline.search


class Workers:
    """Runs the searches of one queue, by `pipeline.search`, or by what tests put in its place."""

    def __init__(self, settings: Settings, pools: Pools, store: Store, events: Events, search: Search | None):
        self._settings, self._pools, self._store, self._events, self._search = settings, pools, store, events, search
        self.owner = ""
        self._hold: IO[str] | None = None
        self._wake, self._changes = threading.Condition(), 0
        self.stopping = threading.Event()
        self._running: dict[str, threading.Event] = {}  # by job: set when it is called off
        self._unfinished: dict[str, tuple[str, dict[str, Any] | None]] = {}  # ends that could not be stored yet
        self._listener = notices.Listener(store.engine, store.name, self._hear, self.stopping)
        events.is_told = lambda: self._listener.hears
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take up what was left when the process ended, then work on the queue.

        Raises SettingsError where another process works in this DATA_DIR, or the store of STORAGE_URL cannot be used.
        """
        _try_storage(self._settings)
        if self._store.is_shared and not self._settings.flask_secret_key:
            log.warning(
                "FLASK_SECRET_KEY is empty: other studios on this database know none of the visitors of this one"
            )
        self._hold, self.owner = leases.hold_data_dir(self._settings)
        retention.sweep(self._store, self._settings)
        self._requeue_orphans()
        forget = partial(history.forget_parts, self._store, self._settings)
        beat = (leases.HEARTBEAT_SECONDS, self._heartbeat)
        alive = partial(self._repeat, (WATCH_SECONDS, self._watch_others), beat, (WATCH_SECONDS, forget))
        pruning = partial(self._repeat, (PRUNE_SECONDS, self._prune))  # apart: a store may let it wait
        others = {"listener": self._listener.run} if self._store.is_shared else {}
        tasks = {f"search-{number}": self._work for number in range(self._settings.max_running)}
        for name, task in (tasks | {"jobs": alive, "retention": pruning} | others).items():
            thread = threading.Thread(target=task, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Take no more work: running searches go back to the queue at their next safe point."""
        self.stopping.set()
        self.wake()

    def close(self, seconds: float) -> None:
        """Stop, and wait some seconds for the running searches to reach their next safe point."""
        self.stop()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for job_id in list(self._running):
            self._requeue(job_id)
        if self._hold:
            self._hold.close()

    def wake(self) -> None:
        """There may be something to do."""
        with self._wake:
            self._changes += 1
            self._wake.notify_all()

    def running(self) -> list[str]:
        return list(self._running)

    def cancel(self, job_id: str) -> bool:
        """Call off a search that runs here; False where it does not. Its worker removes the files."""
        flag = self._running.get(job_id)
        if flag:
            flag.set()
        return flag is not None

    def _work(self) -> None:
        while not self.stopping.is_set():
            seen = self._changes
            try:
                job = self._claim()
                if job is not None:
                    self._run(job)
                    continue
            except Exception:
                log.exception("the queue cannot be worked on")  # the database may come back
            with self._wake:
                self._wake.wait_for(partial(self._is_news, seen), self._events.poll())

    def _hear(self, job_id: str, state: str) -> None:
        """Another studio tells of a search; or, without an id, it may have told of something that was missed."""
        if not job_id:
            self._events.publish_all()
        self._events.publish(job_id)
        if state != RUNNING:
            self.wake()

    def _is_news(self, seen: int) -> bool:
        return self._changes != seen or self.stopping.is_set()

    def _claim(self) -> Job | None:
        with self._store.reading() as session:  # most looks find nothing, and need not wait for a writer
            if session.scalar(select(Job.id).where(Job.state == QUEUED).limit(1)) is None:
                return None
        with self._store.claiming() as session:
            job = None if self.stopping.is_set() else leases.claim(session, self.owner)
            if job is not None:
                with self._wake:
                    self._running[job.id] = threading.Event()
            return job

    def _run(self, job: Job) -> None:
        """Run one claimed search to its end, whatever that is."""
        folder, called_off = history.folder(job.id, self._settings), self._running[job.id]
        log.info(RUNNING, extra={"job": job.id})
        recorder: Recorder | None = None
        try:
            self._events.publish(job.id)
            _remove_half_written(folder)
            self._adopt_twin(job)
            history.bring(job.id, job.results, self._settings)
            flags = (called_off, self.stopping)
            recorder = Recorder(job, self._store, self._events, *flags, self._settings.max_search_seconds)
            on_result = partial(self._keep, recorder)
            (self._search or pipeline.search)(
                job.query,
                job.id,
                folder,
                self._settings,
                self._pools,
                recorder.on_progress,
                on_result,
                job.results,
            )
            self._finish(job.id, DONE)
        except (Stopping, OperationalError, InterfaceError) as error:  # the process ends, or the database is gone
            if not isinstance(error, Stopping):
                log.warning("the database failed: the search goes on when it is back", extra={"job": job.id})
            self._clear(folder)
            self._requeue(job.id)
        except Unreachable as error:  # what is made waits for the store, and so do the searches
            log.warning("goes back to the queue: %s", error, extra={"job": job.id})
            self._clear(folder)
            self._requeue(job.id)
        except OutOfTime:
            self._finish(job.id, FAILED, _out_of_time(self._settings.max_search_seconds))
        except Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 whatever it is, it ends this search and no other
            self._finish(job.id, FAILED, _problem(error, job.id))
        finally:
            self._release(job.id, called_off)
            if recorder:
                recorder.count()

    def _clear(self, folder: Path) -> None:
        """Remove what was made here of a search that is kept in a store, before anybody else may take it."""
        if storage.is_remote(self._settings):
            shutil.rmtree(folder, ignore_errors=True)

    def _release(self, job_id: str, called_off: threading.Event) -> None:
        """A search is no longer worked on by a thread: keep its files only where they are still wanted."""
        with self._wake:
            if self._running.get(job_id) is called_off:  # not taken again meanwhile
                del self._running[job_id]
        with self._store.reading() as session:
            state = session.scalar(select(Job.state).where(Job.id == job_id))
        if state != QUEUED and job_id not in self._running:
            self._clear(history.folder(job_id, self._settings))
        if state in (None, CANCELLED, FAILED):
            history.discard_files(job_id, self._settings)
        log.info(state or "deleted", extra={"job": job_id})
        self._events.publish(job_id)
        self.wake()

    def _keep(self, recorder: Recorder, stage: str, result: StageResult) -> None:
        """Have the files of a stage where everybody finds them, then tell of it."""
        history.keep(recorder.job_id, stage, result, self._settings)
        recorder.on_result(stage, result)

    def _adopt_twin(self, job: Job) -> None:
        """Take what the same search of another visitor made while this one waited for it."""
        with self._store.reading() as session:
            same = select(Job).where(Job.key == job.key, Job.state == DONE, Job.ended > job.created).limit(1)
            twin = session.scalar(same)
        if twin is None:
            return
        job.results = history.give(twin.results, twin.id, job.id, self._settings)
        with self._store.transaction() as session:
            session.execute(update(Job).where(Job.id == job.id, Job.state == RUNNING).values(results=job.results))

    def _finish(self, job_id: str, state: str, error: dict[str, Any] | None = None) -> None:
        """End a job that still runs here, or put it back; one that was cancelled meanwhile stays cancelled.

        Where the database is locked or its disk full, it is tried again later: the process has not died.
        """
        self._unfinished[job_id] = (state, error)
        try:
            with self._store.transaction() as session:
                job = session.get(Job, job_id, with_for_update=True)
                if job is None or (job.state, job.owner) != (RUNNING, self.owner):
                    pass
                elif state == QUEUED:
                    leases.requeue(session, job)
                    job.attempts -= 1
                else:
                    leases.end(session, job, state, error)
        except (OperationalError, InterfaceError):
            log.exception("the end of a search cannot be stored yet", extra={"job": job_id})
            return
        self._unfinished.pop(job_id, None)

    def _requeue(self, job_id: str) -> None:
        """Put a search back that was interrupted from outside: that is no failure of the search."""
        self._finish(job_id, QUEUED)

    def _repeat(self, *tasks: tuple[float, Callable[[], None]]) -> None:
        """Do each task every so many seconds until the end."""
        due = [0.0] * len(tasks)
        while not self.stopping.wait(WATCH_SECONDS):
            for number, (every, task) in enumerate(tasks):
                if time.monotonic() < due[number]:
                    continue
                try:
                    task()
                except (OSError, OperationalError, InterfaceError) as error:  # of the machine: it may be over soon
                    log.warning("housekeeping waits for its next turn: %s", error)
                except Exception:
                    log.exception("housekeeping failed")
                due[number] = time.monotonic() + every

    def _watch_others(self) -> None:
        flags = dict(self._running)
        for job_id in leases.lost(self._store, self.owner, flags) if flags else ():
            flags[job_id].set()

    def _heartbeat(self) -> None:
        with self._store.reading() as session:
            if session.scalar(select(Job.id).where(Job.state == RUNNING).limit(1)) is None:
                return
        leases.heartbeat(self._store, self.owner)
        self._requeue_orphans()

    def _requeue_orphans(self) -> None:
        for job_id, (state, error) in list(self._unfinished.items()):
            self._finish(job_id, state, error)
            self._events.publish(job_id)
        for job_id in leases.requeue_orphans(self._store, self.owner, lambda: [*self._running, *self._unfinished]):
            history.discard_files(job_id, self._settings)
        self.wake()

    def _prune(self) -> None:
        if removed := retention.prune(self._store, self._settings):
            log.info("removed %d old searches", removed)


def _problem(error: Exception, job_id: str) -> dict[str, Any]:
    """What a client is told of a search that failed: an RFC 9457 problem without its type."""
    if isinstance(error, UnknownTagsError):
        return {"title": "Not Found", "status": 404, "detail": str(error), "known_tags": error.known}
    log.error("failed", exc_info=error, extra={"job": job_id})
    if isinstance(error, StorageError):
        return {"title": "Storage failed", "status": 503, "detail": str(error)}
    if isinstance(error, ClusterLost):
        return {"title": "Search stopped", "status": 503, "detail": str(error)}
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        detail = "The studio had too little memory for this search. Ask for fewer tags or shorter videos."
        return {"title": "Insufficient Storage", "status": 507, "detail": detail}
    if isinstance(error, OSError):
        detail = f"The result could not be stored: {error.strerror}."
        return {"title": "Insufficient Storage", "status": 507, "detail": detail}
    return {
        "title": "Search failed",
        "status": 500,
        "detail": "The search failed unexpectedly; the log has the details.",
    }


def _out_of_time(seconds: int) -> dict[str, Any]:
    detail = f"The search took longer than {seconds} s and was stopped. Ask for fewer tags or shorter videos."
    return {"title": "Search stopped", "status": 504, "detail": detail}


def _try_storage(settings: Settings) -> None:
    try:
        storage.reach(settings)
    except StorageError as error:
        raise SettingsError(f"STORAGE_URL={settings.storage_url}: {error}") from error


def _remove_half_written(folder: Path) -> None:
    """Remove what a run that was killed had not finished writing."""
    for file in folder.glob(".*"):
        file.unlink()
