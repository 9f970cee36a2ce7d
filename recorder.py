"""How far a running search is: its progress, the time left and its parts, stored as events."""

import logging
import threading
import time
from collections import defaultdict
from statistics import median

from sqlalchemy import select, update
from sqlalchemy.orm import Session

import metrics
import pipeline
from engines import Cancelled
from feeds import Feeds
from pipeline import Query
from store import DONE, RUNNING, Job, JobEvent, Store

log = logging.getLogger(__name__)

QUIET = 0.2  # seconds between two events that only tell progress
LEARN_FROM = 20  # searches whose timings tell how long a stage takes here
FIRST_GUESS = {"videos": 1.0, "summary": 0.5, "music": 0.1, "image": 1.0}  # seconds a unit, before anything was learned
CLIPS_A_TAG = 3  # a guess, until the videos are found
ENOUGH = 0.2  # the part of a stage after which its own speed tells how long the rest takes


class Stopping(Cancelled):
    """The process is ending: the search goes back to the queue."""


def seconds_a_unit(session: Session) -> dict[str, float]:
    """Seconds that each stage took here lately for a clip, a brief, a second of music, a picture.

    The median over the newest searches that its present engine worked for. A clip that came from the cache took no
    time and tells nothing. A stage that no search tells of is missing.
    """
    newest = select(Job.query, Job.made).where(Job.state == DONE).order_by(Job.ended.desc()).limit(LEARN_FROM)
    took, engine = defaultdict(list), {}
    for query, made in session.execute(newest):
        for stage, part in made.items():
            done = _units(stage, query["seconds"], len(part["value"] or ()) - part.get("cached", 0))
            if part["value"] and done > 0 and engine.setdefault(stage, part["engine"]) == part["engine"]:
                took[stage].append(part["seconds"] / done)
    return {stage: median(seconds) for stage, seconds in took.items()}


def expected_seconds(query: Query, learned: dict[str, float]) -> dict[str, float]:
    """Seconds that each stage of a search is likely to take; `learned` is what `seconds_a_unit` gives."""
    clips = CLIPS_A_TAG * len(query.tags) + len(query.uploads)
    return {
        stage: max(0.01, (FIRST_GUESS | learned)[stage] * _units(stage, query.seconds, clips))
        for stage in pipeline.STAGES
    }


def _units(stage, music_seconds, clips):
    return {"videos": clips, "music": music_seconds}.get(stage, 1)


class Recorder:
    """The `watch` and `show` of one running search: both raise Cancelled, or Stopping, when it may not go on."""

    def __init__(
        self, job: Job, query: Query, store: Store, feeds: Feeds, cancelled: threading.Event, stopping: threading.Event
    ):
        self._job_id, self._owner, self._store, self._feeds = job.id, job.owner, store, feeds
        self._cancelled, self._stopping = cancelled, stopping
        with store.reading() as session:
            self._learned = seconds_a_unit(session)
        self._expected = expected_seconds(query, self._learned)
        if "summary" in job.made:  # then an earlier run had read the clips, and has done what else there is
            self._expected |= dict.fromkeys(job.made, 0.01)
        self._lock = threading.Lock()
        self._reached, self._told_at = job.progress, 0.0
        self._stage, self._stage_began = None, 0.0
        self._made, self._shown = dict(job.made), {}

    def watch(self, stage: str, done: int, total: int, what: str) -> None:
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

    def show(self, stage: str, made: dict) -> None:
        """Store what a stage has made so far."""
        self._may_go_on()
        with self._lock:
            self._made[stage] = self._shown[stage] = made
            self._record(stage, {"made": stage}, made=self._made)
        told = {"job": self._job_id, "stage": stage}
        log.info("made by %s in %.1f s", made["engine"] or "no engine", made["seconds"], extra=told)
        for line in made["warnings"]:
            log.warning("%s", line, extra=told)

    def count(self) -> None:
        """Count the stages that were made, when the search has ended."""
        for stage, made in self._shown.items():
            metrics.count_stage(stage, made)

    def _may_go_on(self):
        if self._cancelled.is_set():
            raise Cancelled
        if self._stopping.is_set():
            raise Stopping

    def _share(self, stage, fraction):
        """The share of the whole search that is done when `fraction` of a stage is."""
        before = pipeline.STAGES[: pipeline.STAGES.index(stage)]
        seconds = sum(self._expected[name] for name in before) + self._expected[stage] * fraction
        return seconds / sum(self._expected.values())

    def _left(self, stage, fraction, now):
        """Seconds until the search is done: the rest of this stage at the speed it has, and what follows as learned."""
        later = sum(self._expected[name] for name in pipeline.STAGES[pipeline.STAGES.index(stage) + 1 :])
        gone = now - self._stage_began
        return later + (gone / fraction if fraction >= ENOUGH else self._expected[stage]) * (1 - fraction)

    def _record(self, stage, news, **values):
        """Store an event of a search that still runs, and runs here."""
        progress = round(self._reached, 4)
        here = (Job.id == self._job_id, Job.state == RUNNING, Job.owner == self._owner)
        values |= {"stage": stage, "progress": progress, "events": Job.events + 1}
        with self._store.transaction() as session:
            number = session.scalar(update(Job).where(*here).values(**values).returning(Job.events))
            if number is None:
                raise Cancelled
            data = {"state": RUNNING, "stage": stage, "progress": progress, **news}
            session.add(JobEvent(job_id=self._job_id, number=number, data=data))
        self._feeds.tell(self._job_id)
