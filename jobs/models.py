"""What is stored: the jobs, their events, which uploads they use, and the API keys."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, Dialect, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from jobs import notices
from pipeline import Query, StageResult

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)


class Typed(TypeDecorator[Any]):
    """A JSON column that gives and takes values of a type, checked by pydantic."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any):
        super().__init__()
        self.kind = kind
        self._adapter = TypeAdapter(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return self._adapter.validate_python(value)


class Base(DeclarativeBase):
    pass


class Job(Base):
    """A search. Times are POSIX seconds; `key` is the same for searches that ask the same.

    `results` holds what each stage has made, `events` counts the job's events, `attempts` how often it was begun,
    `visitor` is who made it: a session's visitor, or an API key. `address` stands for where it came from, and is empty
    on this machine (see web.client). `owner` is the instance that runs it, which holds its lease by a heartbeat.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(32), index=True)
    address: Mapped[str] = mapped_column(String(64), default="")
    key: Mapped[str] = mapped_column(String(64), index=True)
    query: Mapped[Query] = mapped_column(Typed(Query))
    name: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), index=True)
    stage: Mapped[str | None] = mapped_column(String(20))
    progress: Mapped[float] = mapped_column(default=0.0)
    events: Mapped[int] = mapped_column(default=0)
    results: Mapped[dict[str, StageResult]] = mapped_column(Typed(dict[str, StageResult]), default=dict)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    owner: Mapped[str | None] = mapped_column(String(32))
    heartbeat_at: Mapped[float] = mapped_column(default=0.0)
    attempts: Mapped[int] = mapped_column(default=0)
    created: Mapped[float]
    started: Mapped[float | None]
    ended: Mapped[float | None]


class JobEvent(Base):
    """Something that happened to a job; numbers count from 1 without gaps."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class Upload(Base):
    """That a job uses a visitor's own video, kept under `key`."""

    __tablename__ = "uploads"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True, index=True)


class ApiKey(Base):
    """A key that programs and people sign in with. Only its hash is kept; `revoked` is when it was withdrawn."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(64), unique=True, index=True)
    created: Mapped[float]
    revoked: Mapped[float | None]


def add_event(session: Session, job: Job, data: dict[str, Any]) -> None:
    """Note that something happened to a job, and let other studios know."""
    job.events = (job.events or 0) + 1
    session.add(JobEvent(job_id=job.id, number=job.events, data=data))
    notices.tell(session, job.id, str(data.get("state", "")))
