"""The pictures of a draft as ffmpeg takes them: twice as large as a frame, in one view or another, never broken."""

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from animate_text import cutouts, framing, grounds, poster, views
from animate_text.colour import Palette, palette_from, palette_of, to_oklab
from animate_text.timeline import HEIGHT, WIDTH
from core.picture_quality import laplacian

SCALE = 2  # of a frame: what a camera that goes close still finds detail in, and moves over without trembling
LARGEST = 40_000_000  # pixels: a picture that claims more is not decoded
SMALLEST = 32  # pixels to a side
PART = 0.62  # of the width and height of a picture: a closer look at it
PLACES = 5  # to try for it along each side
GLANCE = (270, 480)  # pixels of it that are looked at
OLD_WORDS = 0.02  # of the worth of a part with words that were on the picture already
SHADE = 0.62  # of the light: what is left of a picture behind its card
MUD = (1.0, 2.6)  # radians in Oklab: the hues from orange to yellow-green, which look like mud when they are dark
DUSK = 0.72  # of the light: what is left where captions stand


@dataclass(frozen=True)
class Plate:
    """The files of a view: `back`, and where something floats before it `front` (RGBA, with its shadow)."""

    back: Path
    front: Path | None = None


def open_picture(data: bytes) -> Image.Image | None:
    """Decode a picture; None where it is broken, huge or tiny."""
    try:
        with warnings.catch_warnings(action="ignore"):
            picture = Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"])
            if picture.width * picture.height > LARGEST or min(picture.size) < SMALLEST:
                return None
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError):
        return None


def palette(pictures: list[Image.Image], prompt: str, seed: int) -> Palette:
    """The colours of a draft: those of its first picture, else what the prompt and the seed give."""
    if pictures:
        small = [picture.resize((270, 480), Image.Resampling.BOX) for picture in pictures]
        return palette_of(small[0], small, seed)
    return palette_of(Image.new("RGB", (36, 64)), [], seed + sum(map(ord, prompt)) % 97)


def backdrop(colours: Palette, seed: int) -> Image.Image:
    """A picture of the studio's own, for where there is none."""
    return poster.backdrop(clear(colours), seed)


def clear(colours: Palette) -> Palette:
    """The same colours for a whole ground: where it would look like mud, it changes places with the accent."""
    hue, accent = _hue(colours.cool), _hue(colours.accent)
    if not MUD[0] < hue < MUD[1]:
        return colours
    return palette_from(accent if not MUD[0] < accent < MUD[1] else MUD[1], hue)


def _hue(colour: tuple[float, float, float]) -> float:
    """Radians in Oklab, from 0 to 2 pi."""
    _, green_red, blue_yellow = to_oklab(np.array(colour))
    return float(np.arctan2(blue_yellow, green_red)) % math.tau


def write_plate(
    view: str, picture: Image.Image, closer: Sequence[Image.Image], palette: Palette, folder: Path, name: str
) -> Plate:
    """Write what ffmpeg needs of a view of a picture into `folder`. BMP: large, but read at once.

    `closer` are the picture's `parts`.
    """
    back = folder / f"{name}.bmp"
    whole = (SCALE * WIDTH, SCALE * HEIGHT)
    if view not in views.LAYERED:
        seen = _close(view, closer, palette) if view in views.CLOSE else picture
        _dusk(framing.fit(seen, whole, Image.Resampling.BICUBIC)).save(back)
        return Plate(back)
    ground = _soft(picture, whole) if view == "card" else grounds.draw(view, clear(palette), whole)
    ground.save(back)
    front = folder / f"{name}.png"
    cutouts.cut(view, picture, closer, palette, WIDTH).save(front, compress_level=1)
    return Plate(back, front)


def _close(view: str, closer: Sequence[Image.Image], palette: Palette) -> Image.Image:
    """A part of a picture, sharpened for what it is enlarged; one view has it in two colours."""
    part = closer[views.CLOSE.index(view)].filter(ImageFilter.UnsharpMask(2.5, 60, 2))
    if view != "close-2":
        return part
    dark, middle, light = (
        tuple(round(255 * c) for c in colour) for colour in (palette.dark, palette.cool, palette.light)
    )
    return ImageOps.colorize(ImageOps.autocontrast(part.convert("L"), 1), dark, light, middle, 0, 255, 105)


def parts(picture: Image.Image) -> list[Image.Image]:
    """Three closer looks at a picture, away from each other: where there is most to see, and no old words to be cut."""
    frame = ImageOps.fit(picture, (min(picture.width, 2 * WIDTH), min(picture.height, 2 * HEIGHT)))
    glance = (round(GLANCE[0] / PART), round(GLANCE[1] / PART))
    grey = np.asarray(frame.convert("L").resize(glance, Image.Resampling.BOX), dtype=np.float32)
    detail = np.abs(laplacian(grey))
    steps = np.linspace(0, 1, PLACES)
    places = [(x, y) for y in steps for x in steps]
    worth = {}
    for x, y in places:
        left, top = round(x * (glance[0] - GLANCE[0])), round(y * (glance[1] - GLANCE[1]))
        here = np.s_[top : top + GLANCE[1], left : left + GLANCE[0]]
        worth[x, y] = float(detail[here].mean() + 1e-3) * (OLD_WORDS if poster.has_captions(grey[here]) else 1)
    chosen: list[tuple[float, float]] = []
    for _ in range(3):
        far = {p: min((math.dist(p, other) for other in chosen), default=1.0) for p in places}
        chosen.append(max(places, key=lambda p: worth[p] * min(far[p], 0.8) ** 2))
    size = (round(PART * frame.width), round(PART * frame.height))
    corners = [(round(x * (frame.width - size[0])), round(y * (frame.height - size[1]))) for x, y in chosen]
    return [frame.crop((left, top, left + size[0], top + size[1])) for left, top in corners]


def _soft(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture out of focus, and darker."""
    small = ImageOps.fit(picture, (270, 480), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(9))
    return small.point(lambda level: round(SHADE * level)).resize(size, Image.Resampling.BICUBIC)


def _dusk(picture: Image.Image) -> Image.Image:
    """Darker towards the bottom, where captions stand."""
    shade = dusk(picture.size)
    return Image.composite(shade.convert("RGB"), picture, shade.getchannel("A"))


def dusk(size: tuple[int, int]) -> Image.Image:
    """What makes a picture darker towards the bottom, RGBA: smooth, so that nobody sees where it begins."""
    y = np.linspace(0, 1, 256)
    light = 1 - (1 - DUSK) * np.clip((y - 0.35) / 0.3, 0, 1) ** 2 * (3 - 2 * np.clip((y - 0.35) / 0.3, 0, 1))
    mask = Image.fromarray(np.uint8(np.repeat(255 * (1 - light)[:, None], 4, axis=1))).resize(size)
    shade = Image.new("RGBA", size)
    shade.putalpha(mask)
    return shade
