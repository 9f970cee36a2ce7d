"""A circuit breaker: a service that failed several times in a row is left alone for a while.

Pattern: https://martinfowler.com/bliki/CircuitBreaker.html
"""

import threading
import time

from core.engines import EngineError


class Breaker:
    """Shared by all threads that ask one service: opens after `max_failures` in a row, for `rest` seconds.

    After its rest the service is asked again; one more failure opens the breaker at once, a success resets it.
    """

    def __init__(self, max_failures: int, rest: float) -> None:
        self._max_failures, self._rest = max_failures, rest
        self._lock = threading.Lock()
        self._failures, self._reason, self._open_until = 0, "", 0.0

    def check(self) -> None:
        """Raise EngineError, with the reason of the last failure, while the service is left alone."""
        with self._lock:
            if time.monotonic() < self._open_until:
                raise EngineError(self._reason)

    def failed(self, error: EngineError) -> None:
        with self._lock:
            self._failures, self._reason = self._failures + 1, str(error)
            if self._failures >= self._max_failures:
                self._open_until = time.monotonic() + self._rest

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._open_until = 0, 0.0
