"""What cannot be answered is a clear problem, and no 500; it serves again when the cause is gone."""

import errno
import itertools
import sqlite3

import pytest

from app import create_app
from core import logs
from jobs import database
from jobs.queue import Jobs
from tests.searches import QUERY, instant
from tests.servers import started
from tools.waiting import until

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def app(settings, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    app = create_app(settings)
    app.extensions["jobs"].close()
    app.extensions["jobs"] = Jobs(settings, app.extensions["pools"], instant)
    with started(app):
        yield app


def ask(client, seed=1):
    return client.post("/search", json={"tags": ["AI"], "seed": seed}, headers=ASYNC)


@pytest.mark.parametrize(
    "path",
    [
        "/clips/library/%00",
        "/clips/library/%00/a.mp4",
        "/clips/uploads/%00",
        "/static/generated/%00/%00",
        "/jobs/%00/events",
        "/clips/library/" + "a" * 5000,
        "/%ED%A0%80",
    ],
)
def test_names_that_no_file_can_have_are_not_found(app, path):
    assert app.test_client().get(path).status_code == 404


HOSTS = ("[", "[::1", "]", "[x]", "a[b]:1", "localhost:x", "\xbd", "\xff:99999", "@", " ")


@pytest.mark.parametrize("where", ["127.0.0.1", "192.0.2.1"])
def test_a_host_that_is_none_is_refused_or_served_and_no_fault(app, where):
    for host, method, path in itertools.product(HOSTS, ("GET", "POST"), ("/", "/search", "/nowhere")):
        headers = {"Host": host, "Origin": f"http://{host}", "Accept": "text/html"}
        answer = app.test_client().open(path, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": where})
        assert answer.status_code < 500, (host, method, path, answer.text)


def test_a_number_of_five_thousand_digits_is_no_event(app):
    client = app.test_client()
    address = ask(client).headers["Location"]
    until(lambda: client.get(address).get_json()["state"] == "done")
    assert client.get(address + "/events", headers={"Last-Event-ID": "9" * 5000}).status_code == 200


@pytest.mark.parametrize(
    "body", [rb'{"tags":["\ud800"]}', rb'{"tags":["a"],"\ud800":1}', b"\xff", b'{"tags":["a"],"seed":1e999}']
)
def test_json_that_is_no_text_is_refused(app, body):
    answer = app.test_client().post("/search", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


def test_a_locked_database_is_a_503_until_it_is_free(app, settings):
    client = app.test_client()
    holder = sqlite3.connect(settings.data_dir / "studio.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    refused = ask(client)
    assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) >= 1
    holder.execute("ROLLBACK")
    assert ask(client).status_code == 202


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 507), (errno.EROFS, 507), (errno.EMFILE, 503), (errno.EIO, 500)]
)
def test_a_disk_that_takes_nothing_is_told_without_its_paths(app, monkeypatch, number, status):
    def broken(*_, **__):
        raise OSError(number, "It does not work", "/secret/path")

    monkeypatch.setattr(app.extensions["jobs"], "submit", broken)
    answer = ask(app.test_client())
    assert (answer.status_code, "/secret" in answer.text) == (status, False)


def test_a_search_whose_end_could_not_be_stored_ends_when_it_can(settings, open_jobs, monkeypatch):
    """With a full disk, it was "stopped 2 times" though the process never was."""
    from sqlalchemy.exc import OperationalError

    from jobs import leases

    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    working, full = leases.end, [True]

    def end(*arguments):
        if full:
            raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database or disk is full"))
        return working(*arguments)

    monkeypatch.setattr(leases, "end", end)
    jobs = open_jobs(settings, instant)
    job_id = jobs.submit(QUERY, "a" * 32)
    until(lambda: jobs._workers._unfinished)
    full.clear()
    assert until(lambda: (found := jobs.get(job_id)).state == "done" and found).attempts == 1


def test_a_title_cannot_command_the_terminal_that_shows_the_log(settings):
    import logging

    record = logging.makeLogRecord({"msg": "a\x1b[31mred\x9b2J\r\n\x00\x7f\u2028Größe"})
    line = logs.formatter(settings).format(record)
    assert [character for character in line if not character.isprintable()] == []
    assert (r"\x1b[31mred" in line, "Größe" in line) == (True, True)
