"""Searches of the past: a visitor's list, and the files that belong to a search."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import delete, select, update

from pipeline import Query
from settings import Settings
from store import Job, JobEvent, Store
from tiktok_videos import uploads

FILES_OF = ("music", "image")  # the stages that make files; what they made gives the files' names


def query_of(job: Job) -> Query:
    """What a stored search asked."""
    tags, own = tuple(job.query["tags"]), tuple(tuple(upload) for upload in job.query["uploads"])
    return Query(**job.query | {"tags": tags, "uploads": own})


def folder(job_id: str, settings: Settings) -> Path:
    """Where the files of a search are."""
    return settings.generated_dir / job_id


def of_visitor(visitor: str, store: Store) -> list[Job]:
    """The searches of a visitor, newest first."""
    with store.reading() as session:
        return list(session.scalars(select(Job).where(Job.visitor == visitor).order_by(Job.created.desc())))


def bears(job: Job, text: str) -> bool:
    """Whether a tag or the name of a search has this text in it."""
    wanted = text.casefold().lstrip("#")
    return any(wanted in words.casefold() for words in (*job.query["tags"], job.name or ""))


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
        for key in unused:  # while no search can be stored that uses one of them
            uploads.remove(key, settings)


def adopt(made: dict, source: Path, target: Path) -> dict:
    """Give a search what another one has made: its files, as links or else as copies, and what is said of them.

    Returns `made` without the stages whose files are gone. Raises OSError where nothing can be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    return {
        stage: part
        for stage, part in made.items()
        if all(_link(source / name, target / name) for name in _files(stage, part))
    }


def _files(stage, part):
    """The names of the files that a stage has made."""
    return filter(None, (part["value"] or {}).values()) if stage in FILES_OF else ()


def _link(source, target):
    """Give `target` the content of `source`; False where there is none."""
    if not source.is_file():
        return False
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # no links on this disk
        shutil.copyfile(source, target)
    return True
