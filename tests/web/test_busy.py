"""A busy studio: what takes long keeps nobody from a page, and all who come at once are let in."""

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import PAGE_THREADS, WEB_THREADS, create_app, gateway
from web import routes, server

AT_ONCE = 60


@pytest.fixture
def busy(settings):
    """The port of a studio in which every thread for what takes long is taken, until the test ends."""
    app, over, begun = create_app(settings), threading.Event(), threading.Semaphore(0)

    def slow():
        begun.release()
        over.wait(60)
        return ""

    app.add_url_rule("/slow", "slow", slow, methods=["POST"])
    listening = socket.create_server(("127.0.0.1", 0), backlog=server.BACKLOG)
    serving = server.open_server(gateway(app, settings))
    thread = threading.Thread(target=serving.run, args=[server.handles(listening)], daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    with ThreadPoolExecutor(WEB_THREADS + PAGE_THREADS) as senders:
        try:
            for _ in range(WEB_THREADS + PAGE_THREADS):
                senders.submit(ask, port, "POST", "/slow")
            assert all(begun.acquire(timeout=30) for _ in range(WEB_THREADS))
            yield port
        finally:
            over.set()
    serving.should_exit = True
    thread.join(15)
    app.extensions["jobs"].close()


def ask(port, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_pages_are_made_while_every_thread_for_what_takes_long_is_taken(busy):
    assert [ask(busy, "GET", path) for path in ("/", "/history", "/jobs/none")] == [200, 200, 404]


def test_all_who_come_at_once_get_their_page(busy):
    with ThreadPoolExecutor(AT_ONCE) as visitors:
        assert set(visitors.map(lambda _: ask(busy, "GET", "/history"), range(AT_ONCE))) == {200}


@pytest.mark.parametrize(
    ("method", "path", "quick"),
    [("GET", "/", True), ("HEAD", "/jobs/1", True), ("POST", "/search", False), ("GET", "/jobs/1/all.zip", False)],
)
def test_what_only_looks_at_something_is_quick(method, path, quick):
    assert routes.is_quick(method, path) is quick
