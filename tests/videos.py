"""What a video holds, found out by decoding it: its streams, its loudness, its cuts, the words on it and in it."""

import functools
import re
import subprocess
from dataclasses import dataclass

import av
import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe


@dataclass(frozen=True)
class Facts:
    """`boxes` are the names of the top boxes of the MP4 file, in order."""

    codec: str
    profile: str
    pixels: str
    size: tuple[int, int]
    rate: float
    frames: int
    seconds: float
    sound: str
    sound_seconds: float
    boxes: tuple[str, ...]


@functools.cache
def _looked_through(path):
    """When each frame is shown, and a small picture of it."""
    with av.open(str(path)) as file:
        shown = [(frame.time, frame.reformat(68, 120, format="rgb24").to_ndarray()) for frame in file.decode(video=0)]
    return [time for time, _ in shown], [picture for _, picture in shown]


def facts(path):
    times, _ = _looked_through(path)
    with av.open(str(path)) as file:
        video, sound = file.streams.video[0], file.streams.audio[0]
        heard = list(file.decode(sound))
        return Facts(
            codec=video.codec_context.name,
            profile=video.profile,
            pixels=video.pix_fmt,
            size=(video.width, video.height),
            rate=float(video.average_rate),
            frames=len(times),
            seconds=times[-1] - times[0] + float(1 / video.average_rate),
            sound=sound.codec_context.name,
            sound_seconds=sum(frame.samples for frame in heard) / sound.rate,
            boxes=tuple(_boxes(path.read_bytes())),
        )


def _boxes(data):
    at = 0
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8].decode("ascii", "replace")
        yield name
        at += max(8, size)


def loudness(path):
    """Integrated loudness (LUFS) and true peak (dBTP), as EBU R128 measures them."""
    line = [
        get_ffmpeg_exe(),
        "-hide_banner",
        "-i",
        str(path),
        "-map",
        "0:a",
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stderr.split("Summary:")[-1]
    found = [re.search(rf"{name}:\s+(-?[\d.]+|-inf)", said)[1] for name in ("I", "Peak")]
    return tuple(float(value) for value in found)


def frames(path, size=(270, 480), at=None):
    """Decoded frames as RGB arrays of a size: all, or those at some seconds."""
    wanted = None if at is None else {round(second * 30) for second in at}
    with av.open(str(path)) as file:
        for number, frame in enumerate(file.decode(video=0)):
            if wanted is None or number in wanted:
                yield frame.reformat(*size, format="rgb24").to_ndarray()


def cuts(path):
    """The seconds of the frames at which the picture becomes another one."""
    before, jumps = None, []
    for frame in _looked_through(path)[1]:
        small = frame[:75].astype(np.int16)  # above the captions
        if before is not None:
            jumps.append(np.abs(small - before).mean())
        before = small
    jumps = np.array(jumps)
    usual = np.array([np.median(jumps[max(0, n - 6) : n + 7]) for n in range(len(jumps))])
    return [(n + 1) / 30 for n in np.flatnonzero(jumps > 8 + 4 * usual)]


def sound(path):
    """The sound as 16 kHz mono samples."""
    line = [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(line, capture_output=True, check=True).stdout, np.float32)
