"""A small TCP proxy in front of several studios: connections in turn, past studios that are gone.

For `make cluster` alone. A real one ends https, names the visitor in X-Forwarded-For, and is nginx, Caddy or HAProxy.
"""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Iterator, Sequence

CHUNK = 64 * 1024  # bytes


async def serve(port: int, studios: Sequence[int]) -> None:
    """Pass connections at `port` on to the ports of `studios`, all on the loopback, until cancelled."""
    turns = itertools.count()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turns)
        studio = await _connect(studios[(first + step) % len(studios)] for step in range(len(studios)))
        try:
            if studio is not None:
                await asyncio.gather(_copy(reader, studio[1]), _copy(studio[0], writer))
        finally:
            for end in (writer, *(studio[1:] if studio else ())):
                end.close()

    server = await asyncio.start_server(passed_on, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


async def _connect(ports: Iterator[int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """A connection to the first of some ports that takes one."""
    for port in ports:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port)
    return None


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            target.write(chunk)
            await target.drain()
        target.write_eof()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
