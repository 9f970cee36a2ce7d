"""The HTTP server: uvicorn on the event loop, with limits on what a client may hold before it has asked."""

import asyncio
import logging
import resource
import socket
import time
from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, ClassVar, cast

import uvicorn
from h11 import RemoteProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0  # from a connection, or from the first byte of a later request, to the end of its headers
KEEP_ALIVE = 15  # seconds between two requests on a connection
MAX_HEADERS = 32 * 1024  # bytes
SPARE_FILES = 128  # descriptors that connections leave to the rest of the process
MAX_CONNECTIONS = 4096
ADDRESS_SHARE = 4  # an address may hold this part of all connections
BACKLOG = 1024
HANDLES = 16
LAST_ANSWERS = 2  # seconds for answers under way when the server stops


def connection_limit() -> int:
    """How many connections are held at once: no more than the process has descriptors for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(MAX_CONNECTIONS, soft - SPARE_FILES))


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 for clients that are slow or many: headers must come in time, and nobody takes all connections.

    Loopback and trusted proxies are not counted by address: they stand for everybody.
    """

    by_address: ClassVar[Counter[str]] = Counter()
    proxies: ClassVar[tuple[IPv4Network | IPv6Network, ...]] = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_timer: asyncio.TimerHandle | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.by_address[self._address] += 1
        limit = connection_limit()
        crowded = not self._stands_for_many() and self.by_address[self._address] > limit // ADDRESS_SHARE
        if crowded or len(self.connections) > limit:
            transport.abort()
            return
        self._await_headers()

    def _stands_for_many(self) -> bool:
        try:
            address = ip_address(self._address)
        except ValueError:  # a socket of this machine
            return True
        return address.is_loopback or any(address in network for network in self.proxies)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self.by_address[self._address] -= 1
        if not self.by_address[self._address]:
            del self.by_address[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        if self._header_timer is None and (before is None or before.response_complete):
            self._await_headers()
        super().data_received(data)
        if self.cycle is not before:
            self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's; what a client broke in the middle of its body has had its answer, or gets none."""
        try:
            super().send_400_response(msg)
        except RemoteProtocolError:
            self.transport.close()

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._header_timer:
            self._header_timer.cancel()
            self._header_timer = None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError where the address is taken or not this machine's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, MAX_CONNECTIONS + SPARE_FILES)), hard))
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def handles(listening: socket.socket) -> list[socket.socket]:
    """Handles of a listening socket for the server to accept at: at each libuv takes one connection a turn of the loop.

    With one handle alone, hundreds who come at once wait for seconds.
    """
    return [listening, *(listening.dup() for _ in range(HANDLES - 1))]


class SparingFilter(logging.Filter):
    """Says once a minute, in a line, that there are no descriptors for more clients: asyncio says it for each."""

    said = -60.0  # seconds on the monotonic clock

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.getMessage().startswith("socket.accept() out of system resource"):
            return True
        if time.monotonic() - self.said < 60:
            return False
        self.said = time.monotonic()
        record.msg, record.args, record.exc_info = (
            "No more clients fit: too many files are open (see ulimit -n).",
            (),
            None,
        )
        return True


def open_server(app: Any, trusted_proxies: Sequence[str] = ()) -> uvicorn.Server:
    """The server of an ASGI application, which may be reached through some proxies (addresses or networks).

    `run([socket])` serves what arrives at a listening socket until `should_exit` is set. To be run outside the main
    thread: there uvicorn leaves signals alone, and searches have to reach a safe point before the server stops.
    """
    BoundedProtocol.proxies = tuple(map(ip_network, trusted_proxies))
    if not any(isinstance(there, SparingFilter) for there in logging.getLogger("asyncio").filters):
        logging.getLogger("asyncio").addFilter(SparingFilter())
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            loop="uvloop",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LAST_ANSWERS,
            h11_max_incomplete_event_size=MAX_HEADERS,
        )
    )
