"""Waiting for stages that run in a pool, while the search may be called off."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any

from pipeline.progress import Progress

TICK = 0.25  # seconds between two looks at whether a waiting search was called off
TOLD_AFTER = 1.0  # seconds that a stage waits before that is told


def as_finished(
    progress: Progress, futures: Iterable[Future[Any]], waits: str = "Waiting for a device"
) -> Iterator[Future[Any]]:
    """Yield each future when it is done; meanwhile look whether the search may go on, and tell that it waits."""
    waiting, began = set(futures), time.monotonic()
    while waiting:
        finished, waiting = wait(waiting, TICK, FIRST_COMPLETED)
        yield from finished
        progress.check()
        if waiting and time.monotonic() - began > TOLD_AFTER:
            progress.waits(waits)


@contextmanager
def dropped_on_error(futures: Iterable[Future[Any]]) -> Iterator[None]:
    """When the block raises, drop what has not started, and call off what runs elsewhere."""
    try:
        yield
    except BaseException:
        for future in futures:
            future.cancel()
        raise
