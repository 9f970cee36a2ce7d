"""ASGI in front of the Flask application: waiting costs no thread.

A thread is taken only while a view works. Bodies are received before, into memory or a file; answers are sent, streams
of events followed and the ends of searches waited for on the event loop. A view says by `defer` what it waits for.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Protocol, cast

from a2wsgi.wsgi import build_environ
from flask import Flask, Request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, RequestTimeout
from werkzeug.test import run_wsgi_app

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]

IN_MEMORY = 64 * 1024  # bytes of a body; a larger one goes to a file
BODY_SILENCE = 15.0  # seconds that a client may be silent in the middle of its body
MIN_BODY_RATE = 16 * 1024  # bytes a second, on the whole
BODY_GRACE = 30.0  # seconds on top of what the slowest body takes
LINGER = 2.0  # seconds to read the answer to a body that was refused, before the connection is closed on the rest
LINGER_BYTES = 256 * 1024  # of that rest that are still read
SEND_SILENCE = 60.0  # seconds that a client may take no byte of its answer
PIECE = 8  # of werkzeug's chunks of 8 KiB, read from a file at once

DEFERRED = "studio.deferred"  # keys in the environment of a request
ENDED = "studio.ended"
BODY_ERROR = "studio.body_error"
BODY_SIZE = "studio.body_size"


@dataclass(frozen=True)
class Following:
    """The answer goes on with the events of a job, from the one after number `after`; at its end, `done` is called."""

    job_id: str
    after: int
    done: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Waiting:
    """The answer is made when a job has ended: `done` is called, then the view again; `ended_job` tells it which."""

    job_id: str
    done: Callable[[], object] = lambda: None


class Events(Protocol):
    """What the gateway needs to know of searches; see web.streams."""

    def follow(self, job_id: str, after: int) -> AsyncIterator[str]:
        """The events of a job as server-sent events, until the job has ended."""

    async def ended(self, job_id: str) -> None:
        """Return when a job has ended, was deleted, or the process is ending."""


def defer(request: Request, what: Following | Waiting) -> bool:
    """Have the event loop wait for something, if there is one: outside the gateway, in tests, the view waits itself."""
    if DEFERRED not in request.environ:
        return False
    request.environ[DEFERRED].append(what)
    return True


def ended_job(request: Request) -> str | None:
    """The job that a view has waited for; None at its first call."""
    return request.environ.get(ENDED)


def body_size(request: Request) -> int:
    """How many bytes the body of a request has; outside the gateway, how many it says."""
    return int(request.environ.get(BODY_SIZE, request.content_length or 0))


def refuse_broken_body(request: Request) -> None:
    """Raise the HTTP error that receiving the body ended with, if any."""
    if error := request.environ.get(BODY_ERROR):
        raise error


@dataclass
class _Answer:
    """What a view answers, as `run_wsgi_app` gives it. It is closed when its last piece has been read."""

    chunks: Iterable[bytes]
    status: str
    headers: Headers
    piece: bytes = b""
    closed: bool = False

    def __post_init__(self) -> None:
        self._left = iter(self.chunks)

    def read(self) -> None:
        """Take the next piece."""
        read = list(islice(self._left, PIECE))
        self.piece = b"".join(read)
        if len(read) < PIECE:
            self.close()

    def close(self) -> None:
        self.closed = True
        getattr(self.chunks, "close", lambda: None)()


class Gateway:
    """The ASGI application.

    `max_body(scope)` gives how many bytes the body of a request may have, `threads(scope)` where its view works.
    """

    def __init__(
        self, app: Flask, events: Events, max_body: Callable[[Scope], int], threads: Callable[[Scope], Executor]
    ):
        self._app, self._events, self._max_body, self._threads = app, events, max_body, threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            environ: dict[str, Any] = {**build_environ(cast(Any, _without_underscores(scope)), cast(Any, body))}
            environ[DEFERRED] = []
            try:
                environ[BODY_SIZE] = await self._receive(scope, receive, body)
            except HTTPException as error:
                environ[BODY_ERROR] = error
            except ConnectionError:
                return
            await self._answer(self._threads(scope), environ, receive, send)

    async def _receive(self, scope: Scope, receive: Receive, body: IO[bytes]) -> int:
        """Receive the whole body and return its size.

        It is refused at the headers, or as soon as it is larger or slower than it may be.
        """
        limit = self._max_body(scope)
        headers = dict(scope["headers"])
        if (declared := headers.get(b"content-length", b"0")).isdigit() and int(declared) > limit:
            raise RequestEntityTooLarge
        loop, size = asyncio.get_running_loop(), 0
        begin = loop.time()
        more = True
        while more:
            try:
                async with asyncio.timeout(BODY_SILENCE):  # `wait_for` would make a task, which takes turns of the loop
                    message = await receive()
            except TimeoutError:
                raise RequestTimeout("The body of the request did not arrive in time.") from None
            if message["type"] == "http.disconnect":
                raise ConnectionError
            size += len(message["body"])
            if size > limit:
                raise RequestEntityTooLarge
            if loop.time() - begin > BODY_GRACE + size / MIN_BODY_RATE:
                raise RequestTimeout("The body of the request arrived too slowly.")
            if size <= IN_MEMORY:
                body.write(message["body"])
            else:
                await _in_thread(self._threads(scope), body.write, message["body"])
            more = message["more_body"]
        body.seek(0)
        return size

    async def _answer(self, threads: Executor, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        """Call the view; where it defers, wait for what it said and go on."""
        answer = await _in_thread(threads, self._call, environ)
        deferred = environ[DEFERRED].pop() if environ[DEFERRED] else None
        if isinstance(deferred, Waiting):
            answer.close()
            cookies = answer.headers.getlist("Set-Cookie")
            try:
                if not await _unless_gone(self._events.ended(deferred.job_id), receive):
                    return
            finally:
                deferred.done()
            environ[ENDED] = deferred.job_id
            environ["wsgi.input"].seek(0)
            answer = await _in_thread(threads, self._call, environ)
            answer.headers.extend(("Set-Cookie", cookie) for cookie in cookies)
        if isinstance(deferred, Following):
            answer.headers.remove("Content-Length")
        if BODY_ERROR in environ:
            answer.headers["Connection"] = "close"  # the rest of the body is not read
        encoded = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in answer.headers]
        start = {"type": "http.response.start", "status": int(answer.status.split(" ", 1)[0]), "headers": encoded}
        try:
            await _send(send, start)
            if isinstance(deferred, Following):
                follow = self._stream(send, deferred)
                await _unless_gone(follow, receive)
            else:
                await self._send_all(threads, send, answer, receive if BODY_ERROR in environ else None)
        finally:
            if isinstance(deferred, Following):
                deferred.done()
            if not answer.closed:
                await _in_thread(threads, answer.close)

    def _call(self, environ: dict[str, Any]) -> "_Answer":
        """Call the view. What is not deferred begins to be read at once: a change of threads takes time."""
        answer = _Answer(*run_wsgi_app(self._app, environ))
        if not environ[DEFERRED]:
            answer.read()
        return answer

    async def _send_all(self, threads: Executor, send: Send, answer: "_Answer", refused: Receive | None) -> None:
        """Send an answer; `refused` is where the rest of a body comes from that was refused."""
        while not answer.closed:
            await _send(send, {"type": "http.response.body", "body": answer.piece, "more_body": True})
            await _in_thread(threads, answer.read)
        if refused:
            await _send(send, {"type": "http.response.body", "body": answer.piece, "more_body": True})
            await _linger(refused)
        await _send(send, {"type": "http.response.body", "body": b"" if refused else answer.piece})

    async def _stream(self, send: Send, what: Following) -> None:
        async for text in self._events.follow(what.job_id, what.after):
            await _send(send, {"type": "http.response.body", "body": text.encode(), "more_body": True})
        await _send(send, {"type": "http.response.body", "body": b""})


async def _in_thread(threads: Executor, function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(threads, function, *arguments)


def _without_underscores(scope: Scope) -> Scope:
    """Without the headers that a WSGI environment would take for others: `X_Forwarded_For` for `X-Forwarded-For`."""
    return scope | {"headers": [(name, value) for name, value in scope["headers"] if b"_" not in name]}


async def _send(send: Send, message: dict[str, Any]) -> None:
    """Send a part of an answer. A client that takes none of it for a minute is given up."""
    async with asyncio.timeout(SEND_SILENCE):
        await send(message)


async def _linger(receive: Receive) -> None:
    """Give a client whose body was refused the time to read so: closed at once, TCP would drop the answer with it."""
    loop, size = asyncio.get_running_loop(), 0
    end = loop.time() + LINGER
    while (left := end - loop.time()) > 0:
        if size > LINGER_BYTES:
            await asyncio.sleep(left)
            return
        try:
            message = await asyncio.wait_for(receive(), left)
        except TimeoutError:
            return
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])


async def _unless_gone(work: Coroutine[Any, Any, None], receive: Receive) -> bool:
    """Wait for some work, or for the client to leave; whether the work was done."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        for task in (working, leaving):
            task.cancel()
