"""How far a running search is: its progress and its parts, stored as events."""

import threading
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

import metrics
import pipeline
from engines import Cancelled
from feeds import Feeds
from store import DONE, RUNNING, Job, Store, add_event

QUIET = 0.2  # seconds between two events that only tell progress
LEARN_FROM = 20  # searches whose timings tell how long a stage takes here
FIRST_GUESS = {"videos": 3.0, "summary": 0.5, "music": 1.0, "image": 1.0}  # seconds, before anything was learned


class Stopping(Cancelled):
    """The process is ending: the search goes back to the queue."""


def expected_seconds(session: Session) -> dict[str, float]:
    """Seconds that each stage is likely to take here: the mean of the last searches."""
    newest = select(Job.made).where(Job.state == DONE).order_by(Job.ended.desc()).limit(LEARN_FROM)
    past = list(session.scalars(newest))
    if not past:
        return FIRST_GUESS
    return {
        stage: max(0.01, sum(made[stage]["seconds"] for made in past if stage in made) / len(past))
        for stage in pipeline.STAGES
    }


class Recorder:
    """The `watch` and `show` of one running search: both raise Cancelled, or Stopping, when it may not go on."""

    def __init__(self, job: Job, store: Store, feeds: Feeds, cancelled: threading.Event, stopping: threading.Event):
        self._job_id, self._store, self._feeds = job.id, store, feeds
        self._cancelled, self._stopping = cancelled, stopping
        with store.transaction() as session:
            self._expected = expected_seconds(session)
        self._lock = threading.Lock()
        self._reached, self._told_at, self._stage = job.progress, 0.0, None

    def watch(self, stage: str, done: int, total: int, what: str) -> None:
        """Note how far a stage is. Progress never goes back, and is told a few times a second at most."""
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
            self._record(stage, {"what": what, "done": done, "total": total, "left": round(left, 1)})

    def show(self, stage: str, made: dict) -> None:
        """Store what a stage has made so far."""
        self._may_go_on()
        metrics.STAGES.labels(stage, made["engine"] or "none").observe(made["seconds"])
        metrics.FAILURES.labels(stage).inc(len(made["warnings"]))
        with self._lock:
            self._record(stage, {"made": stage}, made)

    def _may_go_on(self):
        if self._cancelled.is_set():
            raise Cancelled
        if self._stopping.is_set():
            raise Stopping

    def _share(self, stage, fraction):
        """The share of the whole search that is done when `fraction` of a stage is."""
        before = pipeline.STAGES[: pipeline.STAGES.index(stage)]
        seconds = sum(self._expected[name] for name in before) + self._expected[stage] * min(fraction, 1.0)
        return seconds / sum(self._expected.values())

    def _record(self, stage, event, made=None):
        progress = round(self._reached, 4)
        with self._store.transaction() as session:
            job = session.get(Job, self._job_id, with_for_update=True)
            if job is None or job.state != RUNNING:
                raise Cancelled
            job.stage, job.progress = stage, progress
            if made is not None:
                job.made = job.made | {stage: made}
            add_event(session, job, {"state": RUNNING, "stage": stage, "progress": progress, **event})
        self._feeds.tell(self._job_id)
