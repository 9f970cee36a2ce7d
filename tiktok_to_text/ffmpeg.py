"""Runs ffmpeg on files that may be hostile: no network, no playlist, no other file, and never for long."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from engines import EngineError

LONGEST = 600  # seconds of a clip that are read; the rest is left out
TIME_LIMIT = 60  # seconds that one run may take
LARGEST = 8192 * 4320  # pixels of a picture that is decoded

# Playlists and concat scripts name other files, so the containers that hold their own pictures are all that is let in.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg"


def command(path: Path, before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    """The command line that reads `path` with the input options `before` and the output options `after`."""
    import imageio_ffmpeg  # the binary that moviepy uses

    safety = ("-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS, "-max_pixels", str(LARGEST))
    # "file:" keeps a name that begins with "-" or holds ":" from being taken for an option or a protocol.
    source = ("-t", str(LONGEST), "-i", f"file:{path.absolute()}")
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-y", *safety, *before, *source, *after]


def run(path: Path, *after: str) -> str:
    """Run ffmpeg to its end and return what it said about the clip. Raises EngineError when it takes too long."""
    try:
        done = subprocess.run(
            command(path, (), after),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError("This clip takes too long to open; try a shorter or smaller one.") from None
    return done.stderr.decode(errors="replace")


@contextmanager
def pipe(path: Path, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator:
    """Run ffmpeg beside us and give the stream that it writes. It is stopped when the block is left, or out of time."""
    process = subprocess.Popen(
        command(path, ("-v", "quiet", *before), after),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    limit = Timer(TIME_LIMIT, process.kill)
    limit.start()
    try:
        with process.stdout:
            yield process.stdout
    finally:
        limit.cancel()
        process.kill()
        process.wait()


def seconds_in(said: str) -> float:
    """The clip's length in seconds as ffmpeg said it, 0 where it did not know."""
    found = re.search(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", said, re.MULTILINE)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0


def has_track(said: str, kind: str) -> bool:
    """Whether ffmpeg said that the clip holds a track of `kind`, "Audio" or "Video"."""
    inputs = said.split("Output #0")[0]
    return re.search(rf"^  Stream #0:\d+.*?: {kind}: ", inputs, re.MULTILINE) is not None
