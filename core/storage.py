"""Where files are kept that outlive their search: in folders of this machine, or in a store that several studios share.

A file's key is `generated/<search>/<name>`, `uploads/<name>`, `videos/<name>`, `texts/<name>` or `traits/<name>`. With
STORAGE_URL=file: the first lie in GENERATED_DIR and the others in DATA_DIR, under these very names; with
s3://bucket/prefix all of them lie there, and `local` brings a copy where a program needs a file.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core import objects
from core.objects import Entry, StorageError, Unreachable
from settings import Settings

__all__ = ["GENERATED", "Entry", "StorageError", "Unreachable"]

GENERATED = "generated"  # the part of all keys before a search's id
KEY = re.compile(r"[a-z]+(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}){1,2}")
COPIES = "copies"  # in DATA_DIR: what was brought from a store
COPIES_KEPT = 3600  # seconds since a copy was used last
BLOCK = 256 * 1024  # bytes that are read at once
PROMPT = 5  # seconds that somebody who waits for a page is let wait for a store
LINK_SECONDS = 3600


def is_remote(settings: Settings) -> bool:
    """Whether files are kept in a store, and not on this machine."""
    return settings.storage_url != "file:"


def prompt(settings: Settings) -> Settings:
    """The settings with less patience for a store that does not answer: for whoever must not wait long."""
    return replace(settings, storage_timeout=min(settings.storage_timeout, PROMPT))


def put(key: str, content: bytes | Path, settings: Settings, create: bool = False) -> None:
    """Keep a file: whoever reads it meanwhile finds the old content or the new, never a part.

    With `create`, one that is there already stays. Raises OSError, of a store StorageError.
    """
    _checked(key)
    if is_remote(settings):
        objects.put(key, content, settings, create)
        return
    path = _path(key, settings)
    if create and path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
    try:
        part.write_bytes(content) if isinstance(content, bytes) else shutil.copyfile(content, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def get(key: str, settings: Settings) -> bytes | None:
    """The content of a file; None where there is none."""
    if not KEY.fullmatch(key):
        return None
    if is_remote(settings):
        return objects.get(key, settings)
    try:
        return _path(key, settings).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def save(key: str, path: Path, settings: Settings) -> bool:
    """Write a store's file to `path`, which another program then owns; False where there is none."""
    return objects.download(_checked(key), path, settings)


def stream(key: str, start: int, stop: int, settings: Settings) -> Iterator[bytes]:
    """The bytes of a file from `start` to before `stop`, in blocks. Raises FileNotFoundError where there is none."""
    _checked(key)
    for at in range(start, stop, BLOCK):
        end = min(at + BLOCK, stop)
        if is_remote(settings):
            yield objects.get_range(key, at, end, settings)
        else:
            with _path(key, settings).open("rb") as file:
                file.seek(at)
                yield file.read(end - at)


def head(key: str, settings: Settings) -> Entry | None:
    """What is known of a file; None where there is none."""
    if not KEY.fullmatch(key):
        return None
    if is_remote(settings):
        return objects.head(key, settings)
    return _entry(key, _path(key, settings))


def entries(prefix: str, settings: Settings) -> list[Entry]:
    """The files whose keys begin with `prefix`, in the order of their keys. What is half written is no file."""
    if is_remote(settings):
        return objects.entries(prefix, settings)
    folder = prefix.rpartition("/")[0]
    root = _path(f"{folder}/", settings)
    found = (_entry(f"{folder}/{path.relative_to(root).as_posix()}", path) for path in sorted(root.rglob("*")))
    return [entry for entry in found if entry and entry.key.startswith(prefix) and KEY.fullmatch(entry.key)]


def copy(source: str, target: str, settings: Settings) -> bool:
    """Give one key of a store the content of another; False where there is none."""
    return objects.copy(_checked(source), _checked(target), settings)


def delete(keys: Iterable[str], settings: Settings) -> None:
    """Remove files, and the copies of them that are here; one that is not there is no error."""
    wanted = [key for key in keys if KEY.fullmatch(key)]
    if is_remote(settings):
        objects.delete(wanted, settings)
    for key in wanted:
        (_copy(key, settings) if is_remote(settings) else _path(key, settings)).unlink(missing_ok=True)


def delete_all(prefix: str, settings: Settings) -> None:
    """Remove the files whose keys begin with `prefix`."""
    delete([entry.key for entry in entries(prefix, settings)], settings)


def link(key: str, settings: Settings) -> str | None:
    """An address at which anybody may read a file for an hour; None where STORAGE_LINKS is 0."""
    if not (settings.storage_links and is_remote(settings)):
        return None
    return objects.link(_checked(key), LINK_SECONDS, settings)


def local(key: str, settings: Settings) -> Path | None:
    """Where a file lies on this machine, brought here first where it is kept in a store; None where there is none.

    A copy stays until nobody has asked for it for an hour, or for the longest time that a search may take.
    """
    if not KEY.fullmatch(key):
        return None
    if not is_remote(settings):
        path = _path(key, settings)
        return path if path.is_file() else None
    path = _copy(key, settings)
    with suppress(FileNotFoundError):
        os.utime(path)  # it is used
        return path
    drop_copies(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as room:
        part = Path(room) / path.name
        return part.rename(path) if objects.download(key, part, settings) else None


def drop_copies(settings: Settings) -> None:
    """Remove the copies that nobody has asked for lately."""
    oldest = time.time() - max(COPIES_KEPT, settings.max_search_seconds)
    for path in (settings.data_dir / COPIES).glob("*/[!.]*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def reach(settings: Settings) -> None:
    """Raise StorageError where the store cannot be reached, or has no such bucket."""
    if is_remote(settings):
        objects.check(settings)


def check(settings: Settings) -> None:
    """Write, read and remove a small file of a store. Raises StorageError where that fails."""
    key = "checks/one"
    objects.check(settings)
    put(key, b"TrendTok", settings)
    if get(key, settings) != b"TrendTok":
        raise StorageError("The studio's storage does not give back what was written to it.")
    delete([key], settings)


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ValueError(f"{key} is no key")
    return key


def _path(key: str, settings: Settings) -> Path:
    top, _, rest = key.partition("/")
    return (settings.generated_dir if top == GENERATED else settings.data_dir / top) / rest


def _copy(key: str, settings: Settings) -> Path:
    top, _, rest = key.partition("/")
    return settings.data_dir / COPIES / top / rest.replace("/", "-")


def _entry(key: str, path: Path) -> Entry | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Entry(key, found.st_size, found.st_mtime) if path.is_file() else None
