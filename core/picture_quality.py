"""Measures of a grey picture by which stills are compared: how sharp it is, how much of it is lost."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def laplacian(grey: NDArray[Any]) -> NDArray[np.float32]:
    """The Laplacian of a grey picture (0 to 255), float32, of the same shape; its variance grows with sharpness.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy" (2000).
    """
    padded = np.pad(grey.astype(np.float32), 1, mode="reflect")
    centre = padded[1:-1, 1:-1]
    return 4 * centre - padded[:-2, 1:-1] - padded[2:, 1:-1] - padded[1:-1, :-2] - padded[1:-1, 2:]


def clipped_share(grey: NDArray[Any], low: int, high: int) -> float:
    """The share of pixels below `low` or above `high`, from 0 to 1: detail lost in black or white."""
    return float(np.mean((grey < low) | (grey > high)))
