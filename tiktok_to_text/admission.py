"""Looks at a stranger's video before it is let in: is it what it says, and is it of a sane size?"""

import re
import subprocess
from pathlib import Path

from engines import EngineError
from settings import Settings
from tiktok_to_text import ffmpeg

DEMUXERS = {".mp4": "mov", ".mov": "mov", ".webm": "matroska", ".mkv": "matroska"}
MOST_STREAMS = 8
MOST_PIXELS = 4096 * 2304
SMALLEST_SIDE = 16  # pixels


def check(path: Path, suffix: str, settings: Settings) -> None:
    """Open a file with the one demuxer that its first bytes (`suffix`) call for, and decode its first picture.

    Raises EngineError, worded to follow the file's name, where it cannot be read, is too long, too large, or has too
    many streams.
    """
    said = _first_picture(path, DEMUXERS[suffix])
    if len(re.findall(r"^  Stream #0:", said, re.MULTILINE)) > MOST_STREAMS:
        raise EngineError(f"has more than {MOST_STREAMS} streams.")
    size = re.search(r"^  Stream #0:.*?: Video: .*?\b(\d{1,5})x(\d{1,5})\b", said, re.MULTILINE)
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if min(width, height) < SMALLEST_SIDE:
        raise EngineError("has no picture that can be used.")
    if width * height > MOST_PIXELS:
        raise EngineError(f"is too large a picture: {width} by {height} pixels. Send it at 4K or smaller.")
    if ffmpeg.seconds_in(said) > settings.max_video_seconds:
        raise EngineError(f"is longer than {settings.max_video_seconds} seconds.")


def _first_picture(path, demuxer):
    """What ffmpeg says about the file while it decodes one picture."""
    command = ffmpeg.command(path, ("-f", demuxer), ("-map", "0:v:0", "-frames:v", "1", "-f", "null", "-"))
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ffmpeg.TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise EngineError("takes too long to open.") from None
    said = done.stderr.decode(errors="replace").split("Output #0")[0]
    if done.returncode:
        raise EngineError("cannot be read: it is broken, cut off, or has no picture.")
    return said
