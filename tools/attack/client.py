"""Clients of every kind, on one event loop: such as ask, such as follow, and such as only hold a connection."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HOST = "studio.example"  # the name that the studio is told to answer to
PATIENCE = 120.0  # seconds for an answer
LIMIT = 16 * 1024**2  # bytes of a line: results come as one

PAGE = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
ASYNC = {"Prefer": "respond-async"}


class Gone(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Answer:
    """What came back. `seconds` counts from the first try to connect to the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """A client as the studio sees it: `address` is what the trusted proxy says of it; empty is this machine itself."""

    port: int
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        """Send a request, JSON where there is a body, and wait for the whole answer. Raises Gone."""
        data = b"" if body is None else json.dumps(body).encode()
        more = {"Content-Type": "application/json"} if data else {}
        begin = time.perf_counter()
        async with self.sent(method, path, data, more | headers) as (reader, _):
            status, found = await head(reader)
            content = await asyncio.wait_for(reader.read(), PATIENCE)
        return Answer(status, found, content, time.perf_counter() - begin)

    @asynccontextmanager
    async def sent(
        self, method: str, path: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection on which a request was sent; in HTTP/1.0, so that the answer ends with the connection."""
        length = {"Content-Length": str(len(data))} if data or method != "GET" else {}
        async with connection(self.port) as (reader, writer):
            writer.write(self.lines(method, path, {**length, **(headers or {})}, "1.0") + b"\r\n" + data)
            await writer.drain()
            yield reader, writer

    def lines(self, method: str, path: str, headers: Mapping[str, str], version: str = "1.1") -> bytes:
        """The head of a request, without the empty line that ends it."""
        proxied = {"Host": HOST, "X-Forwarded-For": self.address} if self.address else {"Host": "127.0.0.1"}
        every = {**proxied, **self.headers, **headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in every.items())
        return f"{method} {path} HTTP/{version}\r\n{text}".encode()


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the studio, closed with the block. Raises Gone where there is none, or it breaks."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
        try:
            yield reader, writer
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
        raise Gone(str(error) or type(error).__name__) from None


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the headers of an answer, these by their names in small letters."""
    text = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    first, *rest = text.decode("latin1").split("\r\n")
    pairs = (line.partition(":") for line in rest if line)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def until_closed(reader: asyncio.StreamReader) -> None:
    """Return when the studio has ended a connection."""
    with suppress(OSError):
        while await reader.read(65536):
            pass


def strangers(port: int, count: int, network: str) -> list[Client]:
    """Clients with an address each, which begin with `network`, such as 198.51."""
    return [Client(port, f"{network}.{number // 250}.{number % 250 + 1}") for number in range(count)]
