"""Many at once: every search ends or is refused, none is lost or run twice, and the memory is given back."""

import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest

from app import create_app
from jobs.queue import Jobs
from tests.processes import holdings, resident_bytes
from tests.rounds import amount
from tests.searches import instant
from tests.servers import started
from tools.waiting import until

SESSIONS, EACH = 20, 10


@pytest.fixture
def begun():
    return Counter()


@pytest.fixture
def app(on_both, begun):
    """The studio with stages that take no time."""

    def counted(query, search_id, *rest):
        begun[search_id] += 1
        instant(query, search_id, *rest)

    app = create_app(replace(on_both, max_queued=10))
    app.extensions["jobs"] = Jobs(app.extensions["settings"], app.extensions["pools"], counted)
    app.extensions["jobs"].start()
    yield app
    app.extensions["jobs"].close()
    app.extensions["pools"].close()


def submit_at_once(app, first_seed):
    """Twenty sessions send ten searches each, all at once; return each session's client and its answers."""
    clients = [app.test_client() for _ in range(SESSIONS)]
    answers = [[] for _ in clients]
    gate = threading.Barrier(SESSIONS)

    def send(number):
        clients[number].get("/history", headers={"Accept": "application/json"})  # here the session begins
        gate.wait()
        for each in range(EACH):
            asked = {"tags": ["AI"], "seed": first_seed + number * EACH + each}
            headers = {"Prefer": "respond-async"} if each % 2 else {}
            answers[number].append(clients[number].post("/search", json=asked, headers=headers))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients, answers


@pytest.mark.slow
def test_two_hundred_searches_at_once_end_or_are_refused_and_none_is_lost_or_run_twice(app, begun):
    jobs = app.extensions["jobs"]
    submit_at_once(app, 10_000)  # what is loaded and filled by the first use
    until(lambda: jobs.load() == (0, 0), seconds=120)
    begun.clear()
    before = resident_bytes()
    clients, answers = submit_at_once(app, 0)
    assert {answer.status_code for session in answers for answer in session} <= {200, 202, 503}
    refused = [answer for session in answers for answer in session if answer.status_code == 503]
    assert all(int(answer.headers["Retry-After"]) == answer.get_json()["retry_after"] >= 1 for answer in refused)
    taken = [{answer.get_json()["id"] for answer in session if answer.status_code != 503} for session in answers]
    assert sum(map(len, taken)) + len(refused) == SESSIONS * EACH
    for client, own in zip(clients, taken, strict=True):
        for job_id in own:
            jobs.wait(job_id)
        history = client.get("/history", headers={"Accept": "application/json"}).get_json()
        assert {job["id"] for job in history} == own
        assert {job["state"] for job in history} <= {"done"}
    assert begun == dict.fromkeys(set().union(*taken), 1)
    del clients, answers, refused
    assert resident_bytes() <= before * 1.1


CACHED = amount(40, 2000)
FIRST = 15  # searches until everything is loaded


def fill(pool):
    """Let a pool open as many connections as it keeps, which else is a matter of how many are in use at one moment."""
    with ExitStack() as held:
        for _ in range(pool.size()):
            held.callback(pool.connect().close)


@pytest.mark.slow
@pytest.mark.timeout(amount(900, 10_800))
def test_searches_of_clips_that_are_known_leave_memory_threads_and_files_where_they_were(settings, small_library):
    """Real searches, with the built-in engines, two at a time."""
    app = create_app(replace(settings, video_library=small_library, max_queued=CACHED, summary_engines=("extractive",)))
    jobs = app.extensions["jobs"]

    def search(seeds):
        """Ask for them all, and delete each when it is done: what is kept is not what is looked for."""
        client = app.test_client()
        asked = [
            client.post(
                "/search", json={"tags": ["AI"], "seconds": 5, "seed": seed}, headers={"Prefer": "respond-async"}
            )
            for seed in seeds
        ]
        for answer in asked:
            job = jobs.wait(answer.get_json()["id"])
            assert (job.state, job.results["videos"].cached, job.results["music"].warnings) == ("done", 1, ())
            jobs.delete(job.id)

    with started(app):
        client = app.test_client()
        assert client.post("/search", json={"tags": ["AI"], "seconds": 5}).status_code == 200  # here the clip is read
        search(range(1, FIRST))
        fill(jobs.store.engine.pool)
        memory, threads, files = holdings()
        search(range(100, 100 + CACHED))
        after = holdings()
    assert after[0] <= memory * 1.1
    assert after[1] <= threads + 1
    assert after[2] <= files + 1
