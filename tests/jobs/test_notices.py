"""Studios on one PostgreSQL tell each other what happens, and look for themselves where they cannot hear."""

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.executors import open_pools
from jobs import events, leases, notices
from jobs.database import Store
from jobs.models import CANCELLED, DONE, RUNNING
from tests.queues import ANNA, other
from tests.searches import Held, instant
from tools.waiting import until


@pytest.fixture
def two(on_postgresql, tmp_path):
    """Settings of two studios on one database."""
    return [replace(on_postgresql, data_dir=tmp_path / name) for name in ("one", "two")]


@pytest.fixture
def blind(monkeypatch):
    """Nobody looks at what others write, unless told."""
    monkeypatch.setattr(events, "SELDOM", 600.0)
    monkeypatch.setattr(events, "POLL", 600.0)


def hearing(jobs):
    until(lambda: jobs._workers._listener.hears)
    return jobs


def seen(jobs, job_id):
    """The events that a follower sees until the end, in a list that grows."""
    found = []
    threading.Thread(target=lambda: found.extend(one for one in jobs.events(job_id) if one), daemon=True).start()
    return found


def test_a_search_stored_by_one_studio_is_taken_and_followed_by_others_at_once(two, open_jobs, blind):
    asked, works = hearing(open_jobs(replace(two[0], max_running=1), Held())), hearing(open_jobs(two[1], instant))
    for seed in range(2, 100):  # until the first one is busy
        if not asked.running():
            asked.submit(other(seed), ANNA)
            time.sleep(0.1)
    began = time.monotonic()
    job_id = asked.submit(other(1), ANNA)
    followed = seen(asked, job_id)
    until(lambda: followed and followed[-1][1]["state"] == DONE)
    assert time.monotonic() - began < 30, "somebody looked only after POLL"
    assert [number for number, _ in followed] == list(range(1, len(followed) + 1))
    assert works.get(job_id).owner == works._workers.owner


def test_what_is_called_off_or_deleted_elsewhere_ends_its_streams(two, open_jobs, blind):
    held = Held()
    runs, other_studio = hearing(open_jobs(two[0], held)), hearing(open_jobs(two[1], instant, start=True))
    job_id = runs.submit(other(1), ANNA)
    until(lambda: runs.get(job_id).state == RUNNING or other_studio.get(job_id).state == DONE)
    followed = threading.Thread(target=lambda: list(runs.events(job_id)))
    followed.start()
    other_studio.delete(job_id)
    followed.join(30)
    assert not followed.is_alive()


def test_a_studio_that_cannot_hear_looks_and_listens_again(two, open_jobs, monkeypatch, caplog):
    monkeypatch.setattr(notices, "RETRY", 0.1)
    jobs = hearing(open_jobs(two[0], instant))
    assert jobs.followers.poll() == events.SELDOM
    ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN trendtok%'")
    with jobs.store.transaction() as session:
        session.execute(ended)
    until(lambda: "not heard" in caplog.text)
    hearing(jobs)
    assert jobs.wait(open_jobs(two[1], instant, start=False).submit(other(1), ANNA)).state == DONE


def test_what_was_missed_meanwhile_is_looked_for(two, open_jobs, blind):
    stored = open_jobs(two[1], instant, start=False).submit(other(1), ANNA)
    jobs = open_jobs(two[0], instant, start=False)
    followed = seen(jobs, stored)
    until(lambda: jobs.followers._feeds)
    jobs.start()
    until(lambda: followed and followed[-1][1]["state"] == DONE)


def test_a_claim_passes_over_what_somebody_is_calling_off(on_postgresql):
    """It neither waits for the other transaction nor takes what that one holds."""
    from jobs.queue import Jobs

    jobs = Jobs(on_postgresql, open_pools(on_postgresql), instant)
    first, second = jobs.submit(other(1), ANNA), jobs.submit(other(2), ANNA)
    with jobs.store.transaction() as calling_off:
        leases.end(calling_off, calling_off.get(type(jobs.get(first)), first, with_for_update=True), CANCELLED)
        calling_off.flush()
        with jobs.store.claiming() as session:
            assert leases.claim(session, "o" * 32).id == second
    with jobs.store.claiming() as session:
        assert leases.claim(session, "o" * 32) is None
    jobs.store.close()


def test_claims_at_once_take_each_search_once(on_postgresql):
    from jobs.queue import Jobs

    jobs = Jobs(replace(on_postgresql, max_queued=1000), open_pools(on_postgresql), instant)
    wanted = {jobs.submit(other(number), f"{number:032}") for number in range(30)}
    taken = []

    def claim(owner):
        while True:
            with jobs.store.claiming() as session:
                job = leases.claim(session, owner)
            if job is None:
                return
            taken.append(job.id)

    threads = [threading.Thread(target=claim, args=[f"{number:032}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), set(taken)) == (30, wanted)
    jobs.store.close()


def test_sqlite_needs_no_listener(settings):
    store = Store(settings)
    assert not store.is_shared
    store.close()
