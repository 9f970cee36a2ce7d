"""In which key the music is."""

import numpy as np

from core.tempo import RATE
from trend_insights.traits import Key

WINDOW, HOP = 16_384, 4096  # samples: fine enough to tell two notes apart at 130 Hz
LOW, HIGH = 130.0, 1000.0  # Hz, in which the notes are that make the harmony
BLOCK = 100  # windows that are transformed at once
NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
# How well each degree fits (Temperley, "What's Key for Key?", 1999), with the minor seventh that popular music has.
PROFILES = {
    "major": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    "minor": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 1.5, 4.0, 2.0),
}
MIN_SECONDS = 4.0
LEAST_FIT = 0.5  # correlation with a profile under which there is no key
SURE_LEAD = 0.25  # by how much the best fit leads the best of another signature where the key is sure


def measure(sound: np.ndarray) -> Key | None:
    """The key of `sound`, mono at RATE; None where no key stands out.

    The classes of the notes that sound are compared with profiles of each key (Krumhansl and Schmuckler's method). How
    sure it is tells of the signature: a key and its relative share their notes.
    """
    if len(sound) < MIN_SECONDS * RATE or not np.any(sound):
        return None
    chroma = _chroma(sound)
    if np.ptp(chroma) < 1e-6:
        return None
    fits = np.array(
        [[np.corrcoef(chroma, np.roll(profile, root))[0, 1] for root in range(12)] for profile in PROFILES.values()]
    )
    minor, root = np.unravel_index(int(np.argmax(fits)), fits.shape)
    if fits[minor, root] < LEAST_FIT:
        return None
    by_signature = np.maximum(fits[0], np.roll(fits[1], 3))
    signature = (root + 3 * minor) % 12
    lead = fits[minor, root] - np.max(np.delete(by_signature, signature))
    name = f"{NAMES[root]} {tuple(PROFILES)[minor]}"
    return Key(name, round(float(np.clip(lead / SURE_LEAD, 0, 1) * 0.9 + 0.1 * fits[minor, root]), 2))


def _chroma(sound):
    """How strong each of the twelve pitch classes sounds, C first: a mean over time in which no moment counts more."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    hertz = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    used = (hertz >= LOW) & (hertz <= HIGH)
    pitches = 12 * np.log2(hertz[used] / 440) + 69
    window = np.hanning(WINDOW).astype(np.float32)
    blocks = (frames[start : start + BLOCK] for start in range(0, len(frames), BLOCK))
    spectra = np.concatenate([np.abs(np.fft.rfft(block * window, axis=1))[:, used] for block in blocks])
    classes = np.round(pitches - _tuning(spectra.sum(axis=0), pitches)).astype(int) % 12
    chroma = spectra @ np.eye(12)[classes]
    return (chroma / (chroma.max(axis=1, keepdims=True) + 1e-3)).mean(axis=0)


def _tuning(strengths, pitches):
    """By how much of a half tone all notes are sharp (or flat, below 0)."""
    return float(np.angle(np.sum(strengths * np.exp(2j * np.pi * pitches))) / (2 * np.pi))
