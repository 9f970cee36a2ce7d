"""One kind of attack at a time, and how the page answers meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tools.attack.client import ASYNC, PAGE, Client, Gone, connection, head, strangers, until_closed
from tools.attack.machine import Watch
from tools.attack.promises import Line, all_of, at_most, in_time, none_of, times
from tools.attack.studio import MIB, Studio

STREAMS, WAITING, HALF_SENT, SILENT = 500, 256, 511, 512
AHEAD = 8  # searches before the one that is followed, which take some seconds
LOOKS = 200  # at the page
PAGE_LIMIT = 1.0  # seconds
HEADERS_LIMIT = 10.0 + 5.0  # seconds: web.server.HEADER_SECONDS, and what a busy machine adds
LARGE = 399 * MIB
FLOOD = 110


async def run(studio: Studio) -> list[Line]:
    """All of them, one after the other."""
    lines = await _page("nobody else", studio)
    for attack in (_streams, _waiting, _half_sent, _silent, _large_bodies, _flood):
        try:
            lines += await attack(studio)
        except Gone as error:
            lines.append(Line(attack.__name__.strip("_").replace("_", " "), f"lost: {error}", "answers", False))
    return lines


async def _page(while_: str, studio: Studio) -> list[Line]:
    """Look at the page some times, as a visitor of its own."""
    visitor, watch = Client(studio.port, "203.0.113.1", PAGE), Watch(studio.pid)
    answers = [await visitor.ask("/") for _ in range(LOOKS)]
    failed = [answer.status for answer in answers if answer.status != 200]
    name = f"the page, with {while_}"
    return [
        *times(name, [answer.seconds for answer in answers], PAGE_LIMIT, watch.is_fair()),
        *([none_of(name, failed)] if failed else []),
    ]


@asynccontextmanager
async def _last_in_the_queue(studio: Studio) -> AsyncIterator[tuple[Client, dict[str, Any], dict[str, Any]]]:
    """A search that waits behind others: who asked for it, what was asked, what was answered; called off at the end."""
    tokens, local = [], Client(studio.port)
    for seed in range(AHEAD + 1):
        asked = {"tags": ["AI"], "seconds": 30, "seed": 1_000_000 + seed}
        answer = await local.ask("/search", "POST", asked, **ASYNC)
        tokens.append(answer.json())
    maker = Client(studio.port, headers={"Cookie": answer.headers["set-cookie"].split(";")[0]})
    try:
        yield maker, asked, answer.json()
    finally:
        await call_off(local, reversed(tokens))


async def call_off(client: Client, made: Any) -> None:
    for one in made:
        await client.ask(f"/jobs/{one['id']}", "DELETE", Authorization=f"Bearer {one['token']}")


async def _streams(studio: Studio) -> list[Line]:
    async with _last_in_the_queue(studio) as (_, _, job), AsyncExitStack() as stack:
        followers = strangers(studio.port, STREAMS // 5, "198.51")
        opened = [
            await stack.enter_async_context(client.sent("GET", f"/jobs/{job['id']}/events"))
            for client in followers
            for _ in range(5)
        ]
        statuses = [(await head(reader))[0] for reader, _ in opened]
        lines = await _page(f"{STREAMS} open streams", studio)
        alive = [reader for reader, _ in opened if not reader.at_eof()]
    return [*lines, all_of("streams that are open all the while", len(alive) * (set(statuses) == {200}), STREAMS)]


async def _waiting(studio: Studio) -> list[Line]:
    async with _last_in_the_queue(studio) as (maker, asked, _):
        waiting = [asyncio.create_task(maker.ask("/search", "POST", asked)) for _ in range(WAITING)]
        await asyncio.sleep(2.0)
        lines = await _page(f"{WAITING} waiting POST /search", studio)
        early = sum(task.done() for task in waiting)
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    told = [answer for answer in answers if not isinstance(answer, BaseException) and answer.status == 409]
    return [*lines, all_of("those who waited and were told that it was called off", len(told) * (not early), WAITING)]


async def _half_sent(studio: Studio) -> list[Line]:
    begun = Client(studio.port, "198.51.100.1").lines("GET", "/", {})
    return await _holding(studio, f"{HALF_SENT} half-sent requests", HALF_SENT, begun)


async def _silent(studio: Studio) -> list[Line]:
    return await _holding(studio, f"{SILENT} silent sockets", SILENT, b"")


async def _holding(studio: Studio, name: str, count: int, begun: bytes) -> list[Line]:
    """The page beside connections that are never finished, and how long these are held at most."""
    start, watch = time.monotonic(), Watch(studio.pid)
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(count):
            reader, writer = await stack.enter_async_context(connection(studio.port))
            writer.write(begun)
            readers.append(reader)
        lines = await _page(name, studio)
        await asyncio.gather(*map(until_closed, readers))
    seconds = time.monotonic() - start
    return [*lines, in_time(f"until the last of {name} was ended", seconds, HEADERS_LIMIT + 5, watch.is_fair())]


async def _large_bodies(studio: Studio) -> list[Line]:
    """Bodies where none belongs: one that says how large it is, and one that does not."""
    client = Client(studio.port, "198.51.100.2")
    declared = client.lines("POST", "/jobs/abc/delete", {"Content-Length": str(LARGE)}) + b"\r\n"
    chunked = client.lines("POST", "/nowhere", {"Transfer-Encoding": "chunked"}) + b"\r\n"
    piece = b"%x\r\n" % MIB + bytes(MIB) + b"\r\n"
    lines = []
    for name, first, part in (("399 MB, said before", declared, bytes(MIB)), ("399 MB in pieces", chunked, piece)):
        status, sent, on_disk = await _push(studio, first, part)
        lines.append(Line(f"a body of {name}, to where none belongs", f"{status}", "413", status == 413))
        lines.append(at_most("  of it taken, and then on the disk", max(sent, on_disk) / MIB, 20, "MB"))
    return lines


async def _push(studio: Studio, first: bytes, part: bytes) -> tuple[int, int, int]:
    """Send a body until it is refused: the status, how many bytes were sent, and how many lay on the disk at most."""
    sent = on_disk = 0
    async with connection(studio.port) as (reader, writer):
        writer.write(first)
        answer = asyncio.create_task(head(reader))
        try:
            while not answer.done() and sent < LARGE:
                writer.write(part)
                await asyncio.wait_for(writer.drain(), 5)
                sent += len(part)
                on_disk = max(on_disk, studio.temporary_bytes())
                await asyncio.sleep(0)
        except OSError:
            pass
        status, _ = await answer
    return status, sent, on_disk


async def _flood(studio: Studio) -> list[Line]:
    """Searches by the dozen from one address, each as a new visitor; and then somebody else."""
    greedy, other = Client(studio.port, "198.51.100.3"), Client(studio.port, "198.51.100.4")
    asks = [
        greedy.ask("/search", "POST", {"tags": ["AI"], "seconds": 30, "seed": 2_000_000 + number}, **ASYNC)
        for number in range(FLOOD)
    ]
    answers = await asyncio.gather(*asks)
    taken = [answer.json() for answer in answers if answer.status == 202]
    after = await other.ask("/search", "POST", {"tags": ["AI"], "seed": 3_000_000}, **ASYNC)
    await call_off(Client(studio.port), [*taken, *([after.json()] if after.status == 202 else [])])
    refused = [answer for answer in answers if answer.status != 202]
    return [
        at_most(f"of {FLOOD} searches of one address taken", len(taken), 20),
        all_of("  refused with 429 and when to come again", _polite(refused), len(refused)),
        Line("  and a search of somebody else then", str(after.status), "202", after.status == 202),
    ]


def _polite(refused: Sequence[Any]) -> int:
    return sum(answer.status == 429 and int(answer.headers.get("retry-after", 0)) >= 1 for answer in refused)
