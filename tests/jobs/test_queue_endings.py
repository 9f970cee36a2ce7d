"""Searches that are called off, and those whose process has ended or runs elsewhere."""

import errno
import itertools
import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select

import pipeline
from core.executors import open_pools
from jobs import history, leases, retention, worker
from jobs.models import CANCELLED, DONE, FAILED, QUEUED, RUNNING, JobEvent
from jobs.queue import BusyError
from settings import SettingsError
from tests import shared
from tests.queues import ANNA, BEN, as_left_by_a_crash, files, other, state
from tests.searches import QUERY, RESULTS, Held, instant
from tools.waiting import until

# Calling off


def test_a_running_search_is_called_off_at_once_and_leaves_no_file(on_both, open_jobs):
    held = Held()
    jobs = open_jobs(replace(on_both, max_running=1), held)
    job_id = jobs.submit(QUERY, ANNA)
    until(lambda: files(on_both, job_id))
    held.left.clear()
    jobs.cancel(job_id)
    assert state(jobs, job_id) == CANCELLED
    assert held.left.wait(1.0)
    until(lambda: files(on_both, job_id) == [])
    following = jobs.submit(other(2), BEN)
    held.go.set()
    assert jobs.wait(following).state == DONE  # the place is free again
    assert (state(jobs, job_id), jobs.get(job_id).results) == (CANCELLED, {})


def test_a_waiting_search_is_called_off_with_the_files_that_it_was_given(on_both, open_jobs):
    jobs = open_jobs(on_both, instant)
    first = jobs.wait(jobs.submit(QUERY, ANNA))
    jobs.close()
    jobs = open_jobs(on_both, instant, start=False)
    job_id = jobs.again(first, ANNA, ["music"])
    assert files(on_both, job_id) == ["image.png"]
    jobs.cancel(job_id)
    assert files(on_both, job_id) == []
    assert files(on_both, first.id) == ["image.png", "music.wav"]
    jobs.start()
    time.sleep(0.2)
    assert state(jobs, job_id) == CANCELLED


def test_what_has_ended_cannot_be_called_off(on_both, open_jobs):
    jobs = open_jobs(on_both, instant)
    job_id = jobs.wait(jobs.submit(QUERY, ANNA)).id
    jobs.cancel(job_id)
    jobs.cancel("0" * 32)
    assert state(jobs, job_id) == DONE
    assert files(on_both, job_id)


def test_a_search_deleted_while_it_runs_leaves_nothing(on_both, open_jobs):
    held = Held()
    jobs = open_jobs(on_both, held)
    job_id = jobs.submit(QUERY, ANNA)
    until(lambda: files(on_both, job_id))
    waiting = threading.Thread(target=lambda: held.begun.append(jobs.wait(job_id)))
    waiting.start()
    jobs.delete(job_id)
    waiting.join(30)
    assert held.begun[-1] is None or held.begun[-1].state == CANCELLED
    until(lambda: not jobs.running())
    assert (jobs.get(job_id), files(on_both, job_id)) == (None, [])
    with jobs.store.reading() as session:
        assert session.scalars(select(JobEvent)).all() == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["videos", "summary", "music"])
def test_a_real_search_is_called_off_within_a_second_at_any_stage(settings, open_jobs, short_library, stage):
    settings = replace(settings, video_library=short_library)
    if stage != "videos":
        shared.readings(settings.data_dir)
    pools = open_pools(settings)

    jobs = open_jobs(replace(settings, max_running=1), pipeline.search, pools=pools)
    job_id = jobs.submit(replace(QUERY, seconds=60), ANNA)
    next(event for event in jobs.events(job_id) if event and event[1].get("stage") == stage)
    jobs.cancel(job_id)
    called_off = time.monotonic()
    until(lambda: not jobs.running())
    free_after = time.monotonic() - called_off
    assert (state(jobs, job_id), files(settings, job_id)) == (CANCELLED, [])
    pools.close()
    assert files(settings, job_id) == []
    assert free_after < 1.5  # a second, and what a busy machine adds


# After the process has ended


def test_what_was_queued_or_running_goes_on_with_what_was_made(on_both, open_jobs):
    given = []

    def run(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        given.append((query.seed, sorted(earlier)))
        instant(query, search_id, folder, settings, pools, on_progress, on_result, earlier)

    job_id = as_left_by_a_crash(on_both, open_jobs, results={"summary": RESULTS["summary"]}, progress=0.5)
    waiting = open_jobs(on_both, run, start=False).submit(other(2), BEN)
    jobs = open_jobs(on_both, run)
    assert [jobs.wait(one).state for one in (job_id, waiting)] == [DONE, DONE]
    assert sorted(given) == [(1, ["summary"]), (2, [])]
    assert min(data["progress"] for number, data in jobs.events(job_id) if number > 1) >= 0.5


def test_what_took_the_process_down_twice_is_failed_with_that_reason(on_both, open_jobs):
    job_id = as_left_by_a_crash(on_both, open_jobs, attempts=2)
    folder = on_both.generated_dir / job_id
    folder.mkdir(parents=True)
    (folder / "music.wav").write_bytes(b"music")
    found = open_jobs(on_both, instant).wait(job_id)
    assert (found.state, "stopped 2 times" in found.error["detail"]) == (FAILED, True)
    assert files(on_both, job_id) == []


def test_after_a_crash_what_was_running_runs_alone(on_both, open_jobs):
    held = Held()
    suspect = as_left_by_a_crash(on_both, open_jobs)
    jobs = open_jobs(replace(on_both, max_running=2), held, start=False)
    innocent = jobs.submit(other(2), BEN)
    jobs.start()
    until(lambda: held.begun)
    time.sleep(0.3)
    assert held.begun == [suspect]
    held.go.set()
    assert jobs.wait(innocent).state == DONE


def test_an_orderly_end_puts_running_searches_back_and_blames_nobody(on_both, open_jobs):
    held = Held()
    jobs = open_jobs(on_both, held)
    job_id = jobs.submit(QUERY, ANNA)
    until(lambda: held.begun)
    jobs.close()
    with pytest.raises(BusyError):
        jobs.submit(other(2), ANNA)
    jobs = open_jobs(on_both, instant, start=False)
    assert (state(jobs, job_id), jobs.get(job_id).attempts) == (QUEUED, 0)
    jobs.start()
    assert jobs.wait(job_id).state == DONE


def test_an_end_does_not_wait_for_a_stage_that_reaches_no_safe_point(on_both, open_jobs):
    go, begun = threading.Event(), threading.Event()

    def deaf(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        begun.set()
        go.wait(60)
        instant(query, search_id, folder, settings, pools, on_progress, on_result, earlier)

    jobs = open_jobs(on_both, deaf)
    job_id = jobs.submit(QUERY, ANNA)
    begun.wait(30)
    jobs.close(seconds=0.2)
    after = open_jobs(on_both, instant, start=False)
    assert (state(after, job_id), after.get(job_id).attempts) == (QUEUED, 0)
    go.set()
    until(lambda: not jobs.running())
    assert state(after, job_id) == QUEUED  # what the old thread still says counts no more


def test_one_data_dir_serves_one_process_at_a_time(settings, open_jobs):
    first = open_jobs(settings, instant)
    with pytest.raises(SettingsError, match="DATA_DIR"):
        open_jobs(settings, instant)
    first.close()
    open_jobs(settings, instant)


# Several instances on one database


@pytest.fixture
def two(on_both, tmp_path):
    """Settings of two instances with a database and results in common."""
    url = on_both.database_url or f"sqlite:///{tmp_path / 'common.db'}"
    return [replace(on_both, database_url=url, data_dir=tmp_path / name) for name in ("one", "two")]


def test_two_instances_run_each_search_once(two, open_jobs):
    begun = []

    def note(query, *rest):
        begun.append(query.seed)
        instant(query, *rest)

    instances = [open_jobs(settings, note) for settings in two]
    ids = [instances[number % 2].submit(other(number), ANNA) for number in range(20)]
    assert {instances[0].wait(job_id).state for job_id in ids} == {DONE}
    assert sorted(begun) == list(range(20))


def test_a_search_claimed_while_orphans_are_looked_for_is_left_to_its_worker(on_both, open_jobs):
    jobs = open_jobs(on_both, instant, start=False)
    workers, job_id = jobs._workers, jobs.submit(QUERY, ANNA)
    housekeeping = threading.Thread(target=workers._requeue_orphans)
    with jobs.store.transaction() as session:
        housekeeping.start()
        time.sleep(0.2)  # it waits for its turn to write
        workers._running[leases.claim(session, workers.owner).id] = threading.Event()
    housekeeping.join(30)
    assert state(jobs, job_id) == RUNNING


def test_a_search_is_called_off_through_another_instance(two, open_jobs):
    held = Held()
    runs_it, takes_the_call = open_jobs(two[0], held), open_jobs(two[1], instant, start=False)
    job_id = runs_it.submit(QUERY, ANNA)
    until(lambda: held.begun)
    takes_the_call.cancel(job_id)
    assert held.left.wait(5.0)  # within a second where the machine has time
    until(lambda: files(two[0], job_id) == [])


def test_what_ran_on_an_instance_that_is_gone_is_taken_over(two, open_jobs, monkeypatch):
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    job_id = as_left_by_a_crash(two[0], open_jobs, heartbeat_at=time.time() - leases.LEASE_SECONDS - 1)
    assert open_jobs(two[1], instant).wait(job_id).state == DONE


def test_what_runs_on_another_instance_is_left_to_it(two, open_jobs, monkeypatch):
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    job_id = as_left_by_a_crash(two[0], open_jobs)
    jobs = open_jobs(two[1], instant)
    time.sleep(1.0)
    assert state(jobs, job_id) == RUNNING


@pytest.mark.parametrize("shift", [-86_400, 86_400])
def test_a_studio_whose_clock_is_wrong_takes_no_search_from_another(
    on_postgresql, tmp_path, open_jobs, monkeypatch, shift
):
    held, real = Held(), time.time
    one, two = (
        open_jobs(replace(on_postgresql, data_dir=tmp_path / name), held, start=name == "one")
        for name in ("one", "two")
    )
    job_id = one.submit(QUERY, ANNA)
    until(lambda: held.begun)
    monkeypatch.setattr("time.time", lambda: real() + shift)
    assert leases.requeue_orphans(two.store, "two", list) == []
    leases.heartbeat(one.store, one.get(job_id).owner)
    monkeypatch.undo()
    assert leases.requeue_orphans(two.store, "two", list) == []
    assert (state(one, job_id), one.get(job_id).attempts) == (RUNNING, 1)


def test_a_clock_that_is_set_back_and_forth_loses_no_search(on_both, open_jobs, monkeypatch):
    real, shifts = time.time, itertools.cycle([0, -86_400, 86_400])
    jobs = open_jobs(on_both, instant, start=False)
    monkeypatch.setattr("time.time", lambda: real() + next(shifts))
    ids = [jobs.submit(other(number), ANNA) for number in range(9)]
    jobs.start()
    assert [(one.state, one.attempts) for one in map(jobs.wait, ids)] == [(DONE, 1)] * 9
    jobs._workers._requeue_orphans()
    jobs._workers._prune()
    assert {one.id for one in history.of_visitor(ANNA, jobs.store)} == set(ids)
    assert all(files(on_both, job_id) for job_id in ids)


def test_a_database_that_fails_for_a_while_does_not_stop_the_queue(settings, open_jobs, monkeypatch, caplog):
    jobs = open_jobs(settings, instant, start=False)
    working, failures = jobs.store.claiming, [OSError("gone"), OSError("gone")]

    def failing():
        if failures and threading.current_thread() is not threading.main_thread():
            raise failures.pop()
        return working()

    monkeypatch.setattr(jobs.store, "claiming", failing)
    job_id = jobs.submit(QUERY, ANNA)
    jobs.start()
    assert jobs.wait(job_id).state == DONE
    assert not failures


def test_housekeeping_that_the_machine_does_not_allow_is_said_in_a_line_and_tried_again(
    open_jobs, settings, monkeypatch, caplog
):
    def prune(*_):
        if not caplog.records:
            raise OSError(errno.EMFILE, "Too many open files")
        pruned.set()
        return 0

    pruned = threading.Event()
    monkeypatch.setattr(worker, "PRUNE_SECONDS", 0.01)
    monkeypatch.setattr(worker, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(retention, "prune", prune)
    open_jobs(settings, instant)
    assert pruned.wait(30)
    said = [record for record in caplog.records if "Too many open files" in record.getMessage()]
    assert [record.exc_info for record in said] == [None]
