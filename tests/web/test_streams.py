"""Following searches on the event loop: read once for all, and nobody is left waiting."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError

from web.streams import RETRY, Streams


class Events:
    """The events of one job, as jobs.events gives them; `failures` are raised instead, one a read."""

    def __init__(self, events=(), failures=(), over=False):
        self.events, self.failures, self.over = list(events), list(failures), over
        self.reads, self.stopping, self.notify = 0, False, None

    @contextmanager
    def subscribed(self, _job_id, notify):
        self.notify = notify
        yield

    def poll(self):
        return 1.0

    def read(self, _job_id, after):
        self.reads += 1
        if self.failures:
            raise self.failures.pop()
        return self.events[after:], self.over

    def add(self, data, over=False):
        self.events.append((len(self.events) + 1, data))
        self.over = over
        self.notify()


async def texts(streams, after=0):
    return [text async for text in streams.follow("job", after)]


def run(work):
    async def within_seconds():
        return await asyncio.wait_for(work(), 20)

    with ThreadPoolExecutor(1) as thread:  # a test of pages may have left a loop running in this one
        return thread.submit(asyncio.run, within_seconds()).result()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_a_hundred_who_follow_a_search_are_told_all_of_it_and_it_is_read_once(threads):
    events = Events([(1, {"state": "queued"})])

    async def follow():
        streams = Streams(events, threads)
        following = [asyncio.create_task(texts(streams)) for _ in range(100)]
        await asyncio.sleep(0.3)
        before = events.reads
        events.add({"state": "done"}, over=True)
        return await asyncio.gather(*following), events.reads - before, streams

    told, reads, streams = run(follow)
    whole = "".join([RETRY, 'id: 1\ndata: {"state": "queued"}\n\n', 'id: 2\ndata: {"state": "done"}\n\n'])
    assert {"".join(texts) for texts in told} == {whole}
    assert reads == 1
    assert streams._followed == {}


def test_many_who_follow_are_told_what_comes_fast_in_few_pieces(threads):
    events = Events([(1, {})])

    async def follow():
        streams = Streams(events, threads)
        following = [asyncio.create_task(texts(streams)) for _ in range(200)]
        await asyncio.sleep(0.5)
        for number in range(2, 12):
            events.add({"part": number}, over=number == 11)
            await asyncio.sleep(0.02)
        return await asyncio.gather(*following)

    for told in run(follow):
        assert "".join(told).count("id: ") == 11
        assert len(told) <= 6


def test_who_comes_later_or_again_is_told_what_is_new_to_them(threads):
    events = Events([(1, {}), (2, {}), (3, {})], over=True)

    async def follow():
        streams = Streams(events, threads)
        return await texts(streams, 2), await texts(streams, 3)

    assert run(follow) == ([RETRY, "id: 3\ndata: {}\n\n"], [RETRY])


def test_a_database_that_fails_for_a_while_ends_no_stream(threads):
    lost = OperationalError("SELECT", {}, Exception("gone"))
    events = Events([(1, {})], failures=[lost, lost], over=True)
    assert run(lambda: texts(Streams(events, threads))) == [RETRY, "id: 1\ndata: {}\n\n"]


def test_whatever_ends_the_reading_leaves_nobody_waiting(threads):
    async def wait():
        streams = Streams(Events(failures=[ValueError("unforeseen")]), threads)
        await asyncio.gather(streams.ended("job"), texts(streams))

    run(wait)
