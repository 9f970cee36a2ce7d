"""The sound of a clip, and what of it is speech and what is music."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.tempo import RATE

STEREO_RATE = 48_000  # samples a second, of what is taken out of the clip
CHUNK = 10 * STEREO_RATE  # samples that are held as floating point at once


def chunks(path: Path) -> Iterator[np.ndarray]:
    """Yield the sound of a raw 16-bit stereo file at STEREO_RATE piece by piece: float32, shape (samples, 2)."""
    if not path.exists() or path.stat().st_size < 4:
        return
    raw = np.memmap(path, "<i2", mode="r")
    samples = raw[: len(raw) // 2 * 2].reshape(-1, 2)
    for start in range(0, len(samples), CHUNK):
        yield samples[start : start + CHUNK].astype(np.float32) / 32768


def mono(path: Path) -> np.ndarray:
    """The same sound in one channel at RATE, float32; empty where there is none."""
    from scipy.signal import resample_poly

    pieces = [resample_poly(piece.mean(axis=1), RATE, STEREO_RATE) for piece in chunks(path)]
    return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)
