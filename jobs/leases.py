"""Who runs a job: an instance holds what it runs by a heartbeat, and what it no longer runs goes back to the queue."""

import fcntl
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import IO, Any

from sqlalchemy import ColumnElement, SQLColumnExpression, Subquery, and_, case, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core import metrics
from jobs.database import Store, hold_claims, now
from jobs.models import DONE, FAILED, QUEUED, RUNNING, Job, add_event
from settings import Settings, SettingsError

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 2  # a job that was running when the process died this often is not tried again
HEARTBEAT_SECONDS = 5.0  # between two signs of life
TRIES = 8  # searches that are looked at for a claim, where others hold those before them
LEASE_SECONDS = 30.0  # after its last heartbeat until an instance counts as gone


def hold_data_dir(settings: Settings) -> tuple[IO[str], str]:
    """Hold DATA_DIR for as long as the process lives: the open file that does, and the id of this instance.

    The id is made once and kept: it tells the jobs that this instance was running from those of others. Raises
    SettingsError where another process holds it.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = (settings.data_dir / "instance_id").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SettingsError(f"DATA_DIR={settings.data_dir}: another studio runs there; give this one its own") from None
    file.seek(0)
    owner = file.read()
    if not owner:
        owner = secrets.token_hex(16)
        file.write(owner)
        file.flush()
    return file, owner


def claim(session: Session, owner: str) -> Job | None:
    """Take the job whose turn it is, if there is one; one that is just being called off is passed over."""
    for job_id in _in_turn(session, owner):
        free = select(Job).where(Job.id == job_id, Job.state == QUEUED).with_for_update(skip_locked=True)
        if job := session.scalar(free):
            return _begun(session, job, owner)
    return None


def _begun(session: Session, job: Job, owner: str) -> Job:
    """The job, taken."""
    job.state, job.owner, job.attempts = RUNNING, owner, job.attempts + 1
    job.started, job.heartbeat_at = time.time(), now(session)
    add_event(session, job, {"state": RUNNING, "progress": job.progress})
    return job


def _in_turn(session: Session, owner: str) -> list[str]:
    """The first that may begin, in turn: of the address with the fewest running, then of its visitor with the fewest.

    Between equals, whoever was served longest ago is first. A visitor on this machine counts as an address.

    One that runs already for another visitor is waited for: then all of it is there. One that was running when the
    process died runs alone, so that it is known next time which one it was.
    """
    columns = (Job.visitor, Job.address, Job.key, Job.owner, Job.attempts)
    running = session.execute(select(*columns).where(Job.state == RUNNING)).all()
    here = [job for job in running if job.owner == owner]
    if any(job.attempts > 1 for job in here):
        return []
    may_begin = (Job.state == QUEUED, Job.key.not_in({job.key for job in running}))
    suspect = select(Job.id).where(*may_begin, Job.attempts > 0).order_by(Job.created).limit(1)
    if suspects := list(session.scalars(suspect)):
        return [] if here else suspects
    busy = Counter(name for job in running for name in {job.address or job.visitor, job.visitor})
    visitor, address = _last_served(Job.visitor), _last_served(Job.address)
    name = case((Job.address != "", Job.address), else_=Job.visitor)
    served = case((Job.address != "", address.c.at), else_=visitor.c.at)
    turn = (
        _number_of(busy, name),
        _number_of(busy, Job.visitor),
        *(func.coalesce(at, 0) for at in (served, visitor.c.at)),
    )
    queued = select(Job.id).where(*may_begin).order_by(*turn, Job.created).limit(TRIES)
    queued = queued.outerjoin(visitor, visitor.c.name == Job.visitor).outerjoin(address, address.c.name == Job.address)
    return list(session.scalars(queued))


def _number_of(busy: Counter[str], name: SQLColumnExpression[str]) -> ColumnElement[int]:
    """How many searches run for a visitor or an address."""
    return case(dict(busy), value=name, else_=0) if busy else literal(0)


def _last_served(column: InstrumentedAttribute[str]) -> Subquery:
    """When a search of each visitor, or of each address, was last begun."""
    named = select(column.label("name"), func.max(Job.started).label("at"))
    return named.where(Job.started.is_not(None), column != "").group_by(column).subquery()


def heartbeat(store: Store, owner: str) -> None:
    """Say that this instance still runs its jobs."""
    with store.transaction() as session:
        ours = update(Job).where(Job.state == RUNNING, Job.owner == owner)
        session.execute(ours.values(heartbeat_at=now(session)))


def requeue_orphans(store: Store, owner: str, running: Callable[[], Collection[str]]) -> list[str]:
    """Put back what this instance was running and no longer is, and what runs on one that is gone.

    `running` says what runs here. It is asked once no worker can claim anything any more: what was claimed while this
    waited for its turn to write is no orphan.

    What has taken the process down MAX_ATTEMPTS times is failed; returns the ids of those.
    """
    failed = []
    with store.transaction() as session:
        hold_claims(session)  # from here on, no worker claims anything
        lost_here = and_(Job.owner == owner, Job.id.not_in(list(running())))
        lost_there = and_(Job.owner != owner, Job.heartbeat_at < now(session) - LEASE_SECONDS)
        for job in session.scalars(select(Job).where(Job.state == RUNNING, or_(lost_here, lost_there))).all():
            if job.attempts < MAX_ATTEMPTS:
                requeue(session, job)
                log.warning("was interrupted, and goes on", extra={"job": job.id})
                continue
            reason = f"The studio stopped {job.attempts} times while it ran this search, so it is not tried again."
            end(session, job, FAILED, {"title": "Search failed", "status": 500, "detail": reason})
            log.error("%s", reason, extra={"job": job.id})
            failed.append(job.id)
    return failed


def lost(store: Store, owner: str, running: Collection[str]) -> set[str]:
    """Those of the jobs under way here that were called off, deleted or taken over by another instance."""
    with store.reading() as session:
        ours = or_(Job.state == QUEUED, and_(Job.state == RUNNING, Job.owner == owner))  # on its way to a worker
        return set(running) - set(session.scalars(select(Job.id).where(Job.id.in_(list(running)), ours)))


def requeue(session: Session, job: Job) -> None:
    """Put a job back into the queue."""
    job.state = QUEUED
    add_event(session, job, {"state": QUEUED, "progress": job.progress})


def end(session: Session, job: Job, state: str, error: dict[str, Any] | None = None) -> None:
    """End a job. Only what is done keeps what it has made."""
    job.state, job.ended, job.error = state, time.time(), error
    if state == DONE:
        job.progress = 1.0
    else:
        job.results = {}
    metrics.SEARCHES.labels(state).inc()
    add_event(session, job, {"state": state, "progress": job.progress})
