"""Those who watch searches: however many watch one, its events are read from the database once."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select

from store import ENDED, Job, JobEvent, Store

POLL = 1.0  # seconds between looks at what another instance may have written
PATIENCE = 15.0  # seconds without an event after which a watcher is told that nothing happened
NEVER = float("-inf")


@dataclass
class _Feed:
    """The events of one job, and whether there will be more."""

    condition: threading.Condition = field(default_factory=threading.Condition)
    events: list[tuple[int, dict]] = field(default_factory=list)
    ended: bool = False
    read_at: float = NEVER
    watchers: int = 0


class Feeds:
    """One feed for each job that is watched now."""

    def __init__(self, store: Store):
        self._store = store
        self._feeds: dict[str, _Feed] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def events(self, job_id: str, after: int = 0) -> Iterator[tuple[int, dict] | None]:
        """Yield each event of a job that comes after number `after`, until the job has ended or `stop` is called.

        Where nothing happens for 15 s, None is yielded.
        """
        feed = self._watch(job_id)
        try:
            while not self._stopping:
                news = self._news(feed, job_id, after)
                if news:
                    yield from news
                    after = news[-1][0]
                elif feed.ended:
                    return
                else:
                    yield None
        finally:
            self._unwatch(job_id, feed)

    def tell(self, job_id: str) -> None:
        """Wake those who watch a job: there is something new to read."""
        with self._lock:
            feed = self._feeds.get(job_id)
        if feed:
            with feed.condition:
                feed.read_at = NEVER
                feed.condition.notify_all()

    def stop(self) -> None:
        """Let all watchers go."""
        self._stopping = True
        with self._lock:
            feeds = list(self._feeds.values())
        for feed in feeds:
            with feed.condition:
                feed.condition.notify_all()

    def _watch(self, job_id):
        with self._lock:
            feed = self._feeds.setdefault(job_id, _Feed())
            feed.watchers += 1
            return feed

    def _unwatch(self, job_id, feed):
        with self._lock:
            feed.watchers -= 1
            if not feed.watchers:
                del self._feeds[job_id]

    def _news(self, feed, job_id, after):
        """The events after number `after`, waited for up to PATIENCE."""
        deadline = time.monotonic() + PATIENCE
        with feed.condition:
            while True:
                if not feed.ended and time.monotonic() - feed.read_at >= POLL:
                    self._read(feed, job_id)
                left = deadline - time.monotonic()
                if len(feed.events) > after or feed.ended or left <= 0 or self._stopping:
                    return feed.events[after:]
                feed.condition.wait(min(left, POLL))

    def _read(self, feed, job_id):
        """Read what is new. A job that has ended before its events are read has no more of them."""
        news = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.number > len(feed.events))
        feed.read_at = time.monotonic()
        with self._store.reading() as session:
            ended = session.scalar(select(Job.state).where(Job.id == job_id)) in (*ENDED, None)
            feed.events += [(event.number, event.data) for event in session.scalars(news.order_by(JobEvent.number))]
        feed.ended = ended
