"""The server in front of the application: waiting takes no thread; slow, silent or greedy clients cost nobody else."""

import asyncio
import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from flask import Flask, request

from tools.waiting import until
from web import asgi, server

MAX_BODY = 200_000  # bytes


class Events:
    """Jobs that end when the test says so."""

    def __init__(self):
        self.over, self.following = asyncio.Event(), 0

    async def follow(self, job_id, after):
        self.following += 1
        try:
            yield f"id: {after + 1}\ndata: {job_id}\n\n"
            await self.over.wait()
            yield "data: over\n\n"
        finally:
            self.following -= 1

    async def ended(self, _job_id):
        await self.over.wait()


def application():
    app = Flask(__name__)
    app.calls = []

    @app.before_request
    def refuse():
        app.calls.append(request.path)
        asgi.refuse_broken_body(request)

    @app.get("/page")
    def page():
        return "a page"

    @app.get("/large")
    def large():
        return (b"x" * 8192 for _ in range(8000))

    @app.post("/echo")
    def echo():
        return f"{len(request.get_data())} {request.headers.get('X-Mine')}"

    @app.get("/events/<job>")
    def events(job):
        time.sleep(float(request.args.get("seconds", 0)))
        assert asgi.defer(request, asgi.Following(job, int(request.args.get("after", 0))))
        return app.response_class(mimetype="text/event-stream")

    @app.post("/wait/<job>")
    def wait(job):
        if asgi.ended_job(request) is None:
            asgi.defer(request, asgi.Waiting(job))
            return ""
        return f"{asgi.ended_job(request)} {request.get_data(as_text=True)}"

    return app


@contextmanager
def running(monkeypatch=None):
    app, events = application(), Events()
    threads, following = ThreadPoolExecutor(4), ThreadPoolExecutor(1)
    gateway = asgi.Gateway(
        app,
        events,
        lambda scope: MAX_BODY if scope["path"] == "/echo" else 1000,
        lambda scope: following if scope["path"].startswith("/events") else threads,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    serving = server.open_server(gateway)
    thread = threading.Thread(target=serving.run, args=[[listening]], daemon=True)
    thread.start()
    app.events, app.port, app.serving = events, listening.getsockname()[1], serving
    try:
        yield app
    finally:
        end(app)
        serving.should_exit = True
        thread.join(15)
        assert not thread.is_alive()


def end(app):
    app.events.over.set()


@pytest.fixture
def studio():
    with running() as app:
        yield app


def ask(app, path, method="GET", body=None, headers=None, timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=timeout)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def connect(app, text=b""):
    client = socket.create_connection(("127.0.0.1", app.port), timeout=30)
    client.sendall(text)
    return client


def test_pages_do_not_wait_for_the_views_of_many_who_begin_to_follow(studio):
    streams = [connect(studio, b"GET /events/a?seconds=0.2 HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(20)]
    start = time.monotonic()
    assert ask(studio, "/page") == (200, b"a page")
    assert time.monotonic() - start < 1
    for stream in streams:
        stream.close()


def test_five_hundred_streams_leave_the_page_as_fast_as_before(studio):
    streams = [connect(studio, b"GET /events/a?after=4 HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(500)]
    until(lambda: studio.events.following == 500, 30)
    start = time.monotonic()
    assert ask(studio, "/page") == (200, b"a page")
    assert time.monotonic() - start < 1
    assert b"id: 5\ndata: a" in streams[0].recv(4096)
    for stream in streams:
        stream.close()
    until(lambda: studio.events.following == 0)


def test_a_hundred_waiting_searches_take_no_thread_and_are_answered_when_they_end(studio):
    waiting = [
        connect(studio, b"POST /wait/%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" % number)
        for number in range(100)
    ]
    until(lambda: len(studio.calls) == 100)
    assert ask(studio, "/page") == (200, b"a page")
    studio.serving.servers[0].get_loop().call_soon_threadsafe(studio.events.over.set)
    for number, client in enumerate(waiting):
        answer = client.recv(4096)
        while b"hello" not in answer:
            answer += client.recv(4096)
        assert f"{number} hello".encode() in answer
        client.close()


def test_a_waiting_client_that_leaves_is_let_go(studio):
    client = connect(studio, b"POST /wait/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    until(lambda: studio.calls)
    client.close()
    time.sleep(0.3)
    assert len(studio.calls) == 1


def test_silent_sockets_and_half_sent_headers_are_closed_in_time(studio, monkeypatch):
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.5)
    clients = [connect(studio) for _ in range(50)] + [connect(studio, b"GET /page HTTP/1.1\r\nHo") for _ in range(50)]
    assert ask(studio, "/page") == (200, b"a page")
    for client in clients:
        assert client.recv(100) == b""


def test_headers_that_drip_are_closed_in_time_however_often_a_byte_comes(studio, monkeypatch):
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.5)
    client = connect(studio, b"GET /page HTTP/1.1\r\n")
    with pytest.raises(OSError):
        for _ in range(40):
            client.sendall(b"a")
            time.sleep(0.05)


def test_a_connection_is_kept_for_the_next_request(studio, monkeypatch):
    monkeypatch.setattr(server, "HEADER_SECONDS", 2.0)
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/page")
        assert connection.getresponse().read() == b"a page"
        time.sleep(0.8)


def test_a_slow_body_takes_no_thread_and_is_given_up(studio, monkeypatch):
    monkeypatch.setattr(asgi, "BODY_SILENCE", 0.5)
    slow = [connect(studio, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc") for _ in range(40)]
    assert ask(studio, "/page") == (200, b"a page")
    assert all(b" 408 " in client.recv(4096) for client in slow)


def test_a_body_is_whole_whether_it_stays_in_memory_or_not(studio):
    for size in (0, 1, asgi.IN_MEMORY, asgi.IN_MEMORY + 1, MAX_BODY):
        assert ask(studio, "/echo", "POST", b"x" * size, {"X-Mine": "a"}) == (200, b"%d a" % size)


def test_a_body_is_refused_at_its_headers_before_any_of_it_is_read(studio):
    client = connect(studio, b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 400000000\r\n\r\n")
    assert b" 413 " in client.recv(4096)


def test_who_sends_on_after_a_refusal_reads_it_all_the_same(studio):
    """A connection that is closed on what was not read is reset, and the answer with it."""
    client = connect(studio, b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 400000000\r\n\r\n")
    client.setblocking(False)
    end, answer = time.monotonic() + 1, b""
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            client.send(bytes(65536))
        time.sleep(0.01)
    with suppress(BlockingIOError):
        answer = client.recv(4096)
    assert b" 413 " in answer


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(studio):
    client = connect(studio, b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0x10000)  # else what waits here grows to several MB
    sent = 0
    with pytest.raises(OSError):
        while sent < 500 * MAX_BODY:
            client.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent += 0x10000
    assert sent < 60 * MAX_BODY  # what the system's own buffers hold may be 6 MB


def test_a_header_with_an_underscore_cannot_pass_for_one_that_a_proxy_sets(studio):
    assert ask(studio, "/echo", "POST", b"", {"X_Mine": "forged"}) == (200, b"0 None")


def test_a_client_that_reads_slowly_takes_no_thread(studio):
    readers = [connect(studio, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(40)]
    until(lambda: studio.calls.count("/large") == 40)
    assert ask(studio, "/page") == (200, b"a page")
    for reader in readers:
        reader.close()


@pytest.mark.parametrize("request_", [b"\x16\x03\x01\x00garbage\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"])
def test_what_is_not_http_is_refused(studio, request_):
    assert b" 400 " in connect(studio, request_).recv(4096)


def test_headers_larger_than_any_browser_sends_are_refused(studio):
    client = connect(studio)
    with pytest.raises(OSError):
        client.sendall(b"GET /page HTTP/1.1\r\nX: " + b"a" * 2_000_000)
        assert b" 400 " in client.recv(4096)
        raise OSError
