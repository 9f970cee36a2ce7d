"""One pass over a clip: its frames in small with their times, its sound in a file, and what a Tee wants."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np

from core import ffmpeg
from core.tee import Tee
from trend_insights.sound import STEREO_RATE

SIDE = 128  # pixels of the small pictures, whatever the shape of the frame
BYTES = SIDE * SIDE * 3
TIMES, SOUND = "times.txt", "sound.raw"


class TeeFailed(Exception):
    """ffmpeg gave up, and what it wrote for a Tee may be why: the disk is full, or the file larger than it may be."""


@contextmanager
def frames(path: Path, folder: Path, found: ffmpeg.Probe, tee: Tee | None = None) -> Iterator[Iterator[np.ndarray]]:
    """Give the frames of the clip at `path` as small pictures (BGR, shape (SIDE, SIDE, 3)), none left out or doubled.

    When the block is left, the sound is in `folder` as SOUND (16-bit stereo at STEREO_RATE) and, of the frames, the
    times as TIMES, and what a tee wants is in its file. `found` is what a probe of the clip said. Raises TeeFailed.
    """
    tee = tee if found.has_picture else None
    # Of frames on which no other is built, the loop filter is left out: small pictures and letters do as well without.
    before = ("-v", "quiet", "-threads", "1", "-skip_loop_filter", "noref")
    after = (*_sound(folder, found), *_picture(folder, found, tee))
    with ffmpeg.confined(ffmpeg.command(path, before, after), subprocess.PIPE, subprocess.DEVNULL) as process:
        stream = cast(IO[bytes], process.stdout)
        yield _pictures(stream)
        while stream.read(BYTES):  # to its end, so that the sound is whole
            pass
        status = process.wait()
    if tee:
        tee.written.set_result(status == 0)
        if status not in (0, -signal.SIGKILL):  # which is what ends one that takes too long
            raise TeeFailed


def _sound(folder, found):
    layout = ("-ac", "2", "-ar", str(STEREO_RATE), "-f", "s16le")
    return ("-map", "0:a:0", *layout, f"file:{folder / SOUND}") if found.has_sound else ()


def _picture(folder, found, tee):
    if not found.has_picture:
        return ()
    raw = ("-fps_mode", "passthrough", "-c:v", "rawvideo")
    small = f"scale={SIDE}:{SIDE}:flags=area,format=bgr24,split[small][timed]"
    graph = f"[0:v:0]{small}"
    teed: tuple[str, ...] = ()
    if tee:
        seconds = min(found.seconds, ffmpeg.MAX_SECONDS)
        graph = f"[0:v:0]split[all][tee];[tee]{tee.filters(seconds)}[teed];[all]{small}"
        teed = ("-map", "[teed]", "-f", "yuv4mpegpipe", f"file:{tee.file}")
    stamps = ("-map", "[timed]", *raw, "-f", "mkvtimestamp_v2", f"file:{folder / TIMES}")
    return ("-filter_complex", graph, *stamps, "-map", "[small]", *raw, "-f", "rawvideo", "pipe:1", *teed)


def _pictures(stream):
    while len(content := stream.read(BYTES)) == BYTES:
        yield np.frombuffer(content, np.uint8).reshape(SIDE, SIDE, 3)


def times(folder: Path) -> np.ndarray:
    """When each frame is shown, in seconds, as far as it is known."""
    try:
        lines = (folder / TIMES).read_text().splitlines()[1:]
    except OSError:
        return np.zeros(0)
    return np.array([float(line) / 1000 for line in lines if line.strip()])
