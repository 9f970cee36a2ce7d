"""One call of a service over HTTP: what is sent, what comes back, and when it ends."""

import logging
import socket
import threading
import time

import pytest
from pydantic import BaseModel

from core import http
from core.engines import Cancelled
from core.waiting import hold
from tests.core.http.support import GRACE, KEY, VOICE, ask, error_of
from tools.services.faults import answers, deaf
from tools.waiting import until


def endless(handler, _reply):
    """A body without a length that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    handler.close_connection = True
    while not handler.server.stopping.is_set():
        handler.wfile.write(bytes(64 * 1024))


def endless_redirect(handler, _reply):
    handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n")
    handler.close_connection = True
    while not handler.server.stopping.is_set():
        handler.wfile.write(bytes(64 * 1024))


def test_an_answer_comes_back_whole(server):
    answer = ask(server.url + "/speak", method="POST", json={"text": "hello"}, token=KEY)
    assert (answer.status, answer.body) == (200, b'{"said": "hello"}')
    assert answer.headers["content-type"] == "application/json"
    [request] = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == b'{"text": "hello"}'
    assert server.idle()


def test_a_connection_serves_several_requests(server):
    with http.Client(VOICE, 2) as client:
        for _ in range(3):
            client.request("GET", server.url)
            assert len(server.connections) == 1
    assert server.idle()


def test_a_netrc_is_not_looked_at(server, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ask(server.url)
    assert "authorization" not in server.requests[0].headers


def test_neither_address_nor_key_is_logged(server, caplog):
    caplog.set_level(logging.DEBUG)
    ask(f"{server.url}/?key={KEY}", token=KEY)
    server.fail("500")
    assert KEY not in error_of(f"{server.url}/?key={KEY}", token=KEY) + caplog.text


@pytest.mark.parametrize("key", ["sk-broken\nline", "sk-ключ", "sk-\x00"])
def test_a_key_that_cannot_be_sent_is_said_and_not_shown(server, key):
    assert error_of(server.url, token=key) == "VOICE_API_KEY holds characters that no key has; copy it again."
    assert not server.requests


class Said(BaseModel):
    said: str


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"said": 5}', b"[" * 100_000, b'{"said": "\xff"}'])
def test_an_answer_of_another_shape_is_an_error_that_does_not_quote_it(body):
    with pytest.raises(http.CallError, match="did not answer as it should; check the network and VOICE") as failed:
        http.parse(VOICE, Said, body)
    assert failed.value.__context__ is None
    assert http.parse(VOICE, Said, b'{"said": "hello"}').said == "hello"


@pytest.mark.parametrize("fault", ["hangs", "slow head", "slow drip"])
def test_a_call_ends_at_its_deadline_whatever_is_slow(server, fault):
    server.fail(fault)
    said = "The voice service did not answer within 0.5 s; try again later or raise SERVICE_TIMEOUT."
    assert error_of(server.url) == said
    assert server.idle()


def test_several_requests_share_one_deadline(server):
    server.delay = 0.2
    with http.Client(VOICE, 30) as client, pytest.raises(http.TooLate):
        deadline = time.monotonic() + 0.5
        for _ in range(9):
            client.request("GET", server.url, deadline=deadline)
    assert 1 < len(server.requests) < 5


def test_a_server_that_never_greets_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "did not answer within" in error_of(f"https://127.0.0.1:{mute.getsockname()[1]}")


def test_a_connection_that_does_not_come_costs_the_connect_timeout_only():
    with deaf() as far:
        assert "cannot be reached" in error_of(far, timeout=30, connect_timeout=0.3, attempts=1)


def test_an_address_that_is_looked_up_for_ever_holds_nobody_up(server, monkeypatch):
    answered, look_up = threading.Event(), socket.getaddrinfo

    def slow(*arguments, **options):
        answered.wait(10)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        message = error_of(server.url, within=3, timeout=30, connect_timeout=0.3, attempts=1)
    finally:
        answered.set()
    assert message == "The voice service cannot be reached; check the network and VOICE_API_URL."
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "http"], 2)
    assert server.idle()  # the connection that came too late was closed at once
    assert not server.requests


@pytest.mark.parametrize("fault", [endless, "10 MB of rubbish"])
def test_no_more_than_the_most_is_read(server, fault):
    server.fail(fault)
    assert "did not answer as it should (more than 1 MB)" in error_of(server.url, timeout=20, max_bytes=http.MB)
    assert server.idle()


def test_the_body_of_a_refusal_or_a_redirect_is_not_read_to_its_end(server):
    server.fail(endless_redirect)
    assert "has moved (HTTP 302); set VOICE_API_URL" in error_of(server.url, timeout=20)
    assert server.idle()


@pytest.mark.parametrize("fault", ["hangs", "slow head", "slow drip", answers(503, b"", Retry_After="20")])
def test_a_call_that_is_called_off_ends_at_once(server, fault):
    server.fail(fault)

    def check():
        if server.requests:
            raise Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        ask(server.url, timeout=30, check=check)
    assert time.monotonic() - started < 2 * http.TICK + GRACE
    assert server.idle()


def test_an_error_of_ones_own_is_not_mistaken_for_the_network(server):
    server.fail("hangs")

    def check():
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        ask(server.url, timeout=30, check=check)
    with pytest.raises(TypeError):
        ask(server.url, timeout=5, data=object())
    assert server.idle()


def test_a_lock_is_waited_for_until_called_off_or_too_late():
    lock = threading.Lock()
    with lock:
        with pytest.raises(TimeoutError), hold(lock, lambda: None, time.monotonic() + 0.1):
            pass
        with pytest.raises(ZeroDivisionError), hold(lock, lambda: 1 / 0):
            pass
    with hold(lock, lambda: None):
        assert lock.locked()
    assert not lock.locked()
