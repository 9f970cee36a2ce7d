"""What is removed when, so that the disk does not fill: old searches, old caches, and what a killed process left."""

import math
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select

import history
from settings import Settings
from store import CANCELLED, ENDED, FAILED, RUNNING, Job, Store
from tiktok_videos import uploads

DAY = 86400  # seconds
MB = 1024**2
SEARCH_ID = re.compile(r"[0-9a-f]{32}")
LEFTOVERS = ("texts/*.part", "videos/.part-*")  # in DATA_DIR: what was being written
STALE = 3600  # seconds; what another instance is receiving into a shared folder of uploads is younger


@dataclass(frozen=True)
class _Thing:
    """Something that can be removed: since when it is there (POSIX seconds), its size in bytes, and how."""

    since: float
    size: int
    remove: Callable[[], object]
    is_search: bool = False


def temporary_folder(settings: Settings) -> Path:
    """Make and return the folder for temporary files, which `sweep` empties: what is killed cannot clean up."""
    folder = settings.data_dir / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep(store: Store, settings: Settings) -> None:
    """Remove what a process that was killed has left. To be called before anything runs in this DATA_DIR."""
    leftovers = [path for pattern in LEFTOVERS for path in settings.data_dir.glob(pattern)]
    for path in (*leftovers, *temporary_folder(settings).iterdir()):
        _remove(path)
    with store.reading() as session:
        without_files = list(session.scalars(select(Job.id).where(Job.state.in_((CANCELLED, FAILED)))))
    for job_id in without_files:
        shutil.rmtree(history.folder(job_id, settings), ignore_errors=True)
    _sweep_uploads(store, settings)


def _sweep_uploads(store, settings):
    """Remove what was not received to its end, and what no search uses."""
    now = time.time()
    stale = [path for path in (settings.data_dir / "uploads").glob("*") if now - _written(path) > STALE]
    for path in stale:
        if path.name.startswith(uploads.UNFINISHED):
            _remove(path)
    history.forget_uploads((path.name for path in stale), store, settings)


def _written(path):
    """When a file was written, POSIX seconds; that of one just removed never grows stale."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def prune(store: Store, settings: Settings) -> int:
    """Remove what is older than KEEP_DAYS, then the oldest until MAX_STORAGE_MB hold; return how many searches went.

    What counts are the searches that have ended, with their files and own videos, the results of searches in the
    terminal, and the caches.
    """
    with store.reading() as session:
        jobs = session.execute(select(Job.id, Job.state, Job.ended, Job.query)).all()
    searches = [_search(job, store, settings) for job in jobs if job.state in ENDED]
    unknown = _results_without_search({job.id for job in jobs}, settings)
    is_running = any(job.state == RUNNING for job in jobs)
    things = sorted([*searches, *unknown, *_cached(is_running, settings)], key=lambda thing: thing.since)
    total, limit = sum(thing.size for thing in things), settings.max_storage_mb * MB
    oldest_kept = time.time() - settings.keep_days * DAY
    removed = 0
    for thing in things:
        if thing.since >= oldest_kept and total <= limit:
            break
        thing.remove()
        total -= thing.size
        removed += thing.is_search
    return removed


def _search(job, store, settings):
    own = filter(None, (uploads.stored(key, settings) for key, _ in job.query["uploads"]))
    size = sum(map(_size, (history.folder(job.id, settings), *own)))
    return _Thing(job.ended, size, partial(history.remove, job.id, store, settings), is_search=True)


def _results_without_search(known, settings) -> Iterator[_Thing]:
    """The results of searches in the terminal, and of those whose removal was cut short."""
    for path in settings.generated_dir.glob("*"):
        if SEARCH_ID.fullmatch(path.name) and path.name not in known:
            yield _Thing(path.stat().st_mtime, _size(path), partial(_remove, path))


def _cached(is_running, settings) -> Iterator[_Thing]:
    """The caches' files. While a search runs, its videos may be among them; a text is read at once."""
    patterns = ("texts/*.json",) if is_running else ("texts/*.json", "videos/[!.]*")
    for pattern in patterns:
        for path in settings.data_dir.glob(pattern):
            yield _Thing(path.stat().st_mtime, _size(path), partial(_remove, path))


def _size(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
