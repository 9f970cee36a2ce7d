"""Everybody at once, for some time: followers, slow clients, searchers and readers."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from tools.attack.client import ASYNC, JSON, PAGE, Client, Gone, connection, head, strangers, until_closed
from tools.attack.machine import Watch
from tools.attack.promises import Line, all_of, at_least, in_time, none_of, times
from tools.attack.results import MUSIC_SECONDS, Judge
from tools.attack.studio import TAGS, Studio

ADDRESSES_OF_FOLLOWERS = 100
PAUSE = (0.5, 1.5)  # seconds that a reader looks at a page
DRIP = 1.0  # seconds between two bytes of a slow client
HELD = {"silent": 15.0, "headers": 15.0, "body": 40.0}  # seconds that the studio bears each: its limits and 5 to 10 s
PAGE_LIMIT = 1.0  # seconds at the 99th percentile
DRAIN = 1200.0  # seconds for the searches that wait when the time is up
FIRST_SEED = 10_000


@dataclass
class Crowd:
    """How many of each there are, for how many seconds, and what they have seen."""

    studio: Studio
    seconds: float
    followers: int = 500
    slow: int = 100
    searchers: int = 50
    readers: int = 50
    seed: int = FIRST_SEED
    judge: Judge = field(default_factory=Judge)
    chance: random.Random = field(default_factory=random.Random)
    live: dict[str, None] = field(default_factory=dict)  # the searches that are under way
    done: list[str] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    searched: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    held: dict[str, float] = field(default_factory=dict)  # the longest that a slow client was borne, by its kind
    streams: Counter[str] = field(default_factory=Counter)  # open, most, ended, lost
    accepted: int = 0
    ends_at: float = 0.0
    searching: int = 0

    async def run(self) -> list[Line]:
        """Let them all loose, wait until the last search has ended, and say what was seen."""
        watch = Watch(self.studio.pid)
        self.chance.seed(self.seed)
        self.ends_at, self.searching = time.monotonic() + self.seconds, self.searchers
        port = self.studio.port
        kinds = tuple(HELD)
        work: list[Coroutine[Any, Any, None]] = [
            *(self._search(one) for one in strangers(port, self.searchers, "10.1")),
            *(self._read(one) for one in strangers(port, self.readers, "10.2")),
            *(self._follow(one) for one in strangers(port, ADDRESSES_OF_FOLLOWERS, "10.3") * (self.followers // 100)),
            *(self._hold(one, kinds[number % 3]) for number, one in enumerate(strangers(port, self.slow, "10.4"))),
        ]
        await asyncio.wait_for(asyncio.gather(*work), self.seconds + DRAIN)
        return self._lines(watch)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at

    async def _search(self, client: Client) -> None:
        """Ask for one search after the other, follow each to its end as the page does, and look at what it made."""
        try:
            await asyncio.sleep(self.chance.random())
            while not self.is_over:
                self.seed += 1
                asked = {"tags": [TAGS[self.seed // 2 % len(TAGS)]], "seconds": MUSIC_SECONDS, "seed": self.seed // 2}
                await self._one_search(client, asked)
        finally:
            self.searching -= 1

    async def _one_search(self, client: Client, asked: dict[str, Any]) -> None:
        begin = time.monotonic()
        try:
            answer = await client.ask("/search", "POST", asked, **ASYNC)
            if answer.status != 202:
                self._refuse(answer.status, answer.headers)
                await asyncio.sleep(5)
                return
            job_id = answer.json()["id"]
            self.accepted += 1
            self.live[job_id] = None
            await self._stream(client, job_id)
            self.live.pop(job_id, None)
            job = (await client.ask(f"/jobs/{job_id}", **JSON)).json()
            self.searched.append(time.monotonic() - begin)
            self.wrong += await self.judge.problems(client, asked, job)
            self.done.append(job_id)
        except Gone as error:
            self.wrong.append(f"a search was lost: {error}")

    def _refuse(self, status: int, headers: Any) -> None:
        self.refused[status] += 1
        if status not in (429, 503) or "retry-after" not in headers:
            self.failures.append(f"a search was refused with {status}")

    async def _read(self, client: Client) -> None:
        """Look at one page after the other."""
        while not self.is_over:
            await asyncio.sleep(self.chance.uniform(*PAUSE))
            path = self.chance.choice(["/", "/history", *[f"/jobs/{job_id}" for job_id in self.done[-20:]]])
            try:
                answer = await client.ask(path, **PAGE)
                self.pages.append(answer.seconds)
                if answer.status != 200:
                    self.failures.append(f"{path} answered {answer.status}")
            except Gone as error:
                self.failures.append(f"{path} was lost: {error}")

    async def _follow(self, client: Client) -> None:
        """Follow one search of others after the other."""
        while self.searching or self.live:
            if not self.live:
                await asyncio.sleep(0.2)
                continue
            try:
                await self._stream(client, self.chance.choice(list(self.live)))
            except Gone as error:
                self.failures.append(f"a stream was lost: {error}")

    async def _stream(self, client: Client, job_id: str) -> None:
        """Follow a search to its end."""
        async with client.sent("GET", f"/jobs/{job_id}/events") as (reader, _):
            status, _ = await head(reader)
            if status != 200:
                self.failures.append(f"a stream was refused with {status}")
                await asyncio.sleep(3)
                return
            self.streams["open"] += 1
            self.streams["most"] = max(self.streams["most"], self.streams["open"])
            try:
                last = b""
                while line := await reader.readline():
                    last = line if line.startswith(b"data: ") else last
            finally:
                self.streams["open"] -= 1
            ended = last and json.loads(last[len(b"data: ") :])["state"] in ("done", "failed", "cancelled")
            self.streams["ended" if ended else "lost"] += 1

    async def _hold(self, client: Client, kind: str) -> None:
        """Hold a connection as long as the studio bears it, and then another one."""
        begun = {
            "silent": b"",
            "headers": client.lines("GET", "/", {}) + b"X-Slow: ",
            "body": client.lines("POST", "/search", {"Content-Type": "application/json", "Content-Length": "5000"})
            + b"\r\n{",
        }[kind]
        while not self.is_over:
            start = time.monotonic()
            try:
                async with connection(self.studio.port) as (reader, writer):
                    writer.write(begun)
                    closed = asyncio.create_task(until_closed(reader))
                    while not closed.done() and not self.is_over:
                        await asyncio.wait({closed}, timeout=DRIP)
                        if kind != "silent" and not closed.done():
                            writer.write(b"a")
                    closed.cancel()
            except Gone:
                await asyncio.sleep(0.1)
            self.held[kind] = max(self.held.get(kind, 0.0), time.monotonic() - start)

    def _lines(self, watch: Watch) -> list[Line]:
        right = self.accepted - len(self.wrong)
        middle = sorted(self.searched)[len(self.searched) // 2] if self.searched else 0.0
        held = [
            in_time(f"a slow client ({kind}) is borne for", self.held.get(kind, 0.0), limit, watch.is_fair())
            for kind, limit in HELD.items()
        ]
        return [
            *times("pages", self.pages, PAGE_LIMIT, watch.is_fair()),
            Line("  the processors' time that others took meanwhile", f"{watch.others():.0%}"),
            all_of("searches accepted that were right", right, self.accepted),
            *([none_of("  what was wrong", self.wrong)] if self.wrong else []),
            Line("searches refused, with when to come again", str(sum(self.refused.values()))),
            Line("from asking to the result, median", f"{middle:.1f} s"),
            at_least("streams open at once", self.streams["most"], self.followers),
            all_of(
                "streams that were told the end", self.streams["ended"], self.streams["ended"] + self.streams["lost"]
            ),
            *held,
            none_of("requests that failed", self.failures),
        ]
