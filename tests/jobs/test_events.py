"""Watching a search: every event once and in order, for any number of watchers, at the cost of one."""

import threading
import time

import pytest
from sqlalchemy import event

from jobs import events
from jobs.database import Store
from jobs.events import Events
from jobs.models import DONE, RUNNING, Job, add_event
from pipeline import Query

JOB = "f" * 32
WATCHERS = 100


@pytest.fixture
def store(on_both):
    opened = Store(on_both)
    with opened.transaction() as session:
        session.add(Job(id=JOB, visitor="v", key="k", query=Query(("AI",)), state=RUNNING, created=1.0))
    yield opened
    opened.close()


def happen(store, count, state=RUNNING):
    """Let some events happen to the job; after the last of them it is in `state`."""
    for number in range(count):
        with store.transaction() as session:
            job = session.get(Job, JOB)
            job.state = state if number == count - 1 else RUNNING
            add_event(session, job, {"number": (job.events or 0) + 1})


def watch(watched, seen, after=0, leave_after=None):
    """Note the numbers of the events that a watcher sees; it leaves after some of them."""
    for news in watched.follow(JOB, after):
        if news is not None:
            assert news[1] == {"number": news[0]}
            seen.append(news[0])
            if len(seen) == leave_after:
                return


def test_an_ended_search_is_replayed_and_the_stream_closes(store):
    happen(store, 5, DONE)
    assert [number for number, _ in Events(store).follow(JOB)] == [1, 2, 3, 4, 5]


def test_a_watcher_who_comes_back_sees_what_came_after(store):
    happen(store, 5, DONE)
    assert [number for number, _ in Events(store).follow(JOB, after=3)] == [4, 5]
    assert list(Events(store).follow(JOB, after=5)) == []
    assert list(Events(store).follow(JOB, after=10**30)) == []


def test_a_search_that_is_deleted_ends_its_streams(store):
    watched, seen = Events(store), []
    watcher = threading.Thread(target=watch, args=(watched, seen))
    watcher.start()
    with store.transaction() as session:
        session.delete(session.get(Job, JOB))
    watched.publish(JOB)
    watcher.join(30)
    assert not watcher.is_alive()


def test_a_hundred_watchers_half_of_them_dropped_and_resumed_see_every_event_once_in_order(store):
    watched, seen = Events(store), [[] for _ in range(WATCHERS)]

    def stay(number):
        watch(watched, seen[number])

    def drop_and_resume(number):
        watch(watched, seen[number], leave_after=number + 1)
        watch(watched, seen[number], after=seen[number][-1])

    threads = [
        threading.Thread(target=drop_and_resume if number % 2 else stay, args=(number,)) for number in range(WATCHERS)
    ]
    for thread in threads:
        thread.start()
    for number in range(150):
        happen(store, 1, DONE if number == 149 else RUNNING)
        watched.publish(JOB)
    for thread in threads:
        thread.join(120)
    assert seen == [list(range(1, 151))] * WATCHERS


def test_a_hundred_watchers_cost_one_reader(store, monkeypatch):
    monkeypatch.setattr(events, "POLL", 60.0)
    watched, seen, statements = Events(store), [[] for _ in range(WATCHERS)], []
    event.listen(store.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    threads = [threading.Thread(target=watch, args=(watched, numbers)) for numbers in seen]
    for thread in threads:
        thread.start()
    for number in range(10):
        happen(store, 1, DONE if number == 9 else RUNNING)
        watched.publish(JOB)
    for thread in threads:
        thread.join(120)
    assert seen == [list(range(1, 11))] * WATCHERS
    reads = [statement for statement in statements if statement.startswith("SELECT job_events.")]
    assert 1 <= len(reads) <= 11  # at the start, and once for each event


def test_what_another_instance_writes_is_seen_too(store):
    watched, seen = Events(store), []
    watcher = threading.Thread(target=watch, args=(watched, seen))
    watcher.start()
    happen(store, 3, DONE)  # and nobody tells
    watcher.join(30)
    assert seen == [1, 2, 3]


def test_a_quiet_stream_says_that_nothing_happened(store, monkeypatch):
    assert events.QUIET == 15.0
    monkeypatch.setattr(events, "QUIET", 0.2)
    stream = Events(store).follow(JOB)
    assert [next(stream), next(stream)] == [None, None]
    happen(store, 1, DONE)
    assert next(news for news in stream if news) == (1, {"number": 1})


def test_when_the_process_ends_the_streams_end(store):
    watched, seen = Events(store), []
    watcher = threading.Thread(target=watch, args=(watched, seen))
    watcher.start()
    time.sleep(0.2)
    watched.stop()
    watcher.join(5)
    assert not watcher.is_alive()
    assert list(watched.follow(JOB)) == []


def test_nothing_is_kept_of_a_search_that_nobody_watches(store):
    happen(store, 3)
    watched = Events(store)
    stream = watched.follow(JOB)
    next(stream)
    assert watched._feeds
    stream.close()
    assert not watched._feeds
