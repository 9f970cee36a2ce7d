"""Counts of what clients ask, in this process or in the database that studios share: storages of the library `limits`.

The database's table is no part of the schema: it holds what is forgotten within an hour, is made where it is missing,
and is not logged, so that a crash of the database empties it.
"""

import secrets
import threading
import time
from typing import Any

from limits.storage import Storage
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

DATABASE, PROCESS = "database://", "process://"  # their names for the library
SWEEP_EVERY = 500  # counts, on average, between two removals of what has expired

_NOW = "extract(epoch FROM clock_timestamp())"
_TABLE = text(
    "CREATE UNLOGGED TABLE IF NOT EXISTS rate_counts "
    "(key text PRIMARY KEY, count bigint NOT NULL, expires double precision NOT NULL)"
)
_COUNT = text(f"""
    INSERT INTO rate_counts AS old (key, count, expires) VALUES (:key, :amount, {_NOW} + :expiry)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN old.expires <= {_NOW} THEN excluded.count ELSE old.count + excluded.count END,
        expires = CASE WHEN old.expires <= {_NOW} THEN excluded.expires ELSE old.expires END
    RETURNING count""")  # noqa: S608 # nosec B608 nothing in it comes from outside
_GET = text(f"SELECT count, expires FROM rate_counts WHERE key = :key AND expires > {_NOW}")  # noqa: S608 # nosec B608
_SWEEP = text(f"DELETE FROM rate_counts WHERE expires <= {_NOW}")  # noqa: S608 # nosec B608


class DatabaseCounts(Storage):
    """Counts by key, each for a time that begins with its first. `engine` is that of jobs.database.Store."""

    STORAGE_SCHEME = ["database"]  # noqa: RUF012 the library's own declaration

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, engine: Engine | None = None, **_: Any):
        super().__init__(uri, wrap_exceptions)
        if engine is None:
            raise ValueError("an engine is needed")
        with engine.begin() as connection:  # studios that start at once take turns
            connection.execute(_TABLE)
        self._engine = engine.execution_options(reading=True)  # counts wait for no writer of searches

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        with self._engine.begin() as connection:
            if secrets.randbelow(SWEEP_EVERY) == 0:
                connection.execute(_SWEEP)
            counted: int = connection.execute(_COUNT, {"key": key, "amount": amount, "expiry": expiry}).scalar_one()
            return counted

    def get(self, key: str) -> int:
        with self._engine.begin() as connection:
            found = connection.execute(_GET, {"key": key}).first()
            return int(found[0]) if found else 0

    def get_expiry(self, key: str) -> float:
        with self._engine.begin() as connection:
            found = connection.execute(_GET, {"key": key}).first()
            return float(found[1]) if found else 0.0

    def check(self) -> bool:
        try:
            self.get("")
        except SQLAlchemyError:
            return False
        return True

    def reset(self) -> int | None:
        with self._engine.begin() as connection:
            return connection.execute(text("DELETE FROM rate_counts")).rowcount

    def clear(self, key: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(text("DELETE FROM rate_counts WHERE key = :key"), {"key": key})


class ProcessCounts(Storage):
    """The same within this process.

    The library's own goes by a clock that may be set back, and starts a thread at nearly every request.
    """

    STORAGE_SCHEME = ["process"]  # noqa: RUF012 the library's own declaration

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_: Any):
        super().__init__(uri, wrap_exceptions)
        self._counts: dict[str, tuple[int, float]] = {}  # how many, and until when on the monotonic clock
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._lock:
            now = time.monotonic()
            if secrets.randbelow(SWEEP_EVERY) == 0:
                self._counts = {name: found for name, found in self._counts.items() if found[1] > now}
            count, ends = self._counts.get(key, (0, now))
            self._counts[key] = (count + amount, ends) if ends > now else (amount, now + expiry)
            return self._counts[key][0]

    def get(self, key: str) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        _, ends = self._counts.get(key, (0, 0.0))
        return time.time() + ends - time.monotonic()

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._lock:
            gone, self._counts = len(self._counts), {}
            return gone

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)
