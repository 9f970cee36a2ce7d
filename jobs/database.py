"""Transactions on the database of searches: SQLite or PostgreSQL."""

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from jobs import notices
from settings import ROOT, Settings, SettingsError

SCHEMA = "0004"  # the newest of migrations/versions
SQLITE_CONNECTIONS = 24  # kept open: one for each thread that serves, and for those that search
BUSY_SECONDS = 30  # how long SQLite waits for another writer
# Any numbers: the names of the locks that those who write, or claim, take in turn on PostgreSQL.
WRITERS, CLAIMS = 0x7265656C73, 0x7265656C74


class Store:
    """Transactions on the database of the settings, its schema brought up to date.

    Raises SettingsError where the database cannot be opened, or is of a newer version of the studio.
    """

    def __init__(self, settings: Settings):
        self.engine = _connect(settings)
        self.is_shared = self.engine.dialect.name == "postgresql"
        self.name = secrets.token_hex(4)  # of this process among the studios
        # Who else is told of own videos that are gone, by the SHA-256 of their contents: a cluster's workers.
        self.tell_gone: Callable[[Collection[str]], None] = lambda _contents: None
        info = {notices.TELLER: self.name} if self.is_shared else {}
        self._writing = sessionmaker(self.engine, expire_on_commit=False, info=info)
        claiming = self.engine.execution_options(turn=CLAIMS)
        self._claiming = sessionmaker(claiming, expire_on_commit=False, info=info)
        self._reading = sessionmaker(self.engine.execution_options(reading=True), expire_on_commit=False)
        try:
            _migrate(self.engine)
        except OperationalError as error:
            raise SettingsError(f"DATABASE_URL: the database cannot be opened: {error.orig}") from error

    def transaction(self) -> AbstractContextManager[Session]:
        """A transaction that may write: committed at the end of the block, rolled back when it raises.

        No two of them overlap, those of other instances included: what one has read is true until it ends.
        """
        return _session(self._writing)

    def claiming(self) -> AbstractContextManager[Session]:
        """A transaction that takes a search off the queue: it waits for others that do, and not for who else writes.

        On SQLite, which has one writer at a time, it is as every other. Rows are to be locked by what reads them.
        """
        return _session(self._claiming)

    def reading(self) -> AbstractContextManager[Session]:
        """A transaction that only reads: it waits for nobody."""
        return _session(self._reading)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as session, session.begin():
        session.connection()  # begin now, not at the first statement
        yield session


def _connect(settings: Settings) -> Engine:
    url = settings.database_url
    if not url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{settings.data_dir / 'studio.db'}"
    try:
        engine = create_engine(url, **_pool_options(make_url(url)))
    except (ArgumentError, NoSuchModuleError, ImportError):
        example = "postgresql+psycopg://user:password@host/database"
        raise SettingsError(f"DATABASE_URL: give an address such as {example}") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _pool_options(url: URL) -> dict[str, Any]:
    """A server may have closed a connection meanwhile; SQLite never does, and a connection to a file costs little."""
    if url.get_backend_name() == "sqlite":
        return {"pool_size": SQLITE_CONNECTIONS}
    return {"pool_pre_ping": True}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Write-ahead log, so that readers wait for nobody; foreign keys; and transactions that are ours to begin.

    The driver's own BEGIN would take the write lock at the first write only, and fail where another got it in between
    (SQLAlchemy documentation, "Serializable isolation / Savepoints / Transactional DDL" of the SQLite dialect).
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin a transaction. SQLite has one writer at a time; a lock makes PostgreSQL's writers take turns as well."""
    options = connection.get_execution_options()
    reading, turn = options.get("reading", False), options.get("turn", WRITERS)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
    elif not reading:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({turn})")


def hold_claims(session: Session) -> None:
    """Let nobody claim a search until this transaction has ended."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({CLAIMS})"))


def now(session: Session) -> float:
    """POSIX seconds by the clock that all instances of a database share: PostgreSQL's own, not each machine's."""
    if session.get_bind().dialect.name == "postgresql":
        return float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")))
    return time.time()


def _migrate(engine: Engine) -> None:
    """Bring the schema up to date. Alembic is only loaded where there is something to do."""
    found = _schema(engine)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        raise SettingsError(f"DATABASE_URL: the database is of a newer version of the studio (schema {found})")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "jobs/migrations").replace("%", "%%"))
    with engine.begin() as connection:  # whoever comes second waits here, and finds nothing left to do
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _schema(engine: Engine) -> str | None:
    with engine.execution_options(reading=True).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
