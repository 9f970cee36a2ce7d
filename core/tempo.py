"""How fast the music is, how sure that is, and when its beats fall."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 24_000  # samples a second, of the sound that is looked at
HOP = 240  # samples
FRAMES_A_SECOND = RATE // HOP
WINDOW = 1024  # samples
BANDS = ((30, 150), (150, 400), (400, 1200), (1200, 3500), (3500, 11_000))  # Hz: kick, bass, chords, snare, hats
BLOCK = 2000  # frames that are transformed at once
CLIP = 3.0  # standard deviations: one loud onset shall not count for all
AROUND = 0.8  # seconds over which the mean is taken away, so that a change of level is no beat

SLOWEST, FASTEST = 50.0, 210.0  # beats a minute
RATIO = 1.002  # of one tempo that is tried to the next
# What a tempo scores for what happens so many beats later, how usual it is among short clips aside. Fitted by
# conditional logistic regression to 336 rendered pieces, the same under voices in rooms, and 150 click tracks, other
# ones than those of the tests; in cross-validation 98 % of the pieces, 95 % of those under a voice and 87 % of the
# clicks are right.
LATER = {
    0.25: -11.4,
    1 / 3: -14.3,
    0.5: 7.3,
    2 / 3: 25.4,
    0.75: 50.8,
    1: 37.9,
    1.25: -36.5,
    4 / 3: -41.7,
    1.5: 8.1,
    2: 20.4,
    2.5: -18.9,
    3: -9.0,
    4: 59.6,
    6: -8.8,
    8: 15.7,
}
USUAL, UNUSUAL = 128.0, 8.6  # beats a minute; what a tempo an octave away from that loses
STRENGTH = (1, 2, 4)  # beats later: what the strength of a beat is told by
CHANCE = 0.02  # strength that a band without any beat has

MIN_SECONDS = 4.0  # of sound in which a beat can be told
FULL_SECONDS = 15.0  # from which on UNSURE is as it stands here
UNSURE, SURE = 0.07, 0.4  # strengths: up to the first there is no beat, from the second on there surely is one
CONFIDENT = 0.4  # from which on a tempo counts as that of the music
TIGHTNESS = 100.0  # how little the beats may drift, as in Ellis's paper

Floats = NDArray[Any]


@dataclass(frozen=True)
class Tempo:
    """Beats a minute, and how sure that is, from 0 to 1."""

    bpm: float
    confidence: float


def measure(sound: Floats) -> tuple[Tempo | None, tuple[float, ...]]:
    """The tempo of `sound`, mono at RATE, and its beats in seconds; None and () where it has no clear beat.

    The onsets of five bands are compared with themselves later on (autocorrelation); the tempo is the one for whose
    beats, halves and multiples that fits best, weighed by how usual it is (an octave prior, as in Ellis, "Beat Tracking
    by Dynamic Programming", 2007, which also finds the beats).
    """
    if len(sound) < MIN_SECONDS * RATE or not np.any(sound):
        return None, ()
    rises = _onsets(sound)
    tempos = SLOWEST * RATIO ** np.arange(np.log(FASTEST / SLOWEST) / np.log(RATIO))
    periods = 60 * FRAMES_A_SECOND / tempos
    alike = _self_similarity(rises, periods)
    fits = sum(weight * _at(alike, beats * periods) for beats, weight in LATER.items())
    best = int(np.argmax(fits - UNUSUAL * np.log2(tempos / USUAL) ** 2))
    strength = float(_strength(alike, periods[best]))
    unsure = UNSURE * max(1.0, FULL_SECONDS * RATE / len(sound)) ** 0.5  # chance makes more of a short sound
    confidence = min(1.0, (strength - unsure) / (SURE - unsure))
    if confidence <= 0:
        return None, ()
    return Tempo(round(float(tempos[best]), 1), round(confidence, 2)), _beats(rises.mean(axis=0), periods[best])


def _onsets(sound: Floats) -> Floats:
    """How much louder each band gets in each frame: shape (bands, frames), mean 0, standard deviation 1.

    Spectral flux of compressed magnitudes (Bello et al., "A Tutorial on Onset Detection in Music Signals", 2005).
    """
    from scipy.ndimage import uniform_filter1d

    window = np.hanning(WINDOW).astype(np.float32)
    padded = np.pad(sound, (WINDOW // 2, WINDOW // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    rises = np.zeros((len(BANDS), len(frames)), np.float32)
    for start in range(0, len(frames), BLOCK):
        begin = max(0, start - 1)
        spectra = np.abs(np.fft.rfft(frames[begin : start + BLOCK] * window, axis=1)).astype(np.float32)
        louder = np.maximum(np.diff(np.log1p(100 * spectra), axis=0), 0)
        for band, (low, high) in enumerate(BANDS):
            bins = slice(max(1, round(low * WINDOW / RATE)), round(high * WINDOW / RATE) + 1)
            rises[band, begin + 1 : begin + 1 + len(louder)] = louder[:, bins].mean(axis=1)
    rises -= uniform_filter1d(rises, int(AROUND * FRAMES_A_SECOND), axis=1)
    even: Floats = np.clip(rises / (rises.std(axis=1, keepdims=True) + 1e-6), -CLIP, CLIP)
    even /= even.std(axis=1, keepdims=True) + 1e-6
    return even


def _self_similarity(rises: Floats, periods: Floats) -> Floats:
    """The autocorrelation of the bands by lag in frames, 1 at lag 0, over as many lags as the `periods` need.

    A band counts as much as its own beat is strong: under a voice, those that the voice leaves free.
    """
    count = rises.shape[1]
    lags = min(count - 1, int(max(LATER) * periods.max()) + 2)
    power = np.abs(np.fft.rfft(rises, 2 * count, axis=1)) ** 2
    alike = np.fft.irfft(power, axis=1)[:, : lags + 1] / np.arange(count, count - lags - 1, -1)
    weights = np.array([max(1e-6, np.max(_strength(band, periods)) - CHANCE) for band in alike])
    mean: Floats = weights @ alike / weights.sum()
    return mean


def _strength(alike: Floats, periods: Floats) -> Floats:
    """How strong the beat of each period is: 1 where the music repeats exactly, 0 where there is none."""
    mean: Floats = np.mean([_at(alike, beats * periods) for beats in STRENGTH], axis=0)
    return mean


def _at(alike: Floats, lags: Floats) -> Floats:
    return np.interp(lags, np.arange(len(alike)), alike, right=0.0)


def _beats(rises: Floats, period: float) -> tuple[float, ...]:
    """The times of the beats, about `period` frames apart, that have most onsets on them, by dynamic programming."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(rises, period / 32)
    gaps = np.arange(round(period / 2), round(2 * period) + 1)
    drift = -TIGHTNESS * np.log(gaps / period) ** 2
    total, before = smooth.copy(), np.full(len(smooth), -1)
    for frame in range(gaps[-1], len(smooth)):
        earlier = total[frame - gaps] + drift
        best = int(np.argmax(earlier))
        if earlier[best] > 0:
            total[frame] += earlier[best]
            before[frame] = frame - gaps[best]
    frame = len(smooth) - round(period) + int(np.argmax(total[-round(period) :]))
    found = []
    while frame >= 0:
        found.append(round(frame / FRAMES_A_SECOND, 2))
        frame = before[frame]
    return tuple(reversed(found))
