"""What of a clip's sound is speech and what is music."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.tempo import RATE
from trend_insights.loudness import STEP
from trend_insights.traits import Span

WINDOW, HOP = 4096, 1200  # samples
FRAMES_A_SECOND = RATE // HOP
BLOCK = 1000  # frames that are transformed at once
LOW, HIGH = 100.0, 5000.0  # Hz
PROMINENT = 3.0  # times what is usual around it: what a partial is
AROUND = 31  # bins
HELD = 10  # frames, half a second: a partial that stays as long is music, since a voice glides
ENOUGH = 0.6  # held partials at once, in the mean over SMOOTH, from which on there is music
SMOOTH = 2.0  # seconds
FAINT = 50.0  # dB under the loudest, from which on it is silence
GAP = 1.0  # seconds without speech that it takes to tell the music's own level


@dataclass(frozen=True)
class Heard:
    """The shares are of the clip's time, `speech_over_music` in decibels; None is unknown."""

    speech_share: float | None
    music_share: float | None
    speech_over_music: float | None
    confidence: float


def measure(
    sound: np.ndarray,
    steps: np.ndarray,
    spoken: Sequence[Span],
    seconds: float,
    music: np.ndarray | None = None,
) -> Heard:
    """Tell the parts of `sound`, mono at RATE, in which one speaks from `spoken`, and those with music.

    `steps` are the sound's loudness.energies, `music` what `playing` says of it, where that is known.
    """
    if not _is_enough(sound) or not seconds:
        return Heard(None, None, None, 0.0)
    there = playing(sound) if music is None else music
    return Heard(
        speech_share=round(min(1.0, sum(span.end - span.start for span in spoken) / seconds), 3),
        music_share=round(min(1.0, float(there.sum()) / FRAMES_A_SECOND / seconds), 3),
        speech_over_music=_speech_over_music(there, steps, spoken),
        confidence=0.8,
    )


def _is_enough(sound):
    return len(sound) >= RATE and bool(np.any(sound))


def playing(sound: np.ndarray) -> np.ndarray:
    """Whether there is music in `sound`, mono at RATE, FRAMES_A_SECOND times a second; empty where it is too short.

    Music is where partials are held for half a second: notes stay where they are, the voice glides (as in Scheirer and
    Slaney, "Construction and Evaluation of a Robust Multifeature Speech/Music Discriminator", 1997, and since).
    """
    from scipy.ndimage import uniform_filter1d

    if not _is_enough(sound):
        return np.zeros(0, bool)
    padded = np.pad(sound, (WINDOW // 2, WINDOW // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    parts = [_held_partials(frames, start) for start in range(0, len(frames), BLOCK)]
    count, power = (np.concatenate(values) for values in zip(*parts, strict=True))
    audible = power > power.max() * 10 ** (-FAINT / 10)
    smooth = uniform_filter1d(np.where(audible, count, 0.0), int(SMOOTH * FRAMES_A_SECOND))
    return (smooth >= ENOUGH) & audible


def _held_partials(frames, start):
    """How many partials are held in each of BLOCK frames from `start` on, and the frames' power."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    begin = max(0, start - HELD)
    hertz = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    used = (hertz > LOW) & (hertz < HIGH)
    block = frames[begin : start + BLOCK + HELD] * np.hanning(WINDOW).astype(np.float32)
    spectra = np.abs(np.fft.rfft(block, axis=1))[:, used].astype(np.float32)
    inner, usual = spectra[:, 1:-1], _medians(spectra)[:, 1:-1]
    partials = (inner > spectra[:, :-2]) & (inner >= spectra[:, 2:]) & (inner > PROMINENT * usual)
    near = maximum_filter1d(partials.astype(np.uint8), 3, axis=1)
    held = maximum_filter1d(minimum_filter1d(near, HELD, axis=0), HELD, axis=0) & partials
    rows = slice(start - begin, start - begin + BLOCK)
    return held.sum(axis=1)[rows], (spectra**2).sum(axis=1)[rows]


def _medians(spectra):
    """The median of the AROUND bins around each. SciPy is ten times as fast in one dimension: row after row."""
    from scipy.ndimage import median_filter

    edge = AROUND // 2
    padded = np.pad(spectra, ((0, 0), (edge, edge)), mode="symmetric")
    return median_filter(padded.ravel(), AROUND).reshape(padded.shape)[:, edge:-edge]


def _speech_over_music(playing, steps, spoken):
    """By how many decibels speech is louder than the music, which is what sounds while nobody speaks."""
    times = (np.arange(len(steps)) + 0.5) * STEP
    speaking = np.zeros(len(steps), bool)
    for span in spoken:
        speaking |= (times >= span.start - 0.2) & (times <= span.end + 0.2)
    music = playing[np.minimum((times * FRAMES_A_SECOND).astype(int), len(playing) - 1)]
    alone = steps[music & ~speaking]
    both = steps[music & speaking]
    if len(alone) * STEP < GAP or not len(both):
        return None
    under = alone.mean()
    return round(float(10 * np.log10(max(both.mean() - under, under * 1e-3) / max(under, 1e-12))), 1)
