"""Which colours a clip has."""

from collections.abc import Sequence

import numpy as np

from trend_insights.traits import Colour

SEEN = 24  # pictures that the colours are taken from
SIDE = 32  # pixels of each
QUANTISED = 24  # colours before those that look alike are merged
ROUNDS = 20  # of k-means, which improves them
ALIKE = 0.09  # distance in OKLab up to which two colours look alike
LEAST = 0.03  # share of the picture that a colour of the palette has
MOST = 6  # colours in the palette

# Ottosson, "A perceptual color space for image processing", 2020
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def measure(pictures: Sequence[np.ndarray]) -> Colour:
    """The colours of `pictures` (BGR, shape (height, width, 3)), taken evenly from a clip."""
    import cv2

    if not pictures:
        return Colour((), (), None, None, None, 0.0)
    chosen = [pictures[round(place)] for place in np.linspace(0, len(pictures) - 1, min(SEEN, len(pictures)))]
    small = [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1] for picture in chosen]
    pixels = np.ascontiguousarray(np.concatenate(small))
    palette, shares = _merged(*_quantised(pixels))
    lightness = oklab(pixels.reshape(-1, 3))[:, 0]
    red, blue = pixels[..., 0].astype(float), pixels[..., 2].astype(float)
    return Colour(
        palette=tuple(_code(colour) for colour in palette),
        shares=tuple(round(float(share), 3) for share in shares),
        brightness=round(float(lightness.mean()), 3),
        contrast=round(float(lightness.std()), 3),
        warmth=round(float((red - blue).mean() / 255), 3),
        confidence=round(min(1.0, len(chosen) / SEEN), 2),
    )


def _quantised(pixels):
    """At most QUANTISED colours that stand for all `pixels`, and the share of each: median cut, then k-means."""
    from PIL import Image
    from scipy.cluster.vq import kmeans2

    image = Image.fromarray(pixels).quantize(QUANTISED, Image.Quantize.MEDIANCUT)
    first = np.array(image.getpalette(), np.float32).reshape(-1, 3)[np.unique(np.asarray(image))]
    colours, nearest = kmeans2(pixels.reshape(-1, 3).astype(np.float32), first, ROUNDS, minit="matrix", missing="warn")
    return colours.astype(float), np.bincount(nearest, minlength=len(colours)) / len(nearest)


def common(found: Sequence[Colour]) -> tuple[str, ...]:
    """One palette out of those of several clips, each clip counting the same: what there is most of first."""
    pairs = [pair for one in found for pair in zip(one.palette, one.shares, strict=True)]
    if not pairs:
        return ()
    colours = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code, _ in pairs], float)
    merged, _ = _merged(colours, np.array([share for _, share in pairs]) / len(found))
    return tuple(_code(colour) for colour in merged)


def _code(colour):
    return "#{:02x}{:02x}{:02x}".format(*(round(value) for value in colour))


def _merged(colours, shares):
    """The colours with the largest shares first, those alike as one: that of the largest."""
    labs = oklab(colours)
    kept: list[int] = []
    total = shares.copy()
    for index in np.argsort(-shares):
        near = [other for other in kept if np.linalg.norm(labs[index] - labs[other]) < ALIKE]
        if near:
            total[near[0]] += shares[index]
        else:
            kept.append(index)
    kept = [index for index in sorted(kept, key=lambda index: -total[index]) if total[index] >= LEAST][:MOST]
    return colours[kept], total[kept]


def oklab(colours: np.ndarray) -> np.ndarray:
    """sRGB from 0 to 255, shape (n, 3), as OKLab's lightness, a and b."""
    values = np.asarray(colours, float) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ TO_CONES.T) @ TO_OKLAB.T
