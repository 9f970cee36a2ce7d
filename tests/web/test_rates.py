"""What clients ask is counted, where studios share a database by all of them together."""

import threading
import time
from dataclasses import replace

import pytest

from app import create_app
from jobs.database import Store
from jobs.queue import Jobs
from tests.searches import instant
from web.rates import DatabaseCounts, ProcessCounts

AFAR = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture
def counts(on_both):
    store = Store(on_both)
    yield DatabaseCounts(engine=store.engine) if store.is_shared else ProcessCounts()
    store.close()


def test_counts_add_up_from_many_at_once_and_no_two_keys_mix(counts):
    def count():
        for _ in range(20):
            counts.incr("one", 60, 2)

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counts.get("one"), counts.get("another"), counts.incr("another", 60)) == (200, 0, 1)
    counts.clear("one")
    assert (counts.get("one"), counts.get("another")) == (0, 1)


def test_a_count_ends_when_its_time_is_over(counts):
    counts.incr("one", 60)
    assert 50 < counts.get_expiry("one") - time.time() <= 61
    counts.incr("short", 0.2)
    time.sleep(0.3)
    assert (counts.get("short"), counts.incr("short", 60)) == (0, 1)


@pytest.mark.parametrize("shift", [-86_400, 86_400])
def test_a_clock_that_is_set_neither_ends_a_count_nor_makes_it_last(counts, monkeypatch, shift):
    real = time.time
    counts.incr("one", 60)
    counts.incr("short", 0.2)
    monkeypatch.setattr("time.time", lambda: real() + shift)
    time.sleep(0.3)
    assert (counts.get("one"), counts.get("short"), counts.incr("short", 60)) == (1, 0, 1)


def test_counts_that_have_ended_are_forgotten(counts, monkeypatch):
    monkeypatch.setattr("web.rates.SWEEP_EVERY", 1)
    for number in range(20):
        counts.incr(str(number), 0.2)
    time.sleep(0.3)
    counts.incr("last", 60)
    assert counts.reset() == 1


def test_two_studios_count_together_and_know_each_others_visitors(on_postgresql, tmp_path):
    clients, apps = [], []
    for name in ("one", "two"):
        chosen = {"data_dir": tmp_path / name, "flask_secret_key": "s" * 32, "rate_searches": "2 per minute"}
        app = create_app(replace(on_postgresql, **chosen))
        app.extensions["jobs"].close()
        app.extensions["jobs"] = Jobs(app.extensions["settings"], app.extensions["pools"], instant)
        apps.append(app)
        clients.append(app.test_client())
    one, two = clients

    def ask(client, seed):
        headers = {"Prefer": "respond-async"}
        return client.post("/search", json={"tags": ["AI"], "seed": seed}, headers=headers, environ_base=AFAR)

    assert (ask(one, 1).status_code, ask(two, 2).status_code) == (202, 202)
    refused = ask(one, 3)
    assert (refused.status_code, ask(two, 4).status_code) == (429, 429)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    cookie = one.get_cookie("session")
    two.set_cookie("session", cookie.value)
    listed = two.get("/history", environ_base=AFAR).get_json()
    assert [entry["state"] for entry in listed] == ["queued"]
    for app in apps:
        app.extensions["jobs"].close()
        app.extensions["pools"].close()
