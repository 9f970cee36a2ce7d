"""Colour as the eye sees it: Oklab, a palette out of pictures, and the contrast of WCAG.

Colours are sRGB, each channel from 0 to 1, in arrays whose last axis is red, green, blue.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

READABLE = 4.5  # contrast ratio: WCAG 2.2, success criterion 1.4.3 (AA)

# Björn Ottosson, "A perceptual color space for image processing" (2020).
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])

CLUSTERS = 7
GREY = 0.025  # chroma in Oklab below which a colour has no hue worth naming
APART = 0.7  # cosine: hues at least 45 degrees from each other
GOLDEN = 2.399963  # radians: the golden angle spreads the hues of successive numbers


@dataclass(frozen=True)
class Palette:
    """Colours for a cover, each a triple from 0 to 1.

    `dark` and `light` are grounds and inks, `accent` is bright and `deep` its dark twin: `light` and `accent` can be
    read on `dark`, `dark` and `deep` on `light`, `dark` on `accent`. `cool` and `warm` are for backdrops.
    """

    dark: tuple[float, float, float]
    light: tuple[float, float, float]
    accent: tuple[float, float, float]
    deep: tuple[float, float, float]
    cool: tuple[float, float, float]
    warm: tuple[float, float, float]


def to_linear(colour: np.ndarray) -> np.ndarray:
    """Undo the transfer curve of sRGB (IEC 61966-2-1)."""
    colour = np.asarray(colour, dtype=np.float64)
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def from_linear(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def to_oklab(colour: np.ndarray) -> np.ndarray:
    """sRGB to Oklab: lightness from 0 to 1, then the green-red and the blue-yellow axis."""
    return np.cbrt(to_linear(colour) @ TO_CONES.T) @ TO_LAB.T


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """Oklab to sRGB. What lies outside of sRGB is clipped."""
    return from_linear((np.asarray(lab) @ np.linalg.inv(TO_LAB).T) ** 3 @ np.linalg.inv(TO_CONES).T)


def from_oklch(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """A colour by its lightness, chroma and hue (radians) in Oklab; chroma is lowered until sRGB can show it."""
    for part in np.linspace(1, 0, 41):
        lab = np.array([lightness, chroma * part * math.cos(hue), chroma * part * math.sin(hue)])
        light = (lab @ np.linalg.inv(TO_LAB).T) ** 3 @ np.linalg.inv(TO_CONES).T
        if light.min() >= -1e-4 and light.max() <= 1 + 1e-4:
            break
    return tuple(from_linear(light).tolist())


def luminance(colour: np.ndarray) -> np.ndarray:
    """Relative luminance as WCAG 2.2 defines it, from 0 to 1."""
    return to_linear(colour) @ LUMINANCE


def contrast(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    first, second = luminance(first) + 0.05, luminance(second) + 0.05
    return np.maximum(first, second) / np.minimum(first, second)


def palette_of(picture: Image.Image, others: Sequence[Image.Image], seed: int, trend: Sequence[str] = ()) -> Palette:
    """Take a palette out of the colours of a trend ("#rrggbb", those that it has most of first) and out of pictures.

    The grounds take the leading hue of the trend, else that of the first picture (k-means in Oklab); the accent takes,
    as the seed says, one of the hues apart from it, first the trend's, then the pictures', and where there is none, one
    beside it. Where nothing has a colour the seed alone gives hues.
    """
    usual = hues_of(trend)
    ground = (usual or _leading_hues([picture]) or [seed * GOLDEN % math.tau])[0]
    accents = [hue for hue in [*usual, *_leading_hues([picture, *others])] if math.cos(hue - ground) < APART]
    return palette_from(
        ground, accents[seed % min(2, len(accents))] if accents else ground + (0.7 if seed % 2 else -0.7)
    )


def hues_of(colours: Sequence[str]) -> list[float]:
    """The hues (radians in Oklab) of colours written as "#rrggbb", in their order; greys have none."""
    values = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours]).reshape(-1, 3) / 255
    _, green_red, blue_yellow = to_oklab(values).T
    pairs = zip(np.arctan2(blue_yellow, green_red), np.hypot(green_red, blue_yellow), strict=True)
    return [float(hue) for hue, chroma in pairs if chroma > GREY]


def palette_from(ground: float, accent: float) -> Palette:
    """A palette from two hues (radians in Oklab): the grounds take the first, what stands out the second."""
    return Palette(
        dark=from_oklch(0.20, 0.075, ground),
        light=from_oklch(0.97, 0.014, ground),
        accent=from_oklch(0.83, 0.14, accent),
        deep=from_oklch(0.38, 0.14, accent),
        cool=from_oklch(0.35, 0.10, ground),
        warm=from_oklch(0.85, 0.10, accent),
    )


def _leading_hues(pictures):
    """The hues (radians) of pictures, those that carry most colour first; greys have none."""
    from scipy.cluster.vq import kmeans2

    small = [picture.convert("RGB").resize((36, 64), Image.Resampling.BOX) for picture in pictures]
    pixels = np.concatenate([np.asarray(picture).reshape(-1, 3) for picture in small])
    with warnings.catch_warnings(action="ignore"):  # flat pictures leave clusters empty
        centres, labels = kmeans2(to_oklab(pixels / 255).astype(np.float32), CLUSTERS, minit="++", rng=0)
    chroma = np.hypot(centres[:, 1], centres[:, 2])
    weight = chroma * np.sqrt(np.bincount(labels, minlength=CLUSTERS))
    order = [index for index in np.argsort(-weight, kind="stable") if chroma[index] > GREY and weight[index] > 0]
    return [float(np.arctan2(centres[index, 2], centres[index, 1])) for index in order]
