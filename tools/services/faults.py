"""Loopback HTTP services for tests and benches, and the ways in which a service can fail, down to the socket."""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tools.waiting import until

DRIP = 0.05  # seconds between two bytes of a slow drip
RUBBISH = 10 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Request:
    """A request as it came in. `query` keeps the last value of each name; header names are in lower case.

    `at` is when it came, in seconds of time.monotonic.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Reply:
    """What a service answers. A body that is not bytes is sent as JSON."""

    body: object = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def hangs(handler, _reply):
    """Say nothing until the client goes away or the test ends."""
    wait_for_client(handler, 60)


def slow_drip(handler, reply):
    """Head at once, then the body byte by byte: every single read is quick, the whole takes for ever."""
    body = reply.bytes()
    handler.wfile.write(head(reply.status, len(body), reply.headers))
    drip(handler, body)


def slow_head(handler, reply):
    """The status line and headers byte by byte: no client that only times single reads ever gives up."""
    drip(handler, head(reply.status, len(reply.bytes()), {"X-Padding": "x" * 2000, **reply.headers}))


def closed_half_way(handler, reply):
    """Half of the body, then a reset."""
    body = reply.bytes()
    handler.wfile.write(head(reply.status, len(body), reply.headers) + body[: len(body) // 2])
    reset(handler)


def closed_at_once(handler, _reply):
    """The request is read, then the connection is reset without a word."""
    reset(handler)


def length_too_long(handler, reply):
    """More bytes are announced than come; the connection then ends in good order."""
    body = reply.bytes()
    handler.wfile.write(head(reply.status, len(body) + 100, reply.headers) + body)
    handler.close_connection = True


def length_too_short(handler, reply):
    """Fewer bytes are announced than come."""
    body = reply.bytes()
    handler.wfile.write(head(reply.status, max(len(body) - 5, 0), reply.headers) + body)
    handler.close_connection = True


def rubbish(handler, _reply):
    """10 MB that mean nothing, under a friendly status."""
    handler.wfile.write(head(200, RUBBISH, {"Content-Type": "application/json"}))
    block = bytes(range(256)) * 256
    for _ in range(RUBBISH // len(block)):
        handler.wfile.write(block)


def answers(status: int, body: object = b"", **headers: str):
    """A fault that answers `status` and `body`; underscores in header names stand for hyphens."""
    sent = Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})

    def fault(handler, _reply):
        send(handler, sent)

    return fault


FAULTS: dict[str, Callable] = {
    "hangs": hangs,
    "slow drip": slow_drip,
    "slow head": slow_head,
    "400": answers(400, {"error": {"message": "bad request"}}),
    "401": answers(401, {"error": {"message": "bad credentials"}}),
    "403": answers(403, {"error": {"message": "forbidden"}}),
    "404": answers(404, {"error": {"message": "not found"}}),
    "429": answers(429, {"error": {"message": "slow down"}}, Retry_After="1"),
    "429 for an hour": answers(429, {"error": {"message": "slow down"}}, Retry_After="3600"),
    "500": answers(500, b"<html>Internal Server Error</html>", Content_Type="text/html"),
    "503": answers(503),
    "closed half-way": closed_half_way,
    "closed at once": closed_at_once,
    "length too long": length_too_long,
    "length too short": length_too_short,
    "invalid JSON": answers(200, b'{"choices": [', Content_Type="application/json"),
    "wrong shape": answers(200, {"unexpected": ["shape"]}, Content_Type="application/json"),
    "a list": answers(200, [], Content_Type="application/json"),
    "nested too deep": answers(200, b"[" * 200_000, Content_Type="application/json"),
    "empty": answers(200, b"", Content_Type="application/json"),
    "10 MB of rubbish": rubbish,
    "not UTF-8": answers(200, b'{"text": "\xff\xfe\xe9"}', Content_Type="application/json; charset=utf-8"),
    "not HTTP": lambda handler, _reply: (handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"), reset(handler)),
    "redirects elsewhere": answers(302, b"", Location="http://localhost:9/"),
}


class Service(ThreadingHTTPServer):
    """A service on a loopback port, answering with `answer(request)`; `with` starts and stops it.

    `requests` holds all that came in. `connections` holds the sockets that clients keep open: it must be empty soon
    after a client is done, however its call ended. `delay` is in seconds and comes before each answer.
    """

    daemon_threads = False  # so that closing waits for every handler

    def __init__(self, answer: Callable[[Request], Reply]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[Request] = []
        self.connections: set[socket.socket] = set()
        self.delay = 0.0
        self.stopping = threading.Event()
        self._faults: list[list] = []  # [fault, times left or None, pattern of the path]
        self._lock = threading.Lock()

    def fail(self, fault: str | Callable, times: int | None = None, path: str = "") -> None:
        """Let the next `times` requests (all of them when None) whose path and query match the regular expression
        `path` meet `fault`: a name in FAULTS, or a function of the handler and of the reply due."""
        self._faults.append([FAULTS[fault] if isinstance(fault, str) else fault, times, re.compile(path)])

    def heal(self) -> None:
        self._faults.clear()

    def next_fault(self, path: str) -> Callable | None:
        with self._lock:
            for entry in self._faults:
                fault, times, pattern = entry
                if times == 0 or not pattern.search(path):
                    continue
                if times:
                    entry[1] -= 1
                return fault
        return None

    def idle(self) -> bool:
        """Wait until every client has closed its connections; fails where one does not within two seconds."""
        until(lambda: not self.connections, 2)
        return True

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        self.connections.discard(request)

    def handle_error(self, request, client_address):
        """Clients that go away are what these services are for."""

    def __enter__(self):
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="service")
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        for connection in list(self.connections):
            _quietly(connection.shutdown, socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open until the client closes them, as with real services
    disable_nagle_algorithm = True

    def _serve(self):
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, address.path, query, headers, body)
        self.server.requests.append(request)
        self.server.stopping.wait(self.server.delay)
        reply = self.server.answer(request)
        fault = self.server.next_fault(self.path) or send
        fault(self, reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815 - names that http.server looks for

    def log_message(self, *_arguments):
        """Nothing on the terminal."""


@contextmanager
def refusing():
    """The address of a port that stays taken and refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def deaf():
    """The address of a port whose queue is full, so that connecting to it takes for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for waiting in queue:
            waiting.close()


def send(handler, reply: Reply) -> None:
    body = reply.bytes()
    handler.wfile.write(head(reply.status, len(body), reply.headers))
    if handler.command != "HEAD":
        handler.wfile.write(body)


def head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def drip(handler, data: bytes) -> None:
    for byte in data:
        if handler.server.stopping.wait(DRIP):
            break
        handler.wfile.write(bytes([byte]))
    handler.close_connection = True


def reset(handler) -> None:
    """Close the connection with a TCP reset instead of an orderly end."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def wait_for_client(handler, seconds: float) -> None:
    """Wait until the client closes its end, the service stops, or `seconds` are over."""
    handler.close_connection = True
    handler.connection.settimeout(0.05)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not handler.server.stopping.is_set():
        try:
            if not handler.connection.recv(1):
                return
        except TimeoutError:
            continue
        except OSError:
            return


def _quietly(function, *arguments):
    with suppress(OSError):
        function(*arguments)
