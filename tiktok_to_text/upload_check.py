"""Looks at a stranger's video before it is let in: is it what it says, and is it of a sane size?"""

import threading
from pathlib import Path

from core import ffmpeg
from core.engines import EngineError
from settings import Settings

DEMUXERS = {".mp4": "mov", ".mov": "mov", ".webm": "matroska", ".mkv": "matroska"}
MAX_PIXELS = 4096 * 2304
MIN_SIDE = 16  # pixels
AT_ONCE = threading.BoundedSemaphore(2)  # a crowd of uploads must not take all cores from the searches


def check(path: Path, suffix: str, settings: Settings) -> None:
    """Open a file with the one demuxer that its first bytes (`suffix`) call for, measure it, decode its first picture.

    Raises EngineError, worded to follow the file's name, where it cannot be read, is too long, too large, or has too
    many streams.
    """
    demuxer = ("-f", DEMUXERS[suffix])
    with AT_ONCE:
        try:
            found = ffmpeg.probe(path, demuxer)
            _refuse_unusable(found, settings)
            _, status = ffmpeg.run(path, "-map", "0:v:0", "-frames:v", "1", "-f", "null", "-", before=demuxer)
        except UnusableError:
            raise
        except EngineError:
            status = 1
    if status:
        raise EngineError(
            f"cannot be read: it is broken, cut off, has no picture, or more than {ffmpeg.MAX_STREAMS} streams."
        )


class UnusableError(EngineError):
    """A file that can be read, and is not accepted."""


def _refuse_unusable(found: ffmpeg.Probe, settings: Settings) -> None:
    if min(found.width, found.height) < MIN_SIDE:
        raise UnusableError("has no picture that can be used.")
    if found.width * found.height > MAX_PIXELS:
        raise UnusableError(
            f"is too large a picture: {found.width} by {found.height} pixels. Send it at 4K or smaller."
        )
    if found.seconds > settings.max_video_seconds:
        raise UnusableError(f"is longer than {settings.max_video_seconds} seconds.")
