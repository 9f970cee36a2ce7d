"""WAV files as samples, and samples as WAV files."""

import io
import wave
from math import gcd

import numpy as np


def read_wav(data: bytes) -> tuple[np.ndarray, int]:
    """The samples of a WAV file (16-bit, channels mixed to one) as float32 from -1 to 1, and how many make a second."""
    with wave.open(io.BytesIO(data)) as file:
        channels, rate = file.getnchannels(), file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    return samples[: len(samples) // channels * channels].reshape(-1, channels).mean(axis=1), rate


def write_wav(samples: np.ndarray, rate: int) -> bytes:
    """A 16-bit mono WAV file of samples from -1 to 1."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def seconds_of(data: bytes) -> float:
    """How long a WAV file lasts."""
    with wave.open(io.BytesIO(data)) as file:
        return file.getnframes() / file.getframerate()


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The same sound at another number of samples a second."""
    from scipy.signal import resample_poly

    if rate == wanted or not samples.size:
        return samples
    common = gcd(rate, wanted)
    return resample_poly(samples, wanted // common, rate // common).astype(np.float32)
