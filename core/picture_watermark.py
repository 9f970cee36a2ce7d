"""Hides a pattern in a picture where it is busy, and looks for it at any scale."""

from collections.abc import Callable

import numpy as np
from PIL import Image

TILE = 256  # cells, after which the pattern begins again
CELLS = 360  # across a picture, whatever its width
MAX_ROWS = 4 * CELLS  # of a picture, whatever its height
FAINT, STRONG = 0.5, 2.0  # levels of 255 that are added: where nothing else is, and at most
BUSY = 0.1  # of the standard deviation nearby is added too
NEAR = 7  # cells

Pattern = Callable[[str, int], np.ndarray]


def embed(picture: np.ndarray, pattern: Pattern) -> np.ndarray:
    """A picture, (height, width, 3), 8 bits, with the pattern added to all three channels alike."""
    height, width = picture.shape[:2]
    rows = _rows(height, width)
    tile = pattern("picture", TILE * TILE).reshape(TILE, TILE)
    cells = np.tile(tile, (rows // TILE + 1, CELLS // TILE + 1))[:rows, :CELLS]
    _, deviation = _local(_shrunk(picture))
    added = cells * np.clip(FAINT + BUSY * deviation, FAINT, STRONG)
    spread = np.asarray(Image.fromarray(added.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    return np.asarray((picture + spread[:, :, None]).round().clip(0, 255), np.uint8)


def correlate(picture: np.ndarray, pattern: Pattern) -> tuple[np.ndarray, float]:
    """The correlation of a picture with the pattern at each of TILE x TILE shifts; and the norm of the picture.

    What counts is how each cell differs from those nearby, as a share of how they differ.
    """
    shrunk = _shrunk(picture)
    mean, deviation = _local(shrunk)
    plain = (shrunk - mean) / (deviation + 1)
    rows, columns = plain.shape
    padded = np.pad(plain, ((0, -rows % TILE), (0, -columns % TILE)))
    folded = padded.reshape(-1, TILE, padded.shape[1] // TILE, TILE).sum((0, 2))
    tile = pattern("picture", TILE * TILE).reshape(TILE, TILE)
    correlation = np.fft.irfft2(np.fft.rfft2(folded) * np.fft.rfft2(tile).conj(), (TILE, TILE))
    return correlation, float(np.linalg.norm(folded))


def _rows(height: int, width: int) -> int:
    return min(max(1, round(height * CELLS / width)), MAX_ROWS)


def _shrunk(picture: np.ndarray) -> np.ndarray:
    """The picture's brightness, one value a cell."""
    grey = Image.fromarray(picture).convert("L").convert("F")
    rows = _rows(*picture.shape[:2])
    return np.asarray(grey.resize((CELLS, rows), Image.Resampling.BOX))


def _local(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the standard deviation of the cells near each cell."""
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(cells, NEAR)
    return mean, np.sqrt(np.maximum(uniform_filter(cells**2, NEAR) - mean**2, 0))
