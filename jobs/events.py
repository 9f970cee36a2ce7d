"""Subscribers to jobs' events: however many follow one job, its events are read from the database once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from jobs.database import Store
from jobs.models import ENDED, Job, JobEvent

POLL = 1.0  # seconds between looks at what another instance may have written
SELDOM = 15.0  # the same where other instances tell of it
QUIET = 15.0  # seconds without an event after which a subscriber is told that nothing happened
NEVER = float("-inf")

Event = tuple[int, dict[str, Any]]


@dataclass
class _Feed:
    """The events of one job, and whether there will be more."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    events: list[Event] = field(default_factory=list)
    ended: bool = False
    read_at: float = NEVER
    subscribers: list[Callable[[], None]] = field(default_factory=list)


class Events:
    """One feed for each job that is followed now."""

    def __init__(self, store: Store):
        self._store = store
        self._feeds: dict[str, _Feed] = {}
        self._lock = threading.Lock()
        self.stopping = False
        self.is_told: Callable[[], bool] = lambda: False  # whether other instances tell of what they write

    def poll(self) -> float:
        """Seconds between looks at what another instance may have written."""
        return SELDOM if self.is_told() else POLL

    @contextmanager
    def subscribed(self, job_id: str, notify: Callable[[], None]) -> Iterator[None]:
        """Call `notify`, from any thread, when there may be something new of a job. It must return at once."""
        with self._lock:
            feed = self._feeds.setdefault(job_id, _Feed())
            feed.subscribers.append(notify)
        try:
            yield
        finally:
            with self._lock:
                feed.subscribers.remove(notify)
                if not feed.subscribers:
                    self._feeds.pop(job_id, None)

    def read(self, job_id: str, after: int) -> tuple[list[Event], bool]:
        """The events of a subscribed job after number `after`, and whether there will be no more.

        What another instance writes is seen within POLL, or when it tells of it.
        """
        with self._lock:
            feed = self._feeds[job_id]
        with feed.lock:
            if not feed.ended and time.monotonic() - feed.read_at >= self.poll():
                self._update(feed, job_id)
            return feed.events[after:], feed.ended

    def follow(self, job_id: str, after: int = 0) -> Iterator[Event | None]:
        """Yield each event of a job after number `after` until it has ended or `stop` is called.

        Where nothing happens for 15 s, None is yielded.
        """
        news = threading.Event()
        with self.subscribed(job_id, news.set):
            quiet_since = time.monotonic()
            while not self.stopping:
                news.clear()
                events, ended = self.read(job_id, after)
                yield from events
                if events:
                    after, quiet_since = events[-1][0], time.monotonic()
                if ended:
                    return
                if time.monotonic() - quiet_since >= QUIET:
                    quiet_since = time.monotonic()
                    yield None
                news.wait(min(self.poll(), QUIET))

    def publish(self, job_id: str) -> None:
        """Wake the subscribers of a job: there is something new to read."""
        with self._lock:
            feed = self._feeds.get(job_id)
            subscribers = list(feed.subscribers) if feed else []
            if feed:
                feed.read_at = NEVER
        for notify in subscribers:
            notify()

    def publish_all(self) -> None:
        """Wake all subscribers: there may be something that nobody told of."""
        with self._lock:
            followed = list(self._feeds)
        for job_id in followed:
            self.publish(job_id)

    def stop(self) -> None:
        """Let all subscribers go."""
        self.stopping = True
        with self._lock:
            subscribers = [notify for feed in self._feeds.values() for notify in feed.subscribers]
        for notify in subscribers:
            notify()

    def _update(self, feed: _Feed, job_id: str) -> None:
        """Read what is new. A job that has ended before its events are read has no more of them."""
        news = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.number > len(feed.events))
        feed.read_at = time.monotonic()
        with self._store.reading() as session:
            ended = session.scalar(select(Job.state).where(Job.id == job_id)) in (*ENDED, None)
            feed.events += [(event.number, event.data) for event in session.scalars(news.order_by(JobEvent.number))]
        feed.ended = ended
