"""Word between studios that share a PostgreSQL database (LISTEN and NOTIFY): something has happened to a search.

What is told is a hint only; the truth is in the tables, and who hears nothing looks there now and then.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

CHANNEL = "trendtok"
TELLER = "teller"  # in a session's `info`: who tells; there on PostgreSQL alone
LOOK_UP = 1.0  # seconds between two looks at whether the process is ending
RETRY = 2.0  # seconds until the next try to listen
# Where the other end is gone without a word, the connection is given up after about 15 s.
KEEP_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 15_000}

Heard = Callable[[str, str], None]  # (id of a search, its state; both empty where word may have been missed)


def tell(session: Session, job_id: str, state: str) -> None:
    """Let the other studios know, when this transaction is committed, that a search has news, and its state."""
    if teller := session.info.get(TELLER):
        told = {"channel": CHANNEL, "word": f"{teller} {job_id} {state}"}
        session.execute(text("SELECT pg_notify(:channel, :word)"), told)


class Listener:
    """Hears what other studios tell, on a connection of its own; where that is lost, it is opened again."""

    def __init__(self, engine: Engine, own_name: str, heard: Heard, stopping: threading.Event):
        self._engine, self._own_name, self._heard, self._stopping = engine, own_name, heard, stopping
        self.hears = False  # whether word arrives now

    def run(self) -> None:
        """Listen until the process ends."""
        import psycopg

        _, given = self._engine.dialect.create_connect_args(self._engine.url)
        address: dict[str, Any] = {**given, **KEEP_ALIVE, "autocommit": True}
        while not self._stopping.is_set():
            try:
                with psycopg.connect(**address) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self.hears = True
                    self._heard("", "")
                    self._listen(connection)
            except psycopg.Error as error:
                log.warning("other studios are not heard, and looked after every second: %s", str(error).strip())
            finally:
                self.hears = False
            self._stopping.wait(RETRY)

    def _listen(self, connection: Any) -> None:
        while not self._stopping.is_set():
            for notice in connection.notifies(timeout=LOOK_UP):
                teller, _, word = notice.payload.partition(" ")
                if teller != self._own_name:
                    job_id, _, state = word.partition(" ")
                    self._heard(job_id, state)
                if self._stopping.is_set():
                    return
