"""Videos in Google Drive: which folders hold which tags, and a cache of the videos that were fetched.

Where several studios share a store, what one has fetched the others take from there.

Folders come from `DRIVE_FOLDERS`. With a service account Drive is asked through its API, without one through the
pages that anyone may read.
"""

import hashlib
import logging
import re
import shutil
import tempfile
import threading
import tomllib
import weakref
from collections.abc import Callable
from pathlib import Path

from core import storage
from core.engines import EngineError
from core.waiting import hold
from settings import Settings, SettingsError
from tiktok_videos.catalogue import Category, Video
from tiktok_videos.tags import TagError, clean

log = logging.getLogger(__name__)

SPARE_DISK = 64 * 1024 * 1024  # bytes that a download leaves free
CONTAINERS = {b"\x1aE\xdf\xa3": ".webm", b"ftypqt  ": ".mov", b"ftyp": ".mp4"}  # how a file begins

KEY = re.compile(r"[A-Za-z0-9_-]+")

_fetching: weakref.WeakValueDictionary[tuple[Path, str, str | None], threading.Lock] = weakref.WeakValueDictionary()
_fetching_guard = threading.Lock()


def folders(settings: Settings) -> list[Category]:
    """Read `DRIVE_FOLDERS`: one category a table, with `tags` and `folder_id`. No file means no categories.

    Raises SettingsError that names the line, or the table, which cannot be used.
    """
    path = settings.drive_folders
    try:
        text = path.read_bytes().decode()
        tables = tomllib.loads(text)
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"DRIVE_FOLDERS={path}: line {line} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"DRIVE_FOLDERS={path} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"DRIVE_FOLDERS={path} cannot be read: {error.strerror}") from None
    return [_category(f"DRIVE_FOLDERS={path}, table [{name}]", table) for name, table in tables.items()]


def _category(place, table):
    if not isinstance(table, dict):
        raise SettingsError(f"{place}: begin a table with its name in brackets, with tags and folder_id below it")
    tags, folder_id = table.get("tags"), table.get("folder_id")
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, str) for tag in tags):
        raise SettingsError(f'{place}: give tags as a list of texts, tags = ["AI", "MachineLearning"]')
    if not isinstance(folder_id, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", folder_id):
        raise SettingsError(f"{place}: give folder_id, the last part of the folder's address in Google Drive")
    try:
        return Category("drive", folder_id, clean(tags))
    except TagError as error:
        raise SettingsError(f"{place}: {error}") from None


def missing(settings: Settings) -> str | None:
    """Say what must be set up before Drive can be used. A malformed `DRIVE_FOLDERS` counts as set up, and fails."""
    try:
        return None if folders(settings) else "DRIVE_FOLDERS names no folders"
    except SettingsError:
        return None


def categories(settings: Settings) -> list[Category]:
    """List the folders of `DRIVE_FOLDERS`. Raises EngineError where that file cannot be used."""
    try:
        return folders(settings)
    except SettingsError as error:
        raise EngineError(f"{error}.") from None


def videos(category: Category, limit: int, settings: Settings) -> list[Video]:
    """List at most `limit` videos of a folder, newest first, within `SERVICE_TIMEOUT`. Raises EngineError.

    Without a service account neither dates, sizes nor checksums are told, and the order is that of the folder's page.
    """
    return _way(settings).videos(category.key, limit, settings)


def fetch(video: Video, settings: Settings, report: Callable[[int, int, str], None]) -> Path:
    """Bring a video to `DATA_DIR` and return its path; one that is there already is not fetched again.

    `report` is given bytes. The download may take as long as it needs, but it must go on: no part of it may take
    longer than `SERVICE_TIMEOUT`. Raises EngineError, also for more than `MAX_VIDEO_MB`; nothing half done stays.
    """
    cache = _cache(settings)
    lock = _lock_of((cache, video.key, video.checksum))
    with hold(lock, lambda: report(0, video.size or 0, video.title)):
        path = _cached(video.key, video.checksum or "unchecked", settings)
        if path is None:
            _check_size(video, settings)
            try:
                path = _shared(video, settings) or _download(video, cache, settings, report)
            except OSError as error:
                raise EngineError(f"The video cannot be stored in DATA_DIR: {error.strerror or error}.") from None
    report(path.stat().st_size, path.stat().st_size, video.title)
    return path


def stored(key: str, settings: Settings) -> Path | None:
    """Return the path of a video that was fetched before, None where it is not there. A key never leads elsewhere.

    Raises core.storage.StorageError.
    """
    if path := _cached(key, "*", settings):
        return path
    name = in_storage(key, settings)
    return storage.local(name, settings) if name else None


def in_storage(key: str, settings: Settings) -> str | None:
    """The key in core.storage of a video that some studio has fetched, None where there is none in a store."""
    if not storage.is_remote(settings) or not KEY.fullmatch(key):
        return None
    found = storage.entries(f"videos/{key}.", settings)
    return max(found, key=lambda entry: entry.modified).key if found else None


def check(settings: Settings) -> None:
    """Try each folder once. Raises EngineError, saying what is wrong and how to mend it."""
    for category in categories(settings):
        videos(category, 1, settings)


def _way(settings):
    """The module that asks Drive. Both are loaded only now: they take half a second."""
    if settings.google_service_account_file:
        from tiktok_videos import drive_api

        return drive_api
    from tiktok_videos import drive_public

    return drive_public


def _cache(settings):
    return settings.data_dir / "videos"


def _cached(key, checksum, settings):
    if not KEY.fullmatch(key):
        return None
    files = list(_cache(settings).glob(f"{key}.{checksum}.*"))
    return max(files, key=lambda path: path.stat().st_mtime, default=None)


def _lock_of(key):
    with _fetching_guard:
        return _fetching.setdefault(key, threading.Lock())


def _check_size(video, settings):
    if (video.size or 0) > settings.max_video_mb * 1024 * 1024:
        raise EngineError(f"The video is larger than MAX_VIDEO_MB ({settings.max_video_mb} MB) allows.")


def _download(video, cache, settings, report):
    cache.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(cache).free < (video.size or 0) + SPARE_DISK:
        raise EngineError("There is no room for the video on the disk of DATA_DIR.")
    with tempfile.TemporaryDirectory(dir=cache, prefix=".part-") as room:
        part = Path(room) / "video"
        _way(settings).download(video, part, settings, report)
        _check_content(video, part)
        path = part.rename(cache / f"{video.key}.{video.checksum or 'unchecked'}{_suffix(part)}")
    if storage.is_remote(settings):
        try:
            storage.put(f"videos/{path.name}", path, settings, create=True)
        except storage.StorageError as error:
            log.warning("%s is not shared with other studios: %s", video.title, error)
    return path


def _shared(video, settings):
    """The video as another studio has fetched it, brought here; None where none has."""
    if not storage.is_remote(settings) or not KEY.fullmatch(video.key):
        return None
    try:
        found = storage.entries(f"videos/{video.key}.{video.checksum or 'unchecked'}.", settings)
        return storage.local(found[0].key, settings) if found else None
    except storage.StorageError as error:
        log.warning("%s is not taken from other studios: %s", video.title, error)
        return None


def _check_content(video, path):
    if video.size is not None and path.stat().st_size != video.size:
        raise EngineError("The video arrived with a wrong length. Try again.")
    with path.open("rb") as file:
        if video.checksum and hashlib.file_digest(file, "md5").hexdigest() != video.checksum:
            raise EngineError("The video arrived damaged: its checksum is wrong. Try again.")


def _suffix(path):
    with path.open("rb") as file:
        start = file.read(12)
    return next((suffix for sign, suffix in CONTAINERS.items() if sign in start), ".video")
