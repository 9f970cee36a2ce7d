"""Bring music that keeps no exact tempo to the one that is asked for: told in words, measured, then stretched."""

import tempfile
from pathlib import Path

import numpy as np

from core import ffmpeg, tempo
from core.engines import EngineError
from music_gen import mastering, prompt_parsing
from music_gen.track import MusicRequest

MOST = 0.12  # of its tempo: how much faster or slower music is played before one hears that it is
NEAR = 0.01  # of the tempo asked for: what counts as kept
QUALITY = "transients=mixed:channels=together"  # the filter's defaults smear held notes
SPARE = 0.1  # seconds that stretching may lose at the ends


def described(words: str, bpm: float | None, key: str | None) -> str:
    """A description with a tempo in place of its own, and with a key where it names none."""
    if bpm:
        said = f"{bpm:.0f} BPM"
        words, named = prompt_parsing.TEMPO.subn(said, words)
        words = words if named else f"{words.rstrip()} {said}."
    if key and prompt_parsing.parse(words).root is None:
        words = f"{words.rstrip()} In {key}."
    return words


def seconds_needed(request: MusicRequest) -> float:
    """How much music to make so that, played faster, it still lasts as long as asked."""
    return request.seconds * (1 + MOST) + SPARE if request.tempo else request.seconds


def follow(sound: np.ndarray, wanted: float) -> tuple[np.ndarray, float | None, str | None]:
    """Stretch `sound` to `wanted` beats a minute where its own tempo is sure and no farther away than MOST.

    `sound` is float, shape (samples, channels), at 32 kHz. Returns the sound, its tempo where it is the one wanted, and
    else a sentence that says which it has.
    """
    found = _tempo(sound)
    if found is None:
        return sound, None, f"MusicGen's piece has no clear beat, so it does not follow the clips' {wanted:.0f} BPM."
    if abs(found / wanted - 1) <= NEAR:
        return sound, found, None
    if max(found / wanted, wanted / found) > 1 + MOST:
        return (
            sound,
            None,
            f"MusicGen's piece has {found:.0f} BPM, too far from the clips' {wanted:.0f} to stretch it.",
        )
    try:
        stretched = stretch(sound, wanted / found)
    except EngineError as error:
        return sound, None, f"MusicGen's piece has {found:.0f} BPM, not the clips' {wanted:.0f}: {error}"
    kept = _tempo(stretched)
    if kept is None or abs(kept / wanted - 1) > NEAR:
        return (
            sound,
            None,
            f"MusicGen's piece has {found:.0f} BPM, not the clips' {wanted:.0f}: its beat is uneven.",
        )
    return stretched, kept, None


def stretch(sound: np.ndarray, ratio: float) -> np.ndarray:
    """`sound` played `ratio` times as fast, its pitch kept, by ffmpeg's filter rubberband: float32, same channels.

    Raises EngineError where ffmpeg has no such filter.
    """
    from scipy.io import wavfile

    with tempfile.TemporaryDirectory(prefix="trendtok-") as folder:
        source, target = Path(folder) / "source.wav", Path(folder) / "target.raw"
        wavfile.write(source, mastering.RATE, np.asarray(sound, np.float32))
        options = f"rubberband=tempo={ratio:.6f}:{QUALITY}"
        _, status = ffmpeg.run(source, "-filter:a", options, "-f", "f32le", f"file:{target}", containers="wav")
        if status:
            raise EngineError("this ffmpeg cannot stretch it, since it has no filter rubberband.")
        return np.fromfile(target, "<f4").reshape(-1, sound.shape[1])


def _tempo(sound):
    """The tempo of a sound; None where it is not sure."""
    from scipy.signal import resample_poly

    found, _ = tempo.measure(resample_poly(sound.mean(axis=1), tempo.RATE, mastering.RATE).astype(np.float32))
    return found.bpm if found and found.confidence >= tempo.CONFIDENT else None
