"""What is stored of searches: the jobs and their events, in SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import JSON, Engine, ForeignKey, String, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from settings import ROOT, Settings, SettingsError

SCHEMA = "0002"  # the newest of migrations/versions
BUSY_SECONDS = 30  # how long SQLite waits for another writer
WRITERS = 0x7265656C73  # any number: the name of the lock that PostgreSQL's writers take in turn

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)


class Base(DeclarativeBase):
    pass


class Job(Base):
    """A search. Times are POSIX seconds; `key` is the same for searches that ask the same.

    `made` holds what each stage has made, `events` counts the job's events, `starts` how often it was begun, `owner` is
    the instance that runs it, which at `alive` last said that it still does.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(32), index=True)
    key: Mapped[str] = mapped_column(String(64), index=True)
    query: Mapped[dict] = mapped_column(JSON)
    name: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), index=True)
    stage: Mapped[str | None] = mapped_column(String(20))
    progress: Mapped[float] = mapped_column(default=0.0)
    events: Mapped[int] = mapped_column(default=0)
    made: Mapped[dict] = mapped_column(JSON, default=dict)
    error: Mapped[dict | None] = mapped_column(JSON)
    owner: Mapped[str | None] = mapped_column(String(32))
    alive: Mapped[float] = mapped_column(default=0.0)
    starts: Mapped[int] = mapped_column(default=0)
    created: Mapped[float]
    started: Mapped[float | None]
    ended: Mapped[float | None]


class JobEvent(Base):
    """Something that happened to a job; numbers count from 1 without gaps."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict] = mapped_column(JSON)


class Store:
    """Transactions on the database of the settings, its schema brought up to date.

    Raises SettingsError where the database cannot be opened, or is of a newer version of the studio.
    """

    def __init__(self, settings: Settings):
        self.engine = _connect(settings)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
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

    def reading(self) -> AbstractContextManager[Session]:
        """A transaction that only reads: it waits for nobody."""
        return _session(self._reading)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _session(sessions) -> Iterator[Session]:
    with sessions() as session, session.begin():
        session.connection()  # begin now, not at the first statement
        yield session


def _connect(settings: Settings) -> Engine:
    url = settings.database_url
    if not url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{settings.data_dir / 'studio.db'}"
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError):
        example = "postgresql+psycopg://user:password@host/database"
        raise SettingsError(f"DATABASE_URL: give an address such as {example}") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection, _record):
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


def _begin(connection):
    """Begin a transaction. SQLite has one writer at a time; a lock makes PostgreSQL's writers take turns as well."""
    reading = connection.get_execution_options().get("reading", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
    elif not reading:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")


def _migrate(engine):
    """Bring the schema up to date. Alembic is only loaded where there is something to do."""
    found = _schema(engine)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        raise SettingsError(f"DATABASE_URL: the database is of a newer version of the studio (schema {found})")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    with engine.begin() as connection:  # whoever comes second waits here, and finds nothing left to do
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _schema(engine):
    with engine.execution_options(reading=True).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def add_event(session: Session, job: Job, data: dict) -> None:
    """Note that something happened to a job."""
    job.events = (job.events or 0) + 1
    session.add(JobEvent(job_id=job.id, number=job.events, data=data))
