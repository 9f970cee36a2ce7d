"""Bring sound to the level that short-video apps play at, and write it as a WAV file."""

import io
import wave

import numpy as np

RATE = 32_000  # Hz, of every WAV file this package makes
LOUDNESS = -14.0  # LUFS, integrated
CEILING = -1.3  # dBTP aimed at, so that rounding and another meter's filter still read at most -1
OVERSAMPLING = 4  # as ITU-R BS.1770-4, annex 2, asks for at 48 kHz and below
LOOKAHEAD = 0.02  # seconds in which the limiter's gain goes down before a peak, and up after it
SURROUND = 0.5  # seconds of context on either side while filtering


def master(audio: np.ndarray, loop: bool = False) -> np.ndarray:
    """Bring sound at 32 kHz to -14 LUFS with a true peak of at most -1 dBTP.

    `audio` is float, shape (samples,) or (samples, 1 or 2), at any level; the answer is float32, shape (samples, 2).
    With `loop` the end is taken to run on into the start, so that no filter leaves a seam there. Loudness and true
    peak are those of ITU-R BS.1770-4. Silence stays silence. Raises ValueError for samples that are no numbers.
    """
    stereo = _stereo(np.asarray(audio, dtype=np.float32))
    if not np.isfinite(stereo).all():
        raise ValueError("the sound has samples that are not finite numbers")
    stereo = _without_rumble(stereo, loop)
    measured = loudness(stereo.T)
    if not np.isfinite(measured):
        return stereo.T
    peaks = _peaks(stereo, loop)
    gain = 10 ** ((LOUDNESS - measured) / 20)
    for _ in range(4):
        limited = stereo * (gain * _limiting(peaks * gain, loop))
        missing = LOUDNESS - loudness(limited.T)
        if abs(missing) < 0.2:
            break
        gain *= 10 ** (missing / 20)
    return limited.T


def loudness(audio: np.ndarray) -> float:
    """Integrated loudness in LUFS of sound at 32 kHz, shape (samples, 2); minus infinity for silence."""
    import pyloudnorm

    if len(audio) < 0.4 * RATE or not np.any(audio):
        return -np.inf
    return pyloudnorm.Meter(RATE).integrated_loudness(audio)


def true_peak(audio: np.ndarray) -> float:
    """The highest true peak in dBTP of sound of shape (samples, 2), four times oversampled."""
    return 20 * np.log10(max(_peaks(np.asarray(audio, dtype=np.float32).T, loop=False).max(), 1e-9))


def write_wav(audio: np.ndarray) -> bytes:
    """A WAV file of float sound at 32 kHz, shape (samples, 2), within ±1: 16-bit, stereo."""
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(2)
        output.setsampwidth(2)
        output.setframerate(RATE)
        output.writeframes(np.round(np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def surrounded(channels: np.ndarray, samples: int, loop: bool) -> np.ndarray:
    """Put `samples` before and after sound of shape (2, samples): what a loop would play there, or silence."""
    return np.pad(channels, ((0, 0), (samples, samples)), mode="wrap" if loop else "constant")


def _stereo(audio):
    """Channel by channel, shape (2, samples): filters run twice as fast along memory as across it."""
    if audio.ndim == 1:
        audio = audio[:, None]
    if audio.ndim != 2 or audio.shape[1] not in (1, 2):
        raise ValueError(f"sound of shape {audio.shape}: give (samples,), (samples, 1) or (samples, 2)")
    return np.ascontiguousarray(np.broadcast_to(audio, (len(audio), 2)).T)


def _without_rumble(channels, loop):
    """Take away what lies under 28 Hz: no phone plays it, and it costs headroom."""
    from scipy.signal import butter, sosfilt

    context = int(SURROUND * RATE)
    filtered = sosfilt(butter(2, 28, "highpass", fs=RATE, output="sos"), surrounded(channels, context, loop))
    return filtered[:, context:-context].astype(np.float32)


def _peaks(channels, loop):
    """The true peak around each sample: shape (samples,), the higher of the channels."""
    from scipy.signal import resample_poly

    context = 64
    fine = np.abs(resample_poly(surrounded(channels, context, loop), OVERSAMPLING, 1, axis=1))
    higher = np.maximum(fine[0], fine[1])
    highest = np.maximum.reduce([higher[phase::OVERSAMPLING] for phase in range(OVERSAMPLING)])
    return highest[context:-context]


def _limiting(peaks, loop):
    """The gain for each sample that keeps `peaks` under the ceiling: a look-ahead limiter.

    The gain wanted is held for the whole window (a minimum filter), then smoothed over that window, so that it is down
    in full at each peak and moves too slowly to be heard as distortion (Giannoulis, Massberg and Reiss, "Digital
    Dynamic Range Compressor Design", 2012).
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    width = int(LOOKAHEAD * RATE)
    mode = "wrap" if loop else "nearest"
    wanted = np.minimum(1.0, 10 ** (CEILING / 20) / np.maximum(peaks, 1e-9))
    held = minimum_filter1d(wanted, 2 * width + 1, mode=mode)
    # Two running means in a row make a triangle no wider than what was held.
    return uniform_filter1d(uniform_filter1d(held, width, mode=mode), width, mode=mode)
