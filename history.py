"""Searches of the past: a visitor's list, their files, and what is removed when."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import delete, select, update

from pipeline import Query
from settings import Settings
from store import ENDED, Job, JobEvent, Store
from tiktok_videos import uploads


def query_of(job: Job) -> Query:
    """What a stored search asked."""
    tags, own = tuple(job.query["tags"]), tuple(tuple(upload) for upload in job.query["uploads"])
    return Query(**job.query | {"tags": tags, "uploads": own})


def folder(job_id: str, settings: Settings) -> Path:
    """Where the files of a search are."""
    return settings.generated_dir / job_id


def of_visitor(visitor: str, store: Store) -> list[Job]:
    """The searches of a visitor, newest first."""
    with store.transaction() as session:
        return list(session.scalars(select(Job).where(Job.visitor == visitor).order_by(Job.created.desc())))


def rename(job_id: str, name: str | None, store: Store) -> None:
    """Give a search a name of the visitor's own; None takes it away."""
    with store.transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(name=name))


def remove(job_id: str, store: Store, settings: Settings) -> None:
    """Remove a search, its files, and the own videos that no other search uses."""
    shutil.rmtree(folder(job_id, settings), ignore_errors=True)
    with store.transaction() as session:
        job = session.get(Job, job_id)
        if job is None:
            return
        own = query_of(job).uploads
        session.execute(delete(JobEvent).where(JobEvent.job_id == job_id))
        session.delete(job)
    forget_uploads((key for key, _ in own), store, settings)


def forget_uploads(keys: Iterable[str], store: Store, settings: Settings) -> None:
    """Remove those of the visitors' own videos that no search uses any more."""
    unused = set(keys)
    if not unused:
        return
    with store.transaction() as session:
        for query in session.scalars(select(Job.query)):
            unused -= {key for key, _ in query["uploads"]}
    for key in unused:
        uploads.remove(key, settings)


def prune(store: Store, settings: Settings) -> int:
    """Remove what ended longer than KEEP_DAYS ago, then the oldest until MAX_STORAGE_MB hold; return how many went."""
    with store.transaction() as session:
        ended = session.execute(select(Job.id, Job.ended).where(Job.state.in_(ENDED)).order_by(Job.ended)).all()
    sizes = {job_id: _size(folder(job_id, settings)) for job_id, _ in ended}
    total, limit = sum(sizes.values()), settings.max_storage_mb * 1024**2
    oldest_kept = time.time() - settings.keep_days * 86400
    removed = 0
    for job_id, when in ended:
        if when >= oldest_kept and total <= limit:
            break
        remove(job_id, store, settings)
        total -= sizes[job_id]
        removed += 1
    return removed


def _size(path):
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else 0
