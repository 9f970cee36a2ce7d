"""Visitors' own videos, kept by the hash of their content: under `DATA_DIR`, or in the store of STORAGE_URL."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from core import ffmpeg, storage
from core.engines import EngineError
from settings import Settings
from tiktok_videos.catalogue import Video

CHUNK = 1024**2  # bytes
HEAD = 64  # bytes that tell what a file is
SPARE_DISK = 64 * 1024**2  # bytes that an upload leaves free
UNFINISHED = ".part-"  # how the names of files begin that are still being received
CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".webm": "webm", ".mkv": "matroska"}  # by ffmpeg's names
BARE = (
    *("-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1"),
    *("-map_metadata:s:v", "-1", "-map_metadata:s:a", "-1", "-fflags", "+bitexact", "-movflags", "+faststart"),
)
KEY = re.compile(r"[0-9a-f]{64}\.(mp4|mov|webm|mkv)")


class UploadError(ValueError):
    """A file that is not accepted. The message says which and why; `status` is the HTTP status that fits."""

    def __init__(self, name: str, reason: str, status: int = 422):
        super().__init__(f"“{shown(name)}” {reason}")
        self.status = status


@dataclass(frozen=True)
class Received:
    """A file on disk that is not kept yet. `key` is the name it would be kept under."""

    path: Path
    key: str


@contextmanager
def received(stream: IO[bytes], name: str, settings: Settings) -> Iterator[Received]:
    """Write a stream to disk, piece by piece; what is not kept by the end of the block is removed.

    Raises UploadError where it is too large, empty, or begins like no mp4, mov, webm or mkv; OSError where the disk is
    full.
    """
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=UNFINISHED, delete=False) as file:
        path = Path(file.name)
        try:
            digest, suffix = _copy(stream, file, name, settings)
            file.close()
            yield Received(path, f"{digest}{suffix}")
        finally:
            path.unlink(missing_ok=True)


def _copy(stream, file, name, settings):
    limit, size, digest, suffix = settings.max_video_mb * 1024**2, 0, hashlib.sha256(), None
    while chunk := stream.read(CHUNK):
        suffix = suffix or kind(chunk[:HEAD])
        if suffix is None:
            raise UploadError(name, "is not a video that can be used. Send an mp4, mov, webm or mkv file.", 415)
        size += len(chunk)
        if size > limit:
            raise UploadError(name, f"is larger than {settings.max_video_mb} MB.", 413)
        if shutil.disk_usage(file.name).free < SPARE_DISK + CHUNK:
            raise UploadError(name, "cannot be stored: the studio's disk is full.", 507)
        digest.update(chunk)
        file.write(chunk)
    if not size:
        raise UploadError(name, "is empty.")
    return digest.hexdigest(), suffix


def kind(head: bytes) -> str | None:
    """Tell from the first bytes which video file this is: ".mp4", ".mov", ".webm", ".mkv", or None.

    Sources: ISO/IEC 14496-12 (`ftyp`), the QuickTime File Format Specification, RFC 8794 and RFC 9559 (EBML DocType).
    """
    if head[4:8] == b"ftyp":
        return ".mov" if head[8:12] == b"qt  " else ".mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ".webm" if b"webm" in head else ".mkv"
    return None


@contextmanager
def bare(file: Received, name: str, settings: Settings) -> Iterator[Received]:
    """The picture and the sound of a received file alone; what is not kept by the end of the block is removed.

    Places, times, the names of cameras and people, and all other streams stay behind. Raises UploadError where picture
    and sound cannot be copied.
    """
    with tempfile.NamedTemporaryFile(dir=_folder(settings), prefix=UNFINISHED, delete=False) as created:
        path = Path(created.name)
    try:
        for suffix in (Path(file.key).suffix, ".mkv"):  # which takes what the file's own container may not
            container = CONTAINERS[suffix]
            ffmpeg.run(file.path, *BARE, "-f", container, str(path))
            if path.stat().st_size:
                break
        else:
            raise UploadError(name, "cannot be read; it may be broken or cut off.")
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        yield Received(path, f"{digest}{suffix}")
    except EngineError as error:
        raise UploadError(name, str(error)) from None
    finally:
        path.unlink(missing_ok=True)


def keep(file: Received, settings: Settings) -> None:
    """Keep a received file under its key; the same content is kept once. Raises core.storage.StorageError."""
    if not storage.is_remote(settings):
        file.path.replace(_folder(settings) / file.key)
    elif storage.head(name_of(file.key), settings) is None:
        storage.put(name_of(file.key), file.path, settings, create=True)


def remove(key: str, settings: Settings) -> None:
    """Remove a kept file. Raises core.storage.StorageError."""
    if KEY.fullmatch(key):
        storage.delete([name_of(key)], settings)


def is_kept(key: str, settings: Settings) -> bool:
    """Whether the file with this key is there. Raises core.storage.StorageError."""
    return KEY.fullmatch(key) is not None and storage.head(name_of(key), settings) is not None


def name_of(key: str) -> str:
    """The key of a kept file in core.storage."""
    return f"uploads/{key}"


def shown(name: str) -> str:
    """A file's own name as it may be shown: no folders, no control characters, not too long."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(character for character in last if character.isprintable())[:100] or "video"


def video(key: str, title: str) -> Video:
    """The kept file as a video."""
    return Video("uploads", key, title, modified=0.0, tag="")


def fetch(wanted: Video, settings: Settings, report: Callable[[int, int, str], None]) -> Path:
    """Return where the file lies. Raises EngineError when it has been removed."""
    report(0, 1, wanted.title)
    path = stored(wanted.key, settings)
    if path is None:
        raise EngineError("The uploaded file has been removed.")
    return path


def stored(key: str, settings: Settings) -> Path | None:
    """Return the path of the kept file with this key, brought here where it is in a store; None where there is none.

    Raises core.storage.StorageError.
    """
    return storage.local(name_of(key), settings) if KEY.fullmatch(key) else None


def in_storage(key: str, settings: Settings) -> str | None:  # noqa: ARG001 as of every source
    """The key of a kept file in core.storage."""
    return name_of(key) if KEY.fullmatch(key) else None


def _folder(settings):
    return settings.data_dir / "uploads"
