"""One pass over a clip: its frames in small with their times, and its sound in a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from core import ffmpeg
from trend_insights.sound import STEREO_RATE

SIDE = 128  # pixels of the small pictures, whatever the shape of the frame
BYTES = SIDE * SIDE * 3
TIMES, SOUND = "times.txt", "sound.raw"


@contextmanager
def frames(path: Path, folder: Path, found: ffmpeg.Probe) -> Iterator[Iterator[np.ndarray]]:
    """Give the frames of the clip at `path` as small pictures (BGR, shape (SIDE, SIDE, 3)), none left out or doubled.

    When the block is left, the sound is in `folder` as SOUND (16-bit stereo at STEREO_RATE) and, of the frames, the
    times as TIMES. `found` is what a probe of the clip said.
    """
    picture: tuple[str, ...] = ()
    sound: tuple[str, ...] = ()
    if found.has_picture:
        graph = f"[0:v:0]scale={SIDE}:{SIDE}:flags=area,format=bgr24,split[small][timed]"
        raw = ("-fps_mode", "passthrough", "-c:v", "rawvideo")
        stamps = ("-map", "[timed]", *raw, "-f", "mkvtimestamp_v2", f"file:{folder / TIMES}")
        picture = ("-filter_complex", graph, *stamps, "-map", "[small]", *raw, "-f", "rawvideo", "pipe:1")
    if found.has_sound:
        layout = ("-ac", "2", "-ar", str(STEREO_RATE), "-f", "s16le")
        sound = ("-map", "0:a:0", *layout, f"file:{folder / SOUND}")
    # What the loop filter would smooth is lost in the small pictures anyway.
    before = ("-threads", "1", "-skip_loop_filter", "all")
    with ffmpeg.pipe(path, before, (*sound, *picture)) as stream:
        yield _pictures(stream)
        while stream.read(BYTES):  # to its end, so that the sound is whole
            pass


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
