"""How loud a clip is, as a whole and from moment to moment: ITU-R BS.1770-4, EBU R 128."""

from collections.abc import Iterable

import numpy as np

from trend_insights.sound import STEREO_RATE

STEP = 0.1  # seconds, four of which make a block
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS, and LU under the mean
# The two filters of the standard at 48 kHz: the head's shelf and the weighting of low frequencies.
K_WEIGHTING = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621),
)


def energies(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """The weighted mean square of each STEP of sound, both channels added: what the other functions take.

    `pieces` are consecutive, float at STEREO_RATE, shape (samples, 2), all but the last whole STEPs.
    """
    from scipy.signal import sosfilt, sosfilt_zi

    state = np.zeros_like(np.repeat(sosfilt_zi(np.array(K_WEIGHTING))[..., None], 2, axis=2))
    size, found = round(STEP * STEREO_RATE), [np.zeros(0)]
    for piece in pieces:
        weighted, state = sosfilt(np.array(K_WEIGHTING), piece, axis=0, zi=state)
        whole = len(weighted) // size
        found.append((weighted[: whole * size] ** 2).reshape(whole, size, 2).mean(axis=1).sum(axis=1))
    return np.concatenate(found)


def momentary(steps: np.ndarray) -> np.ndarray:
    """Loudness of 400 ms in LUFS, every STEP; minus infinity in silence."""
    if len(steps) < 4:
        return np.zeros(0)
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(np.convolve(steps, np.full(4, 0.25), "valid"))


def integrated(steps: np.ndarray) -> float | None:
    """The loudness of the whole in LUFS, quiet stretches left out by the standard's two gates; None for silence."""
    blocks = momentary(steps)
    blocks = blocks[blocks > ABSOLUTE_GATE]
    if not len(blocks):
        return None
    gate = _mean(blocks) + RELATIVE_GATE
    return round(_mean(blocks[blocks > gate]), 1)


def _mean(blocks):
    """The loudness of the mean energy."""
    return float(-0.691 + 10 * np.log10(np.mean(10 ** ((blocks + 0.691) / 10))))


def levels(steps: np.ndarray, every: float) -> tuple[float | None, ...]:
    """The momentary loudness `every` so many seconds; None under the absolute gate."""
    blocks = momentary(steps)[:: round(every / STEP)]
    return tuple(round(float(level), 1) if level > ABSOLUTE_GATE else None for level in blocks)
