"""How far a running search is: its progress, the time left and its parts, stored as events."""

import logging
import math
import threading
import time
from collections import defaultdict
from statistics import median
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import metrics
from core.engines import Cancelled
from jobs import notices
from jobs.database import Store
from jobs.events import Events
from jobs.models import DONE, RUNNING, Job, JobEvent
from pipeline import STAGES, Query, StageResult, stages_of

log = logging.getLogger(__name__)

QUIET = 0.2  # seconds between two events that only tell progress
LEARN_FROM = 20  # searches whose timings tell how long a stage takes here
FIRST_GUESS = {
    "videos": 1.0,
    "summary": 0.5,
    "music": 0.1,
    "image": 1.0,
    "video": 20.0,
}  # seconds a unit, before anything was learned
CLIPS_A_TAG = 3  # a guess, until the videos are found
ENOUGH = 0.2  # the part of a stage after which its own speed tells how long the rest takes


class Stopping(Cancelled):
    """The process is ending: the search goes back to the queue."""


def seconds_a_unit(session: Session) -> dict[str, float]:
    """Seconds that each stage took here lately for a clip, a brief, a second of music, a picture.

    The median over the newest searches that its present engine worked for. A clip that came from the cache took no
    time and tells nothing. A stage that no search tells of is missing.
    """
    newest = select(Job.query, Job.results).where(Job.state == DONE).order_by(Job.ended.desc()).limit(LEARN_FROM)
    took: dict[str, list[float]] = defaultdict(list)
    engine: dict[str, str | None] = {}
    for query, results in session.execute(newest):
        for stage, result in results.items():
            done = _units(stage, query.seconds, len(result.value or ()) - result.cached)
            if result.value and done > 0 and engine.setdefault(stage, result.engine) == result.engine:
                took[stage].append(result.seconds / done)
    return {stage: median(seconds) for stage, seconds in took.items()}


def expected_seconds(query: Query, learned: dict[str, float]) -> dict[str, float]:
    """Seconds that each stage of a search is likely to take; `learned` is what `seconds_a_unit` gives."""
    clips = CLIPS_A_TAG * len(query.tags) + len(query.uploads)
    guess = FIRST_GUESS | learned
    return {stage: max(0.01, guess[stage] * _units(stage, query.seconds, clips)) for stage in stages_of(query)}


def _units(stage: str, music_seconds: int, clips: int) -> int:
    return {"videos": clips, "music": music_seconds}.get(stage, 1)


class OutOfTime(Cancelled):
    """The search has taken longer than MAX_SEARCH_SECONDS."""


class Recorder:
    """The `on_progress` and `on_result` of one running search.

    Both raise Cancelled, Stopping or OutOfTime when it may not go on; `limit` is how many seconds it may take.
    """

    def __init__(
        self,
        job: Job,
        store: Store,
        events: Events,
        cancelled: threading.Event,
        stopping: threading.Event,
        limit: float = math.inf,
    ):
        self._deadline = time.monotonic() + limit
        self.job_id, self._owner, self._store, self._events = job.id, job.owner, store, events
        self._cancelled, self._stopping = cancelled, stopping
        with store.reading() as session:
            self._learned = seconds_a_unit(session)
        self._expected = expected_seconds(job.query, self._learned)
        if "summary" in job.results:  # then an earlier run had read the clips, and has done what else there is
            self._expected |= dict.fromkeys(job.results, 0.01)
        self._lock = threading.Lock()
        self._reached, self._told_at = job.progress, 0.0
        self._stage: str | None = None
        self._stage_began = 0.0
        self._results = dict(job.results)
        self._done_here: dict[str, StageResult] = {}

    def on_progress(self, stage: str, done: float, total: int, what: str) -> None:
        """Note how far a stage is. Progress never goes back, and is told a few times a second at most."""
        self._may_go_on()
        if not what:
            return
        fraction = min(1.0, done / max(total, 1))
        with self._lock:
            now = time.monotonic()
            is_new = stage != self._stage
            if is_new:
                self._stage, self._stage_began = stage, now
            self._reached = max(self._reached, self._share(stage, fraction))
            if not is_new and now - self._told_at < QUIET:
                return
            self._told_at = now
            left = {"left": round(self._left(stage, fraction, now), 1)} if self._learned else {}
            self._record(stage, {"what": what, "done": done, "total": total, **left})

    def on_result(self, stage: str, result: StageResult) -> None:
        """Store what a stage has made so far."""
        self._may_go_on()
        with self._lock:
            self._results[stage] = self._done_here[stage] = result
            self._record(stage, {"made": stage}, results=self._results)
        told = {"job": self.job_id, "stage": stage}
        log.info("made by %s in %.1f s", result.engine or "no engine", result.seconds, extra=told)
        for line in result.warnings:
            log.warning("%s", line, extra=told)

    def count(self) -> None:
        """Count the stages that were made, when the search has ended."""
        for stage, result in self._done_here.items():
            clips = len(result.value) if stage == "videos" else 0
            metrics.count_stage(stage, result.engine, result.seconds, len(result.warnings), clips, result.cached)

    def _may_go_on(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        if self._stopping.is_set():
            raise Stopping
        if time.monotonic() > self._deadline:
            raise OutOfTime

    def _share(self, stage: str, fraction: float) -> float:
        """The share of the whole search that is done when `fraction` of a stage is."""
        before = STAGES[: STAGES.index(stage)]
        seconds = sum(self._expected[name] for name in before) + self._expected[stage] * fraction
        return seconds / sum(self._expected.values())

    def _left(self, stage: str, fraction: float, now: float) -> float:
        """Seconds until the search is done: the rest of this stage at the speed it has, and what follows as learned."""
        later = sum(self._expected[name] for name in STAGES[STAGES.index(stage) + 1 :] if name in self._expected)
        gone = now - self._stage_began
        return later + (gone / fraction if fraction >= ENOUGH else self._expected[stage]) * (1 - fraction)

    def _record(self, stage: str, news: dict[str, Any], **values: Any) -> None:
        """Store an event of a search that still runs, and runs here."""
        progress = round(self._reached, 4)
        here = (Job.id == self.job_id, Job.state == RUNNING, Job.owner == self._owner)
        values |= {"stage": stage, "progress": progress, "events": Job.events + 1}
        with self._store.transaction() as session:
            number = session.scalar(update(Job).where(*here).values(**values).returning(Job.events))
            if number is None:
                raise Cancelled
            data = {"state": RUNNING, "stage": stage, "progress": progress, **news}
            session.add(JobEvent(job_id=self.job_id, number=number, data=data))
            notices.tell(session, self.job_id, RUNNING)
        self._events.publish(self.job_id)
