"""Grounds for pictures that float before them: a slope of light and a pattern, in the colours of the draft."""

import math
from collections.abc import Callable

from PIL import Image, ImageDraw

from animate_text.colour import Palette

CENTRE = (0.5, 0.27)  # of the width and the height: where what floats before it has its middle
STRENGTH = 0.15  # of the pattern over the slope: there, but nothing to look at


def draw(view: str, palette: Palette, size: tuple[int, int]) -> Image.Image:
    """The ground that belongs to a view of a picture (see views.LAYERED), RGB."""
    slope = Image.new("RGB", (1, 5))
    colours = (palette.cool, palette.cool, _mixed(palette.cool, palette.dark, 0.6), palette.dark, palette.dark)
    for row, colour in enumerate(colours):
        slope.putpixel((0, row), _bytes(colour))
    ground = slope.resize(size, Image.Resampling.BICUBIC)
    mask = Image.new("L", size)
    PATTERNS[view](ImageDraw.Draw(mask), *size)
    colour = palette.light if view in ("arch", "circle") else palette.accent
    ground.paste(_bytes(colour), mask=mask.point(lambda level: round(STRENGTH * level)))
    return ground


def _mixed(one: tuple[float, float, float], other: tuple[float, float, float], part: float) -> tuple[float, ...]:
    return tuple(a * (1 - part) + b * part for a, b in zip(one, other, strict=True))


def _bytes(colour: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in colour)


def _rays(pen: ImageDraw.ImageDraw, width: int, height: int, count: int = 26) -> None:
    x, y = CENTRE[0] * width, CENTRE[1] * height
    reach, step = 1.2 * height, math.tau / count
    for ray in range(count):
        ends = [(x + reach * math.cos(a), y + reach * math.sin(a)) for a in (ray * step, (ray + 0.5) * step)]
        pen.polygon([(x, y), *ends], fill=255)


def _rings(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    x, y = CENTRE[0] * width, CENTRE[1] * height
    for ring in range(4, 24):
        reach = 0.095 * width * ring
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), outline=255, width=round(0.03 * width))


def _dots(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    step = 0.075 * width
    for row in range(math.ceil(height / step)):
        r = 0.42 * step * (0.25 + 0.75 * abs(1 - 2 * row * step / height))
        for column in range(-1, math.ceil(width / step) + 1):
            x, y = (column + row % 2 / 2) * step, (row + 0.5) * step
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)


def _stripes(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    step = 0.13 * width
    for stripe in range(-math.ceil(height / step), math.ceil(2 * width / step)):
        x = stripe * step
        pen.polygon([(x, height), (x + 0.5 * step, height), (x + 0.5 * step + height, 0), (x + height, 0)], fill=255)


def _waves(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    step = 0.085 * width
    for wave in range(-1, math.ceil(height / step) + 1):
        line = [
            (x, wave * step + 0.35 * step * math.sin(math.tau * x / width * 2.5 + wave / 2))
            for x in range(-8, width + 16, max(1, width // 120))
        ]
        pen.line(line, fill=255, width=round(0.022 * width), joint="curve")


PATTERNS: dict[str, Callable[[ImageDraw.ImageDraw, int, int], None]] = {
    "arch": _rays,
    "circle": _rings,
    "print": _dots,
    "pair": _stripes,
    "strips": _waves,
}
