"""Cutting a picture to another shape so that no head is cut off; about the middle where there is no face."""

from PIL import Image, ImageOps

from animate_text import faces

SAME_SHAPE = 0.85  # of a picture's width or height that is kept: from then on nothing of note is lost


def fit(
    picture: Image.Image, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """The largest part of a picture that has the shape of a size, with the faces in its middle as far as it goes."""
    scale = max(size[0] / picture.width, size[1] / picture.height)
    kept = (size[0] / scale / picture.width, size[1] / scale / picture.height)
    if min(kept) >= SAME_SHAPE:
        return ImageOps.fit(picture, size, resample)
    return ImageOps.fit(picture, size, resample, centering=_centring(find_faces(picture), kept))


def find_faces(picture: Image.Image) -> list[faces.Box]:
    """The faces of a picture of any shape: looked for in one as tall as the network wants it, so none is squeezed."""
    width, height = faces.size_for(picture)
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    small = picture.resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (width, height))
    canvas.paste(small)
    across, down = width / small.width, height / small.height
    return [(left * across, top * down, right * across, low * down) for left, top, right, low in faces.find(canvas)]


def _centring(found: list[faces.Box], kept: tuple[float, float]) -> tuple[float, float]:
    """Where along its room the part begins, of which `kept` is the share of width and height."""
    if not found:
        return 0.5, 0.5
    left, top, right, bottom = (
        pick(sides) for pick, sides in zip((min, min, max, max), zip(*found, strict=True), strict=True)
    )

    def along(first: float, last: float, share: float) -> float:
        room = 1 - share
        return min(1.0, max(0.0, ((first + last - share) / 2) / room)) if room > 0 else 0.5

    return along(left, right, kept[0]), along(top, bottom, kept[1])
