"""Searches of the past: a visitor's list, and the files that belong to a search."""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete, select, update

from core import hashtags, storage
from jobs import notices
from jobs.database import Store
from jobs.models import RUNNING, Job, JobEvent, Upload
from pipeline import StageResult, files
from settings import Settings
from tiktok_videos import uploads

log = logging.getLogger(__name__)

DELETED = "deleted"  # what other studios are told of a search that is no more
READINGS = ("texts", "traits")  # in core.storage: what was read from clips and measured of them
DRAFTED = (
    "drafts/segments",
    "drafts/moments",
    "drafts/pictures",
    "drafts/voice",
)  # in DATA_DIR: what videos were put together from


def folder(job_id: str, settings: Settings) -> Path:
    """Where the files of a search are made; where there is no store to keep them in, they stay there."""
    return settings.data_dir / "tmp" / job_id if storage.is_remote(settings) else settings.generated_dir / job_id


@contextmanager
def held_folder(job_id: str, settings: Settings) -> Iterator[Path]:
    """As `folder`, of a search in the terminal: a studio that starts beside it in the same DATA_DIR leaves it alone.

    Where files are kept in a store, it is gone at the end of the block.
    """
    room = folder(job_id, settings)
    if not storage.is_remote(settings):
        yield room
        return
    room.mkdir(parents=True, exist_ok=True)
    hold = os.open(room, os.O_RDONLY)
    try:
        fcntl.flock(hold, fcntl.LOCK_SH)
        yield room
    finally:
        os.close(hold)
        shutil.rmtree(room, ignore_errors=True)


def is_held(path: Path) -> bool:
    """Whether a process that lives has this as its `held_folder`."""
    if not path.is_dir():
        return False
    try:
        look = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # it has just ended
        return False
    try:
        fcntl.flock(look, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(look)
    return False


def stored_name(job_id: str, name: str = "") -> str:
    """The key in core.storage of a search's file; without a name, what the keys of all its files begin with."""
    return f"{storage.GENERATED}/{job_id}/{name}"


def keep(job_id: str, stage: str, result: StageResult, settings: Settings) -> None:
    """Bring to the store what a stage has made, before anybody is told of it. Raises core.storage.StorageError."""
    if storage.is_remote(settings):
        for name in files.names(stage, result):
            storage.put(stored_name(job_id, name), folder(job_id, settings) / name, settings)


def bring(job_id: str, results: Mapping[str, StageResult], settings: Settings) -> None:
    """Have the files that earlier stages of a search have made where the next ones look for them."""
    if not storage.is_remote(settings):
        return
    room = folder(job_id, settings)
    room.mkdir(parents=True, exist_ok=True)
    for name in (name for stage, result in results.items() for name in files.names(stage, result)):
        if not storage.save(stored_name(job_id, name), room / name, settings):
            (room / name).unlink(missing_ok=True)


@contextmanager
def all_files(job_id: str, settings: Settings) -> Iterator[Path]:
    """A folder with all files of a search; of a store's they are copies, gone at the end of the block."""
    if not storage.is_remote(settings):
        yield folder(job_id, settings)
        return
    with tempfile.TemporaryDirectory(prefix="files-") as room:
        for entry in storage.entries(stored_name(job_id), settings):
            storage.save(entry.key, Path(room) / entry.key.rpartition("/")[2], settings)
        yield Path(room)


def remove_files(job_id: str, settings: Settings) -> None:
    """Remove the files of a search. Raises core.storage.StorageError."""
    shutil.rmtree(folder(job_id, settings), ignore_errors=True)
    if storage.is_remote(settings):
        storage.delete_all(stored_name(job_id), settings)


def discard_files(job_id: str, settings: Settings) -> None:
    """Remove the files of a search that came to nothing; where the store does not let them go, retention will."""
    try:
        remove_files(job_id, settings)
    except storage.StorageError as error:
        log.warning("files are left for later: %s", error, extra={"job": job_id})


def of_visitor(visitor: str, store: Store) -> list[Job]:
    """The searches of a visitor, newest first."""
    with store.reading() as session:
        return list(session.scalars(select(Job).where(Job.visitor == visitor).order_by(Job.created.desc())))


def matches(job: Job, text: str) -> bool:
    """Whether a tag or the name of a search has this text in it."""
    wanted = hashtags.bare(text).casefold()
    return any(wanted in words.casefold() for words in (*job.query.tags, job.name or ""))


def rename(job_id: str, name: str | None, store: Store) -> None:
    """Give a search a name of the visitor's own; None takes it away."""
    with store.transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(name=name))


def remove(job_id: str, store: Store, settings: Settings) -> None:
    """Remove a search, its files, and the own videos that no other search uses.

    Raises core.storage.StorageError where the files cannot be removed: then the search is still there.
    """
    remove_files(job_id, settings)
    release_uploads(job_id, store, settings)
    with store.transaction() as session:
        session.execute(delete(JobEvent).where(JobEvent.job_id == job_id))
        session.execute(delete(Job).where(Job.id == job_id))
        notices.tell(session, job_id, DELETED)


def release_uploads(job_id: str, store: Store, settings: Settings) -> None:
    """A search needs its own videos no more: remove those that no other search uses."""
    with store.transaction() as session:
        own = list(session.scalars(select(Upload.key).where(Upload.job_id == job_id)))
        session.execute(delete(Upload).where(Upload.job_id == job_id))
    remove_unused(own, store, settings)


def has_uploads(job: Job, settings: Settings) -> bool:
    """Whether all of the visitor's own videos that a search was asked with are still there."""
    return all(uploads.is_kept(key, settings) for key, _ in job.query.uploads)


def uses(key: str, store: Store) -> list[Job]:
    """The searches that use one of the visitors' own videos."""
    with store.reading() as session:
        return list(session.scalars(select(Job).join(Upload).where(Upload.key == key)))


def remove_unused(keys: Iterable[str], store: Store, settings: Settings) -> None:
    """Remove those of the visitors' own videos that no search uses, and all that was read from them.

    The parts of videos do not tell which clips they show, so all go, to be made again where they are wanted (see
    `forget_parts`). What a store does not let go at once is left to retention.
    """
    wanted = set(keys)
    if not wanted:
        return
    with store.transaction() as session:
        used = set(session.scalars(select(Upload.key).where(Upload.key.in_(wanted))))
        try:
            for key in wanted - used:  # while no search can be stored that uses one of them
                uploads.remove(key, storage.prompt(settings))
                _forget(key, storage.prompt(settings))
        except storage.StorageError as error:
            log.warning("own videos are left for later: %s", error)
    if wanted - used and _forgetting(settings).parent.is_dir():
        _forgetting(settings).touch()
        forget_parts(store, settings)
    store.tell_gone({_content(key) for key in wanted - used})


def forget_parts(store: Store, settings: Settings) -> None:
    """Remove the parts of videos, if one was deleted that may be in them; not while a search that may use them runs."""
    if not _forgetting(settings).exists():
        return
    with store.transaction() as session:
        if any(query.video for query in session.scalars(select(Job.query).where(Job.state == RUNNING))):
            return
        for cache in DRAFTED:
            shutil.rmtree(settings.data_dir / cache, ignore_errors=True)
    _forgetting(settings).unlink(missing_ok=True)


def _forgetting(settings: Settings) -> Path:
    """A file that is there while parts of videos have to go."""
    return settings.data_dir / "drafts" / ".forget"


def _forget(key: str, settings: Settings) -> None:
    """Remove what caches hold of an own video: words, stills."""
    for cache in READINGS:
        storage.delete_all(f"{cache}/{_content(key)}-", settings)


def _content(key: str) -> str:
    """The SHA-256 of an own video, with which its key begins, and the names of all that was read from it."""
    return key.partition(".")[0]


def adopt(results: Mapping[str, StageResult], source: Path, target: Path) -> dict[str, StageResult]:
    """Give a search what another one has made: its files, as links or else as copies, and what is said of them.

    Returns `results` without the stages whose files are gone. Raises OSError where nothing can be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    return {
        stage: result
        for stage, result in results.items()
        if all(_link(source / name, target / name) for name in files.names(stage, result))
    }


def give(results: Mapping[str, StageResult], source: str, target: str, settings: Settings) -> dict[str, StageResult]:
    """As `adopt`, from the search with the id `source` to the one with the id `target`, wherever files are kept."""
    if not storage.is_remote(settings):
        return adopt(results, folder(source, settings), folder(target, settings))
    return {
        stage: result
        for stage, result in results.items()
        if all(
            storage.copy(stored_name(source, name), stored_name(target, name), settings)
            for name in files.names(stage, result)
        )
    }


def _link(source: Path, target: Path) -> bool:
    """Give `target` the content of `source`; False where there is none."""
    if not source.is_file():
        return False
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # no links on this disk
        shutil.copyfile(source, target)
    return True
