"""Waiting for what must happen soon, and ports to serve on, for tests and benches."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(condition: Callable[[], Found], seconds: float = 30.0) -> Found:
    """Wait until a condition holds, and return what it gave. Raises AssertionError where it does not in time."""
    begun = time.monotonic()
    while not (found := condition()):
        waited = time.monotonic() - begun
        if waited >= seconds:
            raise AssertionError("it did not happen in time")
        time.sleep(min(max(0.01, waited / 20), 0.1))  # to ask takes time from what is waited for
    return found


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
