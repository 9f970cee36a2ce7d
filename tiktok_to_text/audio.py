"""Takes the sound out of a clip, in the form that speech engines want."""

from dataclasses import dataclass
from pathlib import Path

from engines import EngineError
from tiktok_to_text import ffmpeg

RATE = 16_000  # samples a second


@dataclass(frozen=True)
class Sound:
    """The clip's sound, and what ffmpeg found out on the way.

    `wav` is a 16-bit mono file at RATE, None where the clip has no audio track; `seconds` is the clip's length.
    """

    wav: Path | None
    seconds: float
    has_picture: bool


def extract(path: Path, folder: Path) -> Sound:
    """Write the first audio track of the clip at `path` into `folder`.

    Raises EngineError where `path` is no clip that can be read.
    """
    wav = folder / "sound.wav"
    wanted = ("-map", "0:a:0", "-vn", "-ac", "1", "-ar", str(RATE), "-c:a", "pcm_s16le", str(wav))
    said = ffmpeg.run(path, *wanted)
    has_sound, has_picture = ffmpeg.has_track(said, "Audio"), ffmpeg.has_track(said, "Video")
    if not has_sound and not has_picture:
        raise EngineError("This file is not a video that can be read; it may be broken or cut off.")
    seconds = min(ffmpeg.seconds_in(said), ffmpeg.LONGEST)
    return Sound(wav if has_sound and wav.exists() else None, seconds, has_picture)
