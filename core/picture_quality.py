"""Measures of pictures: how sharp one is, how much of it is lost, and how alike two are."""

import io
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

GLANCE = (54, 96)  # pixels: enough to tell whether two pictures show the same


def laplacian(grey: NDArray[Any]) -> NDArray[np.float32]:
    """The Laplacian of a grey picture (0 to 255), float32, of the same shape; its variance grows with sharpness.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy" (2000).
    """
    import cv2

    found = cv2.Laplacian(grey, cv2.CV_32F, borderType=cv2.BORDER_REFLECT_101)
    return -np.asarray(found, dtype=np.float32)


def clipped_share(grey: NDArray[Any], low: int, high: int) -> float:
    """The share of pixels below `low` or above `high`, from 0 to 1: detail lost in black or white."""
    return float(np.mean((grey < low) | (grey > high)))


def ssim(first: NDArray[Any], second: NDArray[Any]) -> float:
    """How alike two grey pictures (0 to 255) of one size are in structure: 1 where they are the same.

    Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004), with their Gaussian
    window of 1.5 pixels.
    """
    from scipy.ndimage import gaussian_filter

    smooth = partial(gaussian_filter, sigma=1.5, truncate=3.5)
    one, two = first.astype(np.float64), second.astype(np.float64)
    mean_one, mean_two = smooth(one), smooth(two)
    variance_one, variance_two = smooth(one * one) - mean_one**2, smooth(two * two) - mean_two**2
    covariance = smooth(one * two) - mean_one * mean_two
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_one * mean_two + small) * (2 * covariance + smaller)
    return float(np.mean(likeness / ((mean_one**2 + mean_two**2 + small) * (variance_one + variance_two + smaller))))


def alikeness(first: bytes, second: bytes) -> float:
    """How alike two picture files of one shape look at a glance: 1 where they are the same, near 0 where not at all."""
    from PIL import Image

    opened = [Image.open(io.BytesIO(data)).convert("L") for data in (first, second)]
    return ssim(*(np.asarray(picture.resize(GLANCE, Image.Resampling.BOX)) for picture in opened))


def psnr(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The peak signal-to-noise ratio of two grey pictures (0 to 255) of one size, in dB; 100 at most."""
    error = float(np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2))
    return min(100.0, 10 * float(np.log10(255**2 / max(error, 1e-12))))
