"""Behind a proxy: what a trusted one says of who asks is believed, and what anybody else says is not."""

import http.client
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from app import create_app, gateway
from jobs.queue import Jobs
from tests.searches import instant
from tests.servers import started
from web import server

ANNA, BEN = "198.51.100.7", "203.0.113.9"


@contextmanager
def served(settings, **chosen):
    """The address of a studio on the real server, whose stages take no time."""
    settings = replace(settings, **chosen)
    app = create_app(settings)
    app.extensions["jobs"].close()
    app.extensions["jobs"] = Jobs(settings, app.extensions["pools"], instant)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = server.open_server(gateway(app, settings), settings.trusted_proxies)
    thread = threading.Thread(target=serving.run, args=[[listening]], daemon=True)
    with started(app):
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            serving.should_exit = True
            thread.join(15)


@pytest.fixture
def trusting(settings):
    with served(settings, trusted_proxies=("127.0.0.1/32",), rate_searches="2 per minute") as port:
        yield port


@pytest.fixture
def doubting(settings):
    with served(settings, trusted_proxies=("10.0.0.0/8",), rate_searches="2 per minute") as port:
        yield port


def ask(port, seed, forwarded=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    proxied = {"X-Forwarded-For": forwarded} if forwarded else {}
    body = json.dumps({"tags": ["AI"], "seed": seed})
    more = {"Content-Type": "application/json", "Prefer": "respond-async"}
    connection.request("POST", "/search", body, {**more, **proxied, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_each_address_that_a_trusted_proxy_names_is_a_client_of_its_own(trusting):
    assert [ask(trusting, seed, ANNA).status for seed in (1, 2, 3)] == [202, 202, 429]
    assert ask(trusting, 4, BEN).status == 202


def test_what_a_client_claims_before_the_proxy_adds_its_address_is_not_believed(trusting):
    claims = [f"192.0.2.{number}, {ANNA}" for number in range(3)]
    assert [ask(trusting, seed, claim).status for seed, claim in enumerate(claims)] == [202, 202, 429]


def test_whom_no_trusted_proxy_vouches_for_cannot_choose_an_address(doubting):
    assert [ask(doubting, seed, f"192.0.2.{seed}").status for seed in (1, 2, 3)] == [202, 202, 429]


def test_the_cookie_is_secure_where_a_trusted_proxy_has_ended_https(trusting):
    cookies = [
        ask(trusting, 1, where, **{"X-Forwarded-Proto": scheme}).headers["Set-Cookie"]
        for where, scheme in ((ANNA, "https"), (BEN, "http"))
    ]
    assert ["Secure" in cookie for cookie in cookies] == [True, False]


def test_the_cookie_is_not_secure_because_a_stranger_says_so(doubting):
    assert "Secure" not in ask(doubting, 1, ANNA, **{"X-Forwarded-Proto": "https"}).headers["Set-Cookie"]
