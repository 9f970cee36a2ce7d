"""What is stored of searches: the jobs and their events, in SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import JSON, Engine, ForeignKey, String, create_engine, event, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from settings import ROOT, Settings

SCHEMA = "0001"  # the newest of migrations/versions
BUSY_SECONDS = 30  # how long SQLite waits for another writer

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)


class Base(DeclarativeBase):
    pass


class Job(Base):
    """A search. Times are POSIX seconds; `key` is the same for searches that ask the same.

    `made` holds what each stage has made, `events` counts the job's events, `starts` how often it was begun, `owner` is
    the instance that runs it.
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
    """Sessions on the database of the settings, its schema brought up to date."""

    def __init__(self, settings: Settings):
        self.engine = _connect(settings)
        _migrate(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        with self._sessions() as session, session.begin():
            yield session

    def close(self) -> None:
        self.engine.dispose()


def _connect(settings: Settings) -> Engine:
    if settings.database_url:
        url = settings.database_url
    else:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{settings.data_dir / 'studio.db'}"
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
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


def _migrate(engine):
    """Bring the schema up to date. Alembic is only loaded where there is something to do."""
    if _schema(engine) == SCHEMA:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _schema(engine):
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def add_event(session: Session, job: Job, data: dict) -> None:
    """Note that something happened to a job."""
    job.events = (job.events or 0) + 1
    session.add(JobEvent(job_id=job.id, number=job.events, data=data))
