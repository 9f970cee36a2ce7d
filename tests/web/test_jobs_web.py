"""Searches as jobs over HTTP: asked for, watched, called off, listed, counted."""

import json
import re
import threading

import pytest

from tools.waiting import until

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def app(open_app):
    return open_app(max_running=1, max_queued=2)


@pytest.fixture
def client(app):
    return app.test_client()


def submit(client, seed=1, headers=ASYNC):
    return client.post("/search", json={"tags": ["AI"], "seed": seed}, headers=headers)


def events(text):
    """The numbered events of a stream."""
    found = re.findall(r"^id: (\d+)\ndata: (.*)\n\n", text, re.MULTILINE)
    return [(int(number), json.loads(data)) for number, data in found]


def test_a_program_that_asks_for_it_is_answered_at_once(client, held):
    answer = submit(client)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")
    job = client.get(answer.headers["Location"]).get_json()
    assert job["id"] == answer.get_json()["id"]
    assert job["state"] in ("queued", "running")
    assert set(job) == {"id", "state", "stage", "progress", "result", "error"}
    held.go.set()
    until(lambda: client.get(answer.headers["Location"]).get_json()["state"] == "done")
    result = client.get(answer.headers["Location"]).get_json()["result"]
    assert client.get(result["music_url"]).data == b"music.wav of 1"


def test_a_browser_goes_to_the_page_of_its_search(client):
    client.get("/", headers=BROWSER)
    sent = client.post("/search", data={"tags": "AI"}, headers={"Accept": BROWSER["Accept"]})
    assert sent.status_code == 303
    assert re.fullmatch(r"/jobs/[0-9a-f]{32}", sent.location)
    assert client.get(sent.location, headers=BROWSER).mimetype == "text/html"


def test_a_stream_that_is_resumed_goes_on_after_the_last_event(client, held):
    address = submit(client).headers["Location"] + "/events"
    held.go.set()
    whole = client.get(address)
    assert whole.mimetype == "text/event-stream"
    seen = events(whole.text)
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1][1]["state"] == "done"
    assert events(client.get(address, headers={"Last-Event-ID": "3"}).text) == seen[3:]
    assert events(client.get(address, headers={"Last-Event-ID": str(len(seen))}).text) == []
    for nonsense in ("abc", "-1", "²", ""):
        assert events(client.get(address, headers={"Last-Event-ID": nonsense}).text) == seen


def test_a_search_is_called_off_by_delete(client, held):
    address = submit(client).headers["Location"]
    until(lambda: held.begun)
    assert client.delete(address).get_json()["state"] == "cancelled"
    assert held.left.wait(5)
    assert client.get(address).get_json()["state"] == "cancelled"


def test_who_waits_for_a_search_that_is_called_off_or_deleted_is_told(client, app, held):
    for end in ("cancel", "delete"):
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(submit(app.test_client(), headers={})))  # noqa: B023
        held.begun.clear()
        waiting.start()
        until(lambda: held.begun)
        getattr(app.extensions["jobs"], end)(held.begun[0])
        waiting.join(30)
        assert (answers[0].status_code, answers[0].mimetype) == (409, "application/problem+json")


def test_a_full_queue_is_a_503_that_says_when_to_come_again(client, held):
    taken = [submit(client, seed) for seed in range(2)]
    until(lambda: held.begun)
    taken.append(submit(client, 2))
    refused = submit(client, 3)
    assert [answer.status_code for answer in taken] == [202] * 3
    assert refused.status_code == 503
    problem = refused.get_json()
    assert int(refused.headers["Retry-After"]) == problem["retry_after"] >= 1
    assert "busy" in problem["detail"]


def test_a_process_that_ends_answers_those_who_wait_and_takes_no_more(client, app, held):
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(submit(app.test_client(), headers={})))
    waiting.start()
    until(lambda: held.begun)
    assert client.get("/healthz").status_code == 200
    app.extensions["jobs"].stop()
    waiting.join(30)
    assert answers[0].status_code == 503
    assert held.begun[0] in answers[0].get_json()["detail"]
    assert submit(client).status_code == 503
    assert (client.get("/healthz").status_code, client.get("/healthz").get_json()["status"]) == (503, "stopping")


def test_history_lists_only_the_visitors_own(client, app, held):
    held.go.set()
    own, others = submit(client, 1), submit(app.test_client(), 2)
    history = client.get("/history", headers={"Accept": "application/json"}).get_json()
    assert [job["id"] for job in history] == [own.get_json()["id"]]
    assert client.get(others.headers["Location"]).status_code == 200  # a link works for whoever has it
    deleted = client.post(others.headers["Location"] + "/delete", headers={"Accept": "application/json"})
    assert deleted.status_code in (400, 404)
    assert client.get(others.headers["Location"]).status_code == 200


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("job_id", ["0" * 32, "nonsense", "%00", "é" * 40])
def test_a_search_that_there_is_not_is_a_404(client, method, job_id):
    answer = getattr(client, method)(f"/jobs/{job_id}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_the_metrics_count_what_happens(client, app, held):
    def value(name):
        text = client.get("/metrics").text
        return sum(float(number) for number in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    names = ["trendtok_searches_total", "trendtok_stage_seconds_count", "trendtok_clips_total"]
    names += ["trendtok_searches_refused_total"]
    before = [value(name) for name in names]
    for seed in range(2):
        submit(client, seed)
    until(lambda: held.begun)
    submit(client, 2)
    submit(client, 3)
    assert (value("trendtok_queued_searches"), value("trendtok_running_searches")) == (2, 1)
    held.go.set()
    until(lambda: app.extensions["jobs"].load() == (0, 0) and not app.extensions["jobs"].running())
    counted = until(lambda: (now := [value(name) for name in names]) and now[1] - before[1] == 12 and now)
    assert [now - then for now, then in zip(counted, before, strict=True)] == [3, 12, 3, 1]
    assert value("process_resident_memory_bytes") > 1e6
    assert "trendtok_engine_failures" in client.get("/metrics").text
