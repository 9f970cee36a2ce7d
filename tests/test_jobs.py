"""The queue: searches are stored, run in turn, joined, called off, and go on after the process has ended."""

import logging
import threading
import time
from dataclasses import replace

import pytest
from searches import MADE, QUERY, Held, instant, until
from sqlalchemy import select, update

import jobs as jobs_module
import pipeline
from jobs import BusyError
from pools import open_pools
from settings import SettingsError
from store import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job, JobEvent

ANNA, BEN = "a" * 32, "b" * 32


def other(number):
    return replace(QUERY, seed=number)


def state(jobs, job_id):
    return jobs.get(job_id).state


def files(settings, job_id):
    folder = settings.generated_dir / job_id
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def as_left_by_a_crash(settings, open_jobs, starts=1, **values):
    """Store a search as a process leaves it that was killed while it ran it; return the search's id."""
    jobs = open_jobs(settings, instant)
    owner = jobs._owner
    jobs.close()
    jobs = open_jobs(settings, instant, start=False)
    job_id = jobs.submit(QUERY, ANNA)
    with jobs.store.transaction() as session:
        running = {"state": RUNNING, "owner": owner, "starts": starts, "started": time.time(), "alive": time.time()}
        session.execute(update(Job).where(Job.id == job_id).values(**running | values))
    return job_id


# From queued to done


def test_a_search_is_stored_before_it_starts(on_both, open_jobs):
    job_id = open_jobs(on_both, instant, start=False).submit(QUERY, ANNA)
    assert len(job_id) == 32
    found = open_jobs(on_both, instant, start=False).get(job_id)
    assert (found.state, found.visitor, found.query["tags"]) == (QUEUED, ANNA, ["AI"])


def test_a_search_tells_of_each_change_until_it_is_done(on_both, open_jobs):
    jobs = open_jobs(on_both, instant)
    job_id = jobs.submit(QUERY, ANNA)
    news = [event for event in jobs.events(job_id) if event]
    assert [number for number, _ in news] == list(range(1, len(news) + 1))
    states = [data["state"] for _, data in news]
    assert (states[:2], states[-1], set(states[2:-1])) == ([QUEUED, RUNNING], DONE, {RUNNING})
    assert [data["made"] for _, data in news if "made" in data] == list(pipeline.STAGES)
    assert "Beginning videos" in [data.get("what") for _, data in news]
    progress = [data["progress"] for _, data in news]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    found = jobs.wait(job_id)
    assert (found.state, found.made, found.progress) == (DONE, MADE, 1.0)
    assert files(on_both, job_id) == ["image.png", "music.wav"]


def test_a_search_that_breaks_is_failed_and_leaves_no_file(on_both, open_jobs, caplog):
    def broken(query, search_id, folder, watch, show, made):
        folder.mkdir(parents=True)
        (folder / "music.wav").write_bytes(b"music")
        raise RuntimeError("swordfish")

    jobs = open_jobs(on_both, broken)
    found = jobs.wait(jobs.submit(QUERY, ANNA))
    assert (found.state, found.error["status"]) == (FAILED, 500)
    assert "swordfish" not in str(found.error)
    assert "swordfish" in caplog.text
    until(lambda: files(on_both, found.id) == [])
    following = jobs.submit(other(2), ANNA)
    assert jobs.wait(following).state == FAILED  # the worker still works


def test_a_full_disk_is_told(on_both, open_jobs):
    def full(query, search_id, folder, watch, show, made):
        raise OSError(28, "No space left on device")

    jobs = open_jobs(on_both, full)
    error = jobs.wait(jobs.submit(QUERY, ANNA)).error
    assert (error["status"], "No space left on device" in error["detail"]) == (507, True)


def test_each_event_is_a_line_in_the_log_with_search_and_stage(settings, open_jobs, caplog):
    caplog.set_level(logging.INFO)
    jobs = open_jobs(settings, instant)
    job_id = jobs.submit(QUERY, ANNA)
    until(lambda: "done" in [record.message for record in caplog.records])
    lines = [
        (record.message, vars(record).get("stage")) for record in caplog.records if vars(record).get("job") == job_id
    ]
    assert [line for line, stage in lines if stage is None] == ["queued", "running", "done"]
    assert [stage for line, stage in lines if stage] == list(pipeline.STAGES)


# Limits and turns


def test_a_full_queue_refuses_at_once_and_stores_nothing(on_both, open_jobs):
    jobs = open_jobs(replace(on_both, max_queued=2), instant, start=False)
    kept = [jobs.submit(other(number), ANNA) for number in range(2)]
    with pytest.raises(BusyError) as refused:
        jobs.submit(other(3), BEN)
    assert refused.value.retry_after >= 1
    assert jobs.submit(other(0), ANNA) == kept[0]  # joining takes no place
    with jobs.store.reading() as session:
        assert set(session.scalars(select(Job.id))) == set(kept)


def test_no_more_run_at_once_than_allowed(on_both, open_jobs):
    held = Held()
    jobs = open_jobs(replace(on_both, max_running=2), held)
    ids = [jobs.submit(other(number), ANNA) for number in range(4)]
    until(lambda: len(held.begun) == 2)
    time.sleep(0.3)
    assert jobs.load() == (2, 2)
    held.go.set()
    assert {jobs.wait(job_id).state for job_id in ids} == {DONE}


def test_twenty_searches_of_one_visitor_do_not_hold_up_another(on_both, open_jobs):
    begun = []

    def note(query, *rest):
        begun.append(query.seed)
        instant(query, *rest)

    jobs = open_jobs(replace(on_both, max_running=1), note, start=False)
    annas = [jobs.submit(other(number), ANNA) for number in range(20)]
    bens = [jobs.submit(other(number), BEN) for number in (100, 101)]
    jobs.start()
    for job_id in annas + bens:
        jobs.wait(job_id)
    assert begun[:4] == [0, 100, 1, 101]
    assert begun[4:] == list(range(2, 20))


# The same search


def test_the_same_search_of_the_same_visitor_is_joined_until_it_has_ended(on_both, open_jobs):
    held = Held()
    jobs = open_jobs(on_both, held)
    first = jobs.submit(QUERY, ANNA)
    assert jobs.submit(QUERY, ANNA) == first
    assert jobs.submit(other(2), ANNA) != first
    held.go.set()
    jobs.wait(first)
    assert jobs.submit(QUERY, ANNA) != first


def test_submitting_the_same_at_once_stores_one(on_both, open_jobs):
    jobs, ids = open_jobs(on_both, instant, start=False), []
    threads = [threading.Thread(target=lambda: ids.append(jobs.submit(QUERY, ANNA))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_the_same_search_of_another_visitor_waits_and_takes_over_what_was_made(on_both, open_jobs):
    held, given = Held(), []

    def run(query, search_id, folder, watch, show, made):
        given.append(sorted(made))
        (instant if made else held)(query, search_id, folder, watch, show, made)

    jobs = open_jobs(on_both, run)
    annas = jobs.submit(QUERY, ANNA)
    until(lambda: held.begun)
    bens = jobs.submit(QUERY, BEN)
    time.sleep(0.3)
    assert (annas != bens, state(jobs, bens)) == (True, QUEUED)
    held.go.set()
    assert jobs.wait(bens).state == DONE
    assert given == [[], sorted(MADE)]
    assert jobs.get(bens).made == MADE
    jobs.delete(annas)
    assert files(on_both, bens) == ["image.png", "music.wav"]


def test_what_was_deleted_meanwhile_is_made_again(on_both, open_jobs):
    jobs = open_jobs(on_both, instant, start=False)
    annas, bens = jobs.submit(QUERY, ANNA), jobs.submit(QUERY, BEN)
    with jobs.store.transaction() as session:
        session.execute(update(Job).where(Job.id == annas).values(state=DONE, made=MADE, ended=time.time() + 60))
    jobs.start()
    assert jobs.wait(bens).made == MADE
    assert files(on_both, bens) == ["image.png", "music.wav"]


def test_again_with_another_seed_does_only_what_the_seed_touches(on_both, open_jobs):
    given = []

    def run(query, search_id, folder, watch, show, made):
        given.append((query.seed, sorted(made)))
        instant(query, search_id, folder, watch, show, made)

    jobs = open_jobs(on_both, run)
    first = jobs.wait(jobs.submit(QUERY, ANNA))
    whole = jobs.wait(jobs.again(first, ANNA))
    music_only = jobs.wait(jobs.again(first, ANNA, ["music"]))
    assert [kept for _, kept in given[1:]] == [["summary", "videos"], ["image", "summary", "videos"]]
    assert len({seed for seed, _ in given}) == 3
    image = {job.id: (on_both.generated_dir / job.id / "image.png").read_bytes() for job in (first, whole, music_only)}
    assert image[first.id] == image[music_only.id] != image[whole.id]
    assert jobs.get(music_only.id).made == MADE


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
    assert (state(jobs, job_id), jobs.get(job_id).made) == (CANCELLED, {})


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
    until(lambda: not jobs._running)
    assert (jobs.get(job_id), files(on_both, job_id)) == (None, [])
    with jobs.store.reading() as session:
        assert session.scalars(select(JobEvent)).all() == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["videos", "summary", "music"])
def test_a_real_search_is_called_off_within_a_second_at_any_stage(settings, open_jobs, stage):
    pools = open_pools(settings)

    def run(query, search_id, folder, watch, show, made):
        pipeline.search(query, search_id, folder, settings, pools, watch, show, made)

    jobs = open_jobs(replace(settings, max_running=1), run)
    job_id = jobs.submit(replace(QUERY, seconds=60), ANNA)
    next(event for event in jobs.events(job_id) if event and event[1].get("stage") == stage)
    jobs.cancel(job_id)
    called_off = time.monotonic()
    until(lambda: not jobs._running)
    free_after = time.monotonic() - called_off
    assert (state(jobs, job_id), files(settings, job_id)) == (CANCELLED, [])
    pools.close()
    assert files(settings, job_id) == []
    assert free_after < 1.5  # a second, and what a busy machine adds


# After the process has ended


def test_what_was_queued_or_running_goes_on_with_what_was_made(on_both, open_jobs):
    given = []

    def run(query, search_id, folder, watch, show, made):
        given.append((query.seed, sorted(made)))
        instant(query, search_id, folder, watch, show, made)

    job_id = as_left_by_a_crash(on_both, open_jobs, made={"summary": MADE["summary"]}, progress=0.5)
    waiting = open_jobs(on_both, run, start=False).submit(other(2), BEN)
    jobs = open_jobs(on_both, run)
    assert [jobs.wait(one).state for one in (job_id, waiting)] == [DONE, DONE]
    assert sorted(given) == [(1, ["summary"]), (2, [])]
    assert min(data["progress"] for number, data in jobs.events(job_id) if number > 1) >= 0.5


def test_what_took_the_process_down_twice_is_failed_with_that_reason(on_both, open_jobs):
    job_id = as_left_by_a_crash(on_both, open_jobs, starts=2)
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
    assert (state(jobs, job_id), jobs.get(job_id).starts) == (QUEUED, 0)
    jobs.start()
    assert jobs.wait(job_id).state == DONE


def test_an_end_does_not_wait_for_a_stage_that_reaches_no_safe_point(on_both, open_jobs):
    go, begun = threading.Event(), threading.Event()

    def deaf(query, search_id, folder, watch, show, made):
        begun.set()
        go.wait(60)
        instant(query, search_id, folder, watch, show, made)

    jobs = open_jobs(on_both, deaf)
    job_id = jobs.submit(QUERY, ANNA)
    begun.wait(30)
    jobs.close(seconds=0.2)
    after = open_jobs(on_both, instant, start=False)
    assert (state(after, job_id), after.get(job_id).starts) == (QUEUED, 0)
    go.set()
    until(lambda: not jobs._running)
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


def test_a_search_is_called_off_through_another_instance(two, open_jobs):
    held = Held()
    runs_it, takes_the_call = open_jobs(two[0], held), open_jobs(two[1], instant, start=False)
    job_id = runs_it.submit(QUERY, ANNA)
    until(lambda: held.begun)
    takes_the_call.cancel(job_id)
    assert held.left.wait(5.0)  # within a second where the machine has time
    until(lambda: files(two[0], job_id) == [])


def test_what_ran_on_an_instance_that_is_gone_is_taken_over(two, open_jobs, monkeypatch):
    monkeypatch.setattr(jobs_module, "ALIVE_EVERY", 0.1)
    job_id = as_left_by_a_crash(two[0], open_jobs, alive=time.time() - jobs_module.ALIVE_FOR - 1)
    assert open_jobs(two[1], instant).wait(job_id).state == DONE


def test_what_runs_on_another_instance_is_left_to_it(two, open_jobs, monkeypatch):
    monkeypatch.setattr(jobs_module, "ALIVE_EVERY", 0.1)
    job_id = as_left_by_a_crash(two[0], open_jobs)
    jobs = open_jobs(two[1], instant)
    time.sleep(1.0)
    assert state(jobs, job_id) == RUNNING


def test_a_database_that_fails_for_a_while_does_not_stop_the_queue(settings, open_jobs, monkeypatch, caplog):
    jobs = open_jobs(settings, instant, start=False)
    working, failures = jobs.store.transaction, [OSError("gone"), OSError("gone")]

    def failing():
        if failures and threading.current_thread() is not threading.main_thread():
            raise failures.pop()
        return working()

    monkeypatch.setattr(jobs.store, "transaction", failing)
    job_id = jobs.submit(QUERY, ANNA)
    jobs.start()
    assert jobs.wait(job_id).state == DONE
    assert not failures
