"""Files in an S3 store, through obstore: any service that speaks S3, at AWS or at an endpoint of one's own.

Keys are names below the bucket and the prefix of STORAGE_URL. Each call, its repetitions included, takes about
STORAGE_TIMEOUT seconds at most.
"""

import logging
import mimetypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from core.engines import EngineError
from settings import Settings

if TYPE_CHECKING:
    from obstore import Attributes, ObjectMeta
    from obstore.store import S3Config, S3Store

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5  # to reach the service; what listens on no port is known sooner
FIRST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=2)  # between two tries
IN_ONE = 8 * 1024**2  # bytes; what is larger is sent in parts, and cannot be refused for being there already
PART = 4 * 1024**2  # bytes of a download that are fetched at once: each part has STORAGE_TIMEOUT seconds
NO_BUCKET = "NoSuchBucket"
REFUSED = "non-2xx status code: 4"  # by the service, which is there


class StorageError(EngineError):
    """The store did not do what was asked. The message is one sentence that a user understands."""


class Unreachable(StorageError):
    """The store did not answer in time: the same may work later."""


@dataclass(frozen=True)
class Entry:
    """A file: its key, its size in bytes, when it was written (POSIX seconds), and a tag that its content changes."""

    key: str
    size: int
    modified: float
    etag: str | None = None


def put(key: str, content: bytes | Path, settings: Settings, create: bool = False) -> None:
    """Store a file, whole or not at all; with `create`, what is there already stays as it is."""
    import obstore
    from obstore.exceptions import AlreadyExistsError

    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if create and size > IN_ONE:
        if head(key, settings):
            return
        create = False
    media_type, _ = mimetypes.guess_type(key)
    attributes: Attributes = {"Content-Type": media_type or "application/octet-stream"}
    with _understood(key), _ignored(AlreadyExistsError if create else None):
        if create:
            obstore.put(_store(settings), key, content, attributes=attributes, mode="create", use_multipart=False)
        else:
            obstore.put(_store(settings), key, content, attributes=attributes)


def get(key: str, settings: Settings) -> bytes | None:
    """The whole content of a file; None where there is none."""
    import obstore

    try:
        with _understood(key):
            return bytes(obstore.get(_store(settings), key).bytes())
    except FileNotFoundError:
        return None


def get_range(key: str, start: int, stop: int, settings: Settings) -> bytes:
    """The bytes of a file from `start` to before `stop`. Raises FileNotFoundError where there is none."""
    import obstore

    with _understood(key):
        return bytes(obstore.get_range(_store(settings), key, start=start, end=stop))


def download(key: str, path: Path, settings: Settings) -> bool:
    """Write the content of a file to `path`, part by part; False where there is none."""
    found = head(key, settings)
    if found is None:
        return False
    try:
        with path.open("wb") as file:
            for start in range(0, found.size, PART):
                file.write(get_range(key, start, min(start + PART, found.size), settings))
    except FileNotFoundError:  # it was removed meanwhile
        return False
    return True


def head(key: str, settings: Settings) -> Entry | None:
    """What is known of a file; None where there is none."""
    import obstore

    try:
        with _understood(key):
            return _entry(obstore.head(_store(settings), key))
    except FileNotFoundError:
        return None


def entries(prefix: str, settings: Settings) -> list[Entry]:
    """The files whose keys begin with `prefix`, in the order of their keys; `prefix` may end within a name."""
    import obstore

    folder = prefix.rpartition("/")[0]
    after = prefix if prefix != f"{folder}/" else None  # a store lists whole folders; it can begin within one
    with _understood(prefix):
        chunks = obstore.list(_store(settings), folder, offset=after)
        found = (_entry(meta) for chunk in chunks for meta in chunk)
        return list(takewhile(lambda entry: entry.key.startswith(prefix), found))


def delete(keys: Sequence[str], settings: Settings) -> None:
    """Remove files; one that is not there is no error."""
    import obstore

    if keys:
        with _understood(keys[0]), _ignored(FileNotFoundError):
            obstore.delete(_store(settings), list(keys))


def copy(source: str, target: str, settings: Settings) -> bool:
    """Give `target` the content of `source` without moving it through here; False where there is none."""
    import obstore

    try:
        with _understood(source):
            obstore.copy(_store(settings), source, target)
    except FileNotFoundError:
        return False
    return True


def link(key: str, seconds: int, settings: Settings) -> str:
    """An address at which anybody may read a file for so many seconds."""
    import obstore

    with _understood(key):
        return obstore.sign(_store(settings), "GET", key, timedelta(seconds=seconds))


def origin(settings: Settings) -> str:
    """Where links lead, as scheme, name and port."""
    address = urlsplit(settings.storage_endpoint or f"https://s3.{settings.aws_region}.amazonaws.com")
    return f"{address.scheme}://{address.netloc}"


def check(settings: Settings) -> None:
    """Raise StorageError where the bucket cannot be listed."""
    import obstore

    with _understood("it"):
        next(iter(obstore.list(_store(settings), chunk_size=1)), None)


def _entry(meta: "ObjectMeta") -> Entry:
    etag = (meta["e_tag"] or "").strip('"')
    return Entry(meta["path"], meta["size"], meta["last_modified"].timestamp(), etag or None)


def _store(settings: Settings) -> "S3Store":
    return _opened(
        settings.storage_url,
        settings.storage_endpoint,
        settings.storage_timeout,
        (
            ("region", settings.aws_region),
            ("access_key_id", settings.aws_access_key_id),
            ("secret_access_key", settings.aws_secret_access_key),
            ("session_token", settings.aws_session_token),
        ),
    )


@lru_cache(maxsize=8)
def _opened(url: str, endpoint: str, seconds: int, options: tuple[tuple[str, str], ...]) -> "S3Store":
    """The store; what is not given here (roles of machines, web identities) obstore looks for by itself."""
    from obstore.store import S3Store

    address, limit = urlsplit(url), timedelta(seconds=seconds)
    config = {name: value for name, value in (*options, ("endpoint", endpoint)) if value}
    return S3Store(
        address.netloc,
        prefix=address.path.strip("/") or None,
        config=cast("S3Config", config),
        client_options={
            "allow_http": endpoint.startswith("http:"),
            "connect_timeout": min(limit, timedelta(seconds=CONNECT_SECONDS)),
            "timeout": limit,
        },
        retry_config={
            "max_retries": 10 * seconds,  # the time ends it
            "retry_timeout": limit,
            "backoff": {"init_backoff": FIRST_PAUSE, "max_backoff": LONGEST_PAUSE, "base": 2},
        },
    )


@contextmanager
def _ignored(error: type[Exception] | None) -> Iterator[None]:
    try:
        yield
    except Exception as raised:
        if error is None or not isinstance(raised, error):
            raise


@contextmanager
def _understood(key: str) -> Iterator[None]:
    """Turn what a store says into sentences. Raises FileNotFoundError where there is no such file."""
    from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except AlreadyExistsError:
        raise
    except (FileNotFoundError, BaseError) as error:
        said = str(error).split("\n\nDebug source")[0][:500]
        if NO_BUCKET in said:
            raise StorageError("The bucket of STORAGE_URL does not exist.") from None
        if isinstance(error, FileNotFoundError):
            raise
        log.error("the storage failed at %s: %s", key, said)
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            raise StorageError("The studio's storage refuses its keys, or what was asked with them.") from None
        if REFUSED in said:
            raise StorageError("The studio's storage refuses what was asked; the log has the details.") from None
        raise Unreachable("The studio's storage cannot be reached just now.") from None
