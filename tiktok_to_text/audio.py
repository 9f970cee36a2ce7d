"""Takes the sound out of a clip, in the form that speech engines want."""

from dataclasses import dataclass
from pathlib import Path

from core import ffmpeg

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
    found, wav = ffmpeg.probe(path), folder / "sound.wav"
    if found.has_sound:
        ffmpeg.run(path, "-map", "0:a:0", "-vn", "-ac", "1", "-ar", str(RATE), "-c:a", "pcm_s16le", str(wav))
    return Sound(wav if wav.exists() else None, min(found.seconds, ffmpeg.MAX_SECONDS), found.has_picture)
