"""Many at once: every search ends or is refused, none is lost or run twice, and the memory is given back."""

import gc
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from searches import instant, until

from app import create_app
from jobs import Jobs

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
    app.extensions["jobs"] = Jobs(app.extensions["settings"], counted)
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


def resident_bytes():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


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
