"""Cutting a picture to another shape: no head is cut off, and else what there is most to see of stays."""

from collections.abc import Sequence

from PIL import Image, ImageOps

from animate_text import faces, saliency

SAME_SHAPE = 0.85  # of a picture's width or height that is kept: from then on nothing of note is lost


def fit(
    picture: Image.Image, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """The largest part of a picture that has the shape of a size, with what matters in it (see `place`)."""
    scale = max(size[0] / picture.width, size[1] / picture.height)
    kept = (size[0] / scale / picture.width, size[1] / scale / picture.height)
    if min(kept) >= SAME_SHAPE:
        return ImageOps.fit(picture, size, resample)
    return ImageOps.fit(picture, size, resample, centering=place(picture, kept))


def place(picture: Image.Image, kept: tuple[float, float]) -> tuple[float, float]:
    """Where along its room the part of a picture begins, of which `kept` is the share of width and height.

    The faces are in its middle as far as it goes; where there is none, most of what stands out is in it.
    """
    found = faces.find_in_any_shape(picture)
    if found:
        return _about_faces(found, kept)
    heat = saliency.heat(picture, found)
    interest = [saliency.interest([heat], axis) for axis in (0, 1)]
    across, down = (saliency.window(along, share)[0] for along, share in zip(interest, kept, strict=True))
    return across, down


def _about_faces(found: Sequence[faces.Box], kept: tuple[float, float]) -> tuple[float, float]:
    left, top, right, bottom = (
        pick(sides) for pick, sides in zip((min, min, max, max), zip(*found, strict=True), strict=True)
    )

    def along(first: float, last: float, share: float) -> float:
        room = 1 - share
        return min(1.0, max(0.0, ((first + last - share) / 2) / room)) if room > 0 else 0.5

    return along(left, right, kept[0]), along(top, bottom, kept[1])
