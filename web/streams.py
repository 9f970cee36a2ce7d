"""Jobs as the event loop follows them: their events as a stream, and their ends; waiting takes no thread.

However many follow a job, one task reads its events, and wakes them all on the loop.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from jobs.events import QUIET, Event, Events

log = logging.getLogger(__name__)

RETRY = "retry: 1000\n\n"  # milliseconds until a browser that lost the stream asks again
STILL_HERE = ": still here\n\n"  # a comment, which keeps proxies from closing a quiet stream
SECONDS_A_FOLLOWER = 0.001  # at least between two wakes of a job's followers: pages need the loop too


def as_text(event: Event | None) -> str:
    """An event of a job, or None for a quiet while, in the format of server-sent events (HTML Living Standard)."""
    if event is None:
        return STILL_HERE
    number, data = event
    return f"id: {number}\ndata: {json.dumps(data)}\n\n"


@dataclass
class _Followed:
    """A job that is followed: its events as far as they are known, whether there will be more, and by how many."""

    texts: list[str] = field(default_factory=list)  # in the format of a stream, the event of number n at n - 1
    over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # set at the next change, then replaced
    followers: int = 0
    reading: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Streams:
    """Follows jobs on the event loop. The short reads of the database happen in `threads`."""

    def __init__(self, events: Events, threads: Executor):
        self._events, self._threads = events, threads
        self._followed: dict[str, _Followed] = {}

    async def follow(self, job_id: str, after: int) -> AsyncIterator[str]:
        """The events of a job after number `after`, as text for a stream, until the job has ended."""
        yield RETRY
        with self._joined(job_id) as followed:
            while True:
                changed = followed.changed
                if news := followed.texts[after:]:
                    after += len(news)
                    yield "".join(news)
                elif followed.over:
                    return
                elif not await _happens(changed, QUIET):
                    yield STILL_HERE

    async def ended(self, job_id: str) -> None:
        """Return when a job has ended, was deleted, or the process is ending."""
        with self._joined(job_id) as followed:
            while not followed.over:
                await followed.changed.wait()

    @contextmanager
    def _joined(self, job_id: str) -> Iterator[_Followed]:
        """Follow a job with all others who do; the first one has it read, the last one ends that."""
        followed = self._followed.setdefault(job_id, _Followed())
        followed.followers += 1
        if followed.reading is None:
            followed.reading = asyncio.create_task(self._read(job_id, followed))
        try:
            yield followed
        finally:
            followed.followers -= 1
            if not followed.followers:
                del self._followed[job_id]
                followed.reading.cancel()

    async def _read(self, job_id: str, followed: _Followed) -> None:
        """Read the events of a job as they come, until there are no more; while the database fails, try again.

        Whatever ends it, nobody is left waiting.
        """
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def notify(*_: Any) -> None:
            loop.call_soon_threadsafe(news.set)

        try:
            with self._events.subscribed(job_id, notify):
                while not (followed.over or self._events.stopping):
                    news.clear()
                    await self._read_news(job_id, followed)
                    if not followed.over:
                        await asyncio.sleep(followed.followers * SECONDS_A_FOLLOWER)
                        # Or it is time to look at what another instance may have written.
                        await _happens(news, self._events.poll())
        finally:
            followed.over = True
            followed.wake()

    async def _read_news(self, job_id: str, followed: _Followed) -> None:
        loop, known = asyncio.get_running_loop(), len(followed.texts)
        try:
            events, followed.over = await loop.run_in_executor(self._threads, self._events.read, job_id, known)
        except SQLAlchemyError as error:
            log.warning("the events of a search cannot be read just now: %s", error)
            return
        followed.texts += map(as_text, events)
        if events:
            followed.wake()


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False where it does not happen in time."""
    try:
        async with asyncio.timeout(seconds):  # `wait_for` would make a task for each of the followers
            await event.wait()
    except TimeoutError:
        return False
    return True
