"""What is removed when, so that the disk does not fill: old searches, old caches, and what a killed process left."""

import math
import re
import shutil
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Row, select

from core import storage
from jobs import history
from jobs.database import Store
from jobs.models import CANCELLED, ENDED, FAILED, RUNNING, Job, Upload
from settings import Settings
from tiktok_videos import uploads

DAY = 86400  # seconds
MB = 1024**2
SEARCH_ID = re.compile(r"[0-9a-f]{32}")
# In DATA_DIR: what was being written, and texts of earlier versions, whose names do not tell of which clip they are.
LEFTOVERS = (
    "texts/*.part",
    "traits/*.part",
    "videos/.part-*",
    "drafts/*/.*",
    "drafts/*/*.part",
    *(f"{cache}/{'[0-9a-f]' * 64}.json" for cache in history.READINGS),
)
# A clock that nobody sets, and that goes on while the machine sleeps where the system has such a one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BEGAN = time.time() - time.clock_gettime(_CLOCK)
STALE = 3600  # seconds; what another instance is receiving into a shared folder of uploads is younger


@dataclass(frozen=True)
class _Thing:
    """Something that can be removed: since when it is there (POSIX seconds), its size in bytes, and how."""

    since: float
    size: int
    remove: Callable[[], object]
    is_search: bool = False
    user: str = ""  # the address or visitor that it counts for; empty for what nobody owns


def temporary_folder(settings: Settings) -> Path:
    """Make and return the folder for temporary files, which `sweep` empties: what is killed cannot clean up."""
    folder = settings.data_dir / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep(store: Store, settings: Settings) -> None:
    """Remove what a process that was killed has left. To be called before anything runs in this DATA_DIR."""
    leftovers = [path for pattern in LEFTOVERS for path in settings.data_dir.glob(pattern)]
    temporary = (path for path in temporary_folder(settings).iterdir() if not history.is_held(path))
    for path in (*leftovers, *temporary):
        _remove(path)
    with store.reading() as session:
        without_files = list(session.scalars(select(Job.id).where(Job.state.in_((CANCELLED, FAILED)))))
    there = _in_store(settings)
    for job_id in without_files:
        if not storage.is_remote(settings) or history.stored_name(job_id) in there:
            history.discard_files(job_id, settings)
    _sweep_uploads(store, settings)


def _sweep_uploads(store: Store, settings: Settings) -> None:
    """Remove what was not received to its end, and what no search uses."""
    now = time.time()
    for path in (settings.data_dir / "uploads").glob(f"{uploads.UNFINISHED}*"):
        if now - _written(path) > STALE:
            _remove(path)
    stale = [entry for entry in storage.entries("uploads/", settings) if now - entry.modified > STALE]
    history.remove_unused((entry.key.partition("/")[2] for entry in stale), store, settings)


def _written(path: Path) -> float:
    """When a file was written, POSIX seconds; that of one just removed never grows stale."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def prune(store: Store, settings: Settings) -> int:
    """Remove what is older than KEEP_DAYS; then, until MAX_STORAGE_MB hold, the oldest of whoever has the most.

    Returns how many searches went. What counts are the searches that have ended, with their files and own videos, the
    results of searches in the terminal, and the caches. Of several studios with one store, each counts what is there
    and what it has itself. Raises core.storage.StorageError.
    """
    _sweep_uploads(store, settings)
    storage.drop_copies(settings)
    there = _in_store(settings)  # before the searches: what is stored meanwhile is known then
    with store.reading() as session:
        jobs = session.execute(select(Job.id, Job.state, Job.ended, Job.address, Job.visitor)).all()
        own: dict[str, list[str]] = defaultdict(list)
        for job_id, key in session.execute(select(Upload.job_id, Upload.key)):
            own[job_id].append(key)
    searches = [_search(job, own[job.id], there, store, settings) for job in jobs if job.state in ENDED]
    unknown = _results_without_search({job.id for job in jobs}, there, settings)
    is_running = any(job.state == RUNNING for job in jobs)
    things = sorted([*searches, *unknown, *_cached(is_running, settings)], key=lambda thing: thing.since)
    oldest_kept = time.time() - settings.keep_days * DAY if _is_time_sure() else -math.inf
    going = [thing for thing in things if thing.since < oldest_kept]
    going += _too_much(things[len(going) :], settings.max_storage_mb * MB)
    for thing in going:
        thing.remove()
    return sum(thing.is_search for thing in going)


def _is_time_sure() -> bool:
    """Whether the machine's clock was not set since the process began: one that is weeks ahead would remove all."""
    return abs(time.time() - time.clock_gettime(_CLOCK) - _BEGAN) < DAY


def _too_much(things: list[_Thing], limit: int) -> Iterator[_Thing]:
    """What has to go of `things`, oldest first, for the rest to hold in `limit` bytes: always of the largest user."""
    total, of_user = sum(thing.size for thing in things), Counter[str]()
    queues: dict[str, deque[_Thing]] = defaultdict(deque)
    for thing in things:
        of_user[thing.user] += thing.size
        queues[thing.user].append(thing)
    while total > limit:
        user, _ = of_user.most_common(1)[0]
        thing = queues[user].popleft()
        of_user[user] -= thing.size
        total -= thing.size
        yield thing


def _in_store(settings: Settings) -> dict[str, tuple[int, float]]:
    """Of a store, what the searches have there and each own video, by key: the bytes, and when the newest was written.

    Empty where files are kept on this machine.
    """
    found: dict[str, tuple[int, float]] = {}
    if storage.is_remote(settings):
        for entry in (*storage.entries(f"{storage.GENERATED}/", settings), *storage.entries("uploads/", settings)):
            is_own = entry.key.startswith("uploads/")
            name = entry.key if is_own else history.stored_name(entry.key.split("/")[1])
            size, written = found.get(name, (0, 0.0))
            found[name] = (size + entry.size, max(written, entry.modified))
    return found


def _search(
    job: Row[str, str, float | None, str, str],
    keys: list[str],
    there: dict[str, tuple[int, float]],
    store: Store,
    settings: Settings,
) -> _Thing:
    if storage.is_remote(settings):
        size = sum(there.get(name, (0, 0.0))[0] for name in (history.stored_name(job.id), *map(uploads.name_of, keys)))
    else:
        own = filter(None, (uploads.stored(key, settings) for key in keys))
        size = sum(map(_size, (history.folder(job.id, settings), *own)))
    remove = partial(history.remove, job.id, store, settings)
    return _Thing(job.ended or 0.0, size, remove, is_search=True, user=job.address or job.visitor)


def _results_without_search(
    known: set[str], there: dict[str, tuple[int, float]], settings: Settings
) -> Iterator[_Thing]:
    """The results of searches in the terminal, and of those whose removal was cut short."""
    for name, (size, written) in there.items():
        job_id = name.split("/")[1]
        if SEARCH_ID.fullmatch(job_id) and job_id not in known:
            yield _Thing(written, size, partial(history.remove_files, job_id, settings))
    if storage.is_remote(settings):
        return
    for path in settings.generated_dir.glob("*"):
        if SEARCH_ID.fullmatch(path.name) and path.name not in known:
            yield _Thing(path.stat().st_mtime, _size(path), partial(_remove, path))


def _cached(is_running: bool, settings: Settings) -> Iterator[_Thing]:
    """The caches' files. What a running search may be using is left out; readings are read at once."""
    shared = [f"{cache}/" for cache in history.READINGS]
    if storage.is_remote(settings):
        shared.append("videos/")  # of which each studio has its own copies
    for entry in (entry for prefix in shared for entry in storage.entries(prefix, settings)):
        yield _Thing(entry.modified, entry.size, partial(storage.delete, [entry.key], settings))
    if is_running:
        return
    for pattern in ("videos/[!.]*", *(f"{cache}/[!.]*" for cache in history.DRAFTED)):
        for path in settings.data_dir.glob(pattern):
            yield _Thing(path.stat().st_mtime, _size(path), partial(_remove, path))


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
