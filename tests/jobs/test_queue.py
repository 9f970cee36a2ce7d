"""The queue: searches are stored, run in turn, and joined where they are the same."""

import logging
import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, update

import pipeline
from jobs.models import DONE, FAILED, QUEUED, RUNNING, Job
from jobs.queue import BusyError
from tests.queues import ANNA, BEN, files, other, state
from tests.searches import QUERY, RESULTS, Held, instant
from tools.waiting import until

# From queued to done


def test_a_search_is_stored_before_it_starts(on_both, open_jobs):
    job_id = open_jobs(on_both, instant, start=False).submit(QUERY, ANNA)
    assert len(job_id) == 32
    found = open_jobs(on_both, instant, start=False).get(job_id)
    assert (found.state, found.visitor, found.query) == (QUEUED, ANNA, QUERY)


def test_a_search_tells_of_each_change_until_it_is_done(on_both, open_jobs):
    jobs = open_jobs(on_both, instant)
    job_id = jobs.submit(QUERY, ANNA)
    news = [event for event in jobs.events(job_id) if event]
    assert [number for number, _ in news] == list(range(1, len(news) + 1))
    states = [data["state"] for _, data in news]
    assert (states[:2], states[-1], set(states[2:-1])) == ([QUEUED, RUNNING], DONE, {RUNNING})
    assert [data["made"] for _, data in news if "made" in data] == list(pipeline.stages_of(QUERY))
    assert "Beginning videos" in [data.get("what") for _, data in news]
    progress = [data["progress"] for _, data in news]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    found = jobs.wait(job_id)
    assert (found.state, found.results, found.progress) == (DONE, RESULTS, 1.0)
    assert files(on_both, job_id) == ["image.png", "music.wav"]


def test_a_search_that_breaks_is_failed_and_leaves_no_file(on_both, open_jobs, caplog):
    def broken(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
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
    def full(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
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
    assert [stage for line, stage in lines if stage] == list(pipeline.stages_of(QUERY))


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


def test_an_address_gets_its_share_of_the_queue_and_no_more(on_both, open_jobs):
    jobs = open_jobs(replace(on_both, max_queued=8), instant, start=False)
    for number in range(2):
        jobs.submit(other(number), f"{number:032}", address="one")
    with pytest.raises(BusyError) as refused:
        jobs.submit(other(3), "3" * 32, address="one")
    assert refused.value.own_share
    jobs.submit(other(3), "3" * 32, address="two")
    for number in range(4, 9):
        jobs.submit(other(number), ANNA)  # on this machine
    with pytest.raises(BusyError) as refused:
        jobs.submit(other(9), BEN, address="three")
    assert not refused.value.own_share


def test_the_wait_grows_with_the_queue(on_both, open_jobs):
    waits = []
    for length in (2, 20):
        jobs = open_jobs(replace(on_both, max_queued=length), instant, start=False)
        with pytest.raises(BusyError) as refused:
            for number in range(length + 1):
                jobs.submit(other(number), ANNA)
        waits.append(refused.value.retry_after)
    assert waits[1] > 5 * waits[0]


def test_addresses_take_turns_however_many_visitors_one_of_them_is(on_both, open_jobs):
    begun = []

    def note(query, *rest):
        begun.append(query.seed)
        instant(query, *rest)

    jobs = open_jobs(replace(on_both, max_running=1), note, start=False)
    ids = [jobs.submit(other(number), f"{number:032}", address="one") for number in range(5)]
    ids += [jobs.submit(other(number), ANNA, address="two") for number in (100, 101)]
    jobs.start()
    for job_id in ids:
        jobs.wait(job_id)
    assert begun == [0, 100, 1, 101, 2, 3, 4]


def test_a_search_that_takes_too_long_is_stopped_and_says_so(on_both, open_jobs):
    held = Held()
    jobs = open_jobs(replace(on_both, max_search_seconds=0.2), held)
    found = jobs.wait(jobs.submit(QUERY, ANNA))
    assert (found.state, found.error["status"]) == (FAILED, 504)
    assert "longer than" in found.error["detail"]
    until(lambda: files(on_both, found.id) == [])


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

    def run(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        given.append(sorted(earlier))
        (instant if earlier else held)(query, search_id, folder, settings, pools, on_progress, on_result, earlier)

    jobs = open_jobs(on_both, run)
    annas = jobs.submit(QUERY, ANNA)
    until(lambda: held.begun)
    bens = jobs.submit(QUERY, BEN)
    time.sleep(0.3)
    assert (annas != bens, state(jobs, bens)) == (True, QUEUED)
    held.go.set()
    assert jobs.wait(bens).state == DONE
    assert given == [[], sorted(RESULTS)]
    assert jobs.get(bens).results == RESULTS
    jobs.delete(annas)
    assert files(on_both, bens) == ["image.png", "music.wav"]


def test_what_was_deleted_meanwhile_is_made_again(on_both, open_jobs):
    jobs = open_jobs(on_both, instant, start=False)
    annas, bens = jobs.submit(QUERY, ANNA), jobs.submit(QUERY, BEN)
    with jobs.store.transaction() as session:
        session.execute(update(Job).where(Job.id == annas).values(state=DONE, results=RESULTS, ended=time.time() + 60))
    jobs.start()
    assert jobs.wait(bens).results == RESULTS
    assert files(on_both, bens) == ["image.png", "music.wav"]


def test_again_with_another_seed_does_only_what_the_seed_touches(on_both, open_jobs):
    given = []

    def run(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        given.append((query.seed, sorted(earlier)))
        instant(query, search_id, folder, settings, pools, on_progress, on_result, earlier)

    jobs = open_jobs(on_both, run)
    first = jobs.wait(jobs.submit(QUERY, ANNA))
    whole = jobs.wait(jobs.again(first, ANNA))
    music_only = jobs.wait(jobs.again(first, ANNA, ["music"]))
    assert [kept for _, kept in given[1:]] == [["summary", "videos"], ["image", "summary", "videos"]]
    assert len({seed for seed, _ in given}) == 3
    image = {job.id: (on_both.generated_dir / job.id / "image.png").read_bytes() for job in (first, whole, music_only)}
    assert image[first.id] == image[music_only.id] != image[whole.id]
    assert jobs.get(music_only.id).results == RESULTS
