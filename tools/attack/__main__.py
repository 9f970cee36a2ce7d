"""Attack a studio of its own with all that a public address brings: `make attack`. It fails where a promise is broken.

First one kind of attack at a time, then everybody at once; then what the process still holds is compared with what it
held before.
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.database import SQLITE_CONNECTIONS
from tools.attack import probes
from tools.attack.crowd import Crowd
from tools.attack.promises import Line, at_most, none_of, show, told_only
from tools.attack.studio import Held, Studio, running

ROUNDS = {"short": 20.0, "whole": 120.0}  # seconds of everybody at once
FIRST = 8.0  # seconds of a smaller crowd, in which all is loaded
SETTLE = 30.0  # seconds for connections that are kept, and for threads, to go
GROWTH = 1.15  # of the memory before


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.attack", description=__doc__)
    parser.add_argument("round", nargs="?", choices=tuple(ROUNDS), default="whole")
    chosen = parser.parse_args().round
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trendtok-attack-") as folder, running(Path(folder)) as studio:
        lines = asyncio.run(attack(studio, ROUNDS[chosen], told_only if chosen == "short" else list))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{os.cpu_count()} processors, load {load} at the end, {time.monotonic() - begin:.0f} s in all")
    broken = [line.what for line in lines if line.kept is False]
    sys.exit(f"Broken promises: {', '.join(broken)}" if broken else 0)


async def attack(studio: Studio, seconds: float, judged: Callable[[Sequence[Line]], list[Line]]) -> list[Line]:
    """Attack a studio and show what was measured; returns all lines of the table. `judged` says what is."""
    await Crowd(studio, FIRST, followers=100, slow=10, searchers=10, readers=50, seed=100).run()
    alone = judged(await probes.run(studio))
    show("One at a time", alone)
    before = await rest(studio)
    crowd = Crowd(studio, seconds)
    together = judged(await crowd.run())
    show(
        f"Together, for {seconds:.0f} s: {crowd.followers} streams, {crowd.slow} slow, {crowd.searchers} searching, "
        f"{crowd.readers} reading",
        together,
    )
    after = flat(before, await rest(studio), studio)
    show("What is left of it", after)
    return [*alone, *together, *after]


async def rest(studio: Studio) -> Held:
    """What the process holds when it has nothing to do: the least within some seconds."""
    least, deadline = studio.held(), time.monotonic() + SETTLE
    while time.monotonic() < deadline:
        await asyncio.sleep(1)
        now = studio.held()
        pairs = zip(vars(least).values(), vars(now).values(), strict=True)
        least = Held(*(min(pair) for pair in pairs))
    return least


def flat(before: Held, after: Held, studio: Studio) -> list[Line]:
    """That the process holds what it held before."""
    return [
        Line("memory before and after", f"{before.memory:.0f} MB, {after.memory:.0f} MB"),
        at_most("  times as much", after.memory / before.memory, GROWTH),
        at_most("threads more than before", after.threads - before.threads, 2),
        at_most("connections to the database", after.connections, SQLITE_CONNECTIONS),
        at_most("other descriptors more than before", after.descriptors - before.descriptors, 4),
        at_most("programs that still run", after.children, 0),
        at_most("bytes of requests still on the disk", studio.temporary_bytes(), 0),
        none_of("errors in the log", studio.complaints()),
    ]


if __name__ == "__main__":
    main()
