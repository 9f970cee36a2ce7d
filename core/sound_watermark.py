"""Hides a pattern in sound under what masks it, and looks for it."""

from collections.abc import Callable

import numpy as np

RATE = 32_000  # Hz, of the sound that is marked
PERIOD = 2**17  # samples, after which the pattern begins again: 4.1 s
FRAME, HOP = 1024, 512  # samples
TONE_MASKS = 16.5  # dB at 0 Bark: 2 more than Johnston gives
BAND = (200.0, 5000.0)  # Hz that are used: what every codec keeps

Pattern = Callable[[str, int], np.ndarray]


def embed(sound: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Sound with the pattern in each channel: (samples, channels), floats in -1 to 1, at RATE.

    The pattern's spectrum follows the sound's by critical bands, as far below it as a noise must be that a tone masks,
    the masker that hides least: 14.5 dB and one more for each Bark (Johnston, "Transform Coding of Audio Signals Using
    Perceptual Noise Criteria", 1988), and 2 dB to spare. The quietest of three frames counts: nothing is
    heard before a beat.
    """
    chips = np.resize(pattern("sound", PERIOD), len(sound)).astype(np.float32)
    noise = _analyse(chips)
    unit = np.sqrt((np.abs(noise) ** 2).mean())
    below = 10 ** (-(TONE_MASKS + _bark()) / 20) * _in_band()
    marked = np.array(sound, np.float32)
    for channel in marked.T:  # views: what is added to one is added to the sound
        level = np.sqrt(np.abs(_analyse(channel)) ** 2 @ _spread())
        level = np.minimum(level, np.minimum(np.roll(level, 1, 0), np.roll(level, -1, 0)))
        np.add(channel, _synthesise(noise / unit * level * below, len(channel)), out=channel)
    return marked


def correlate(sound: np.ndarray, pattern: Pattern) -> tuple[np.ndarray, float]:
    """The correlation of mono sound, at RATE, with the pattern at each of PERIOD shifts; and the norm of the sound.

    Only the phases count, each as much as the pattern may be there: so no loud tone covers it.
    """
    spectrum = _analyse(sound.astype(np.float32))
    weight = 10 ** (-_bark() / 20) * _in_band()
    level = np.abs(spectrum)
    whitened = _synthesise(np.where(level > 1e-4, spectrum / np.maximum(level, 1e-4), 0) * weight, len(sound))
    folded = np.pad(whitened, (0, -len(whitened) % PERIOD)).reshape(-1, PERIOD).sum(0)
    chips = pattern("sound", PERIOD)
    correlation = np.fft.irfft(np.fft.rfft(folded) * np.fft.rfft(chips).conj(), PERIOD)
    return correlation, float(np.linalg.norm(folded))


def resample(sound: np.ndarray, rate: int) -> np.ndarray:
    """Mono sound at RATE."""
    from scipy.signal import resample_poly

    divisor = int(np.gcd(rate, RATE))
    return sound if rate == RATE else resample_poly(sound, RATE // divisor, rate // divisor)


def _window() -> np.ndarray:
    """The root of a Hann window: squared and half overlapped, it adds up to one."""
    return np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


def _analyse(sound: np.ndarray) -> np.ndarray:
    """The short-time spectrum: (frames, FRAME // 2 + 1)."""
    padded = np.pad(sound, (HOP, FRAME + -len(sound) % HOP))
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP] * _window())


def _synthesise(spectrum: np.ndarray, size: int) -> np.ndarray:
    frames = np.fft.irfft(spectrum, FRAME).astype(np.float32) * _window()
    halves = frames.reshape(len(frames), 2, HOP)
    sound = np.zeros((len(frames) + 1, HOP), np.float32)
    sound[:-1] += halves[:, 0]
    sound[1:] += halves[:, 1]
    return sound.ravel()[HOP : HOP + size]


def _frequencies() -> np.ndarray:
    return np.fft.rfftfreq(FRAME, 1 / RATE)


def _in_band() -> np.ndarray:
    return np.asarray((_frequencies() >= BAND[0]) & (_frequencies() <= BAND[1]))


def _bark() -> np.ndarray:
    """The critical band rate of each line of the spectrum (Traunmüller, 1990)."""
    return np.asarray(np.maximum(0, 26.81 * _frequencies() / (1960 + _frequencies()) - 0.53))


def _spread() -> np.ndarray:
    """A matrix that gives each line the mean power of the lines within half a Bark."""
    near = np.abs(_bark()[:, None] - _bark()) <= 0.5
    return np.asarray(near / near.sum(0), np.float32)
