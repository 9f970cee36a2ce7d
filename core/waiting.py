"""Waiting for a lock while asking, some times a second, whether it is still worth while."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK = 0.25  # seconds between two looks at the clock and at whether the search was called off


@contextmanager
def hold(
    lock: "threading.Lock | threading.Semaphore", check: Callable[[], None], deadline: float = math.inf
) -> Iterator[None]:
    """Hold a lock, or a place of a semaphore.

    While others hold it, `check` is called some times a second, and whatever it raises goes through. Raises
    TimeoutError at `deadline` (by time.monotonic).
    """
    while not lock.acquire(timeout=max(0.0, min(TICK, deadline - time.monotonic()))):
        check()
        if time.monotonic() >= deadline:
            raise TimeoutError
    try:
        yield
    finally:
        lock.release()
