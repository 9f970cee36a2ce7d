"""Pictures cut to shapes that float before a ground, with their shadows: RGBA, in a box above the captions."""

from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from animate_text import framing
from animate_text.colour import Palette

# All lengths are pixels of a frame that is 1080 wide.
CANVAS = (900, 830)
EDGE = 90  # around what is cut out: room for shadows, and for what is turned
ROUND = 44  # radius of corners
SHADOW = (14, 20, 165)  # how far below, how soft, and how dark of 255
PRINT = (520, 610)  # a photograph with a white border
BORDER = (22, 84)  # of it: on three sides, and below

Rectangle = tuple[float, float, float, float]
WHOLE: Rectangle = (EDGE, EDGE, CANVAS[0] - EDGE, CANVAS[1] - EDGE)


def cut(
    view: str, picture: Image.Image, parts: Sequence[Image.Image], palette: Palette, frame_width: int
) -> Image.Image:
    """The picture as a view of it shows it (see views.LAYERED); `parts` are closer looks at it."""
    scale = frame_width / 1080
    canvas = Image.new("RGBA", _pixels(CANVAS, scale))
    for layer in _LAYERS[view](picture, parts, palette, scale):
        canvas.alpha_composite(_shadow(layer, scale))
        canvas.alpha_composite(layer)
    return canvas


def _shadow(layer: Image.Image, scale: float) -> Image.Image:
    below, soft, dark = SHADOW
    shape = layer.getchannel("A").point(lambda level: level * dark // 255)
    moved = ImageChops.offset(shape, 0, round(scale * below)).filter(ImageFilter.GaussianBlur(scale * soft))
    shadow = Image.new("RGBA", layer.size)
    shadow.putalpha(moved)
    return shadow


def _card(
    picture: Image.Image, _parts: Sequence[Image.Image], _palette: Palette, scale: float
) -> Sequence[Image.Image]:
    return [_shaped(picture, _rounded([WHOLE], scale), WHOLE, scale)]


def _arch(picture: Image.Image, _parts: Sequence[Image.Image], palette: Palette, scale: float) -> Sequence[Image.Image]:
    left, top, right, bottom = 140, EDGE, 760, CANVAS[1] - EDGE

    def mask(shift: float) -> Image.Image:
        def shape(pen: ImageDraw.ImageDraw, unit: float) -> None:
            x, y, end = (left + shift) * unit, (top + shift) * unit, (right + shift) * unit
            pen.ellipse((x, y, end, y + end - x), fill=255)
            pen.rectangle((x, y + (end - x) / 2, end, (bottom + shift) * unit), fill=255)

        return _mask(shape, scale)

    behind = _coloured(palette.accent, mask(28))
    return [behind, _shaped(picture, mask(0), (left, top, right, bottom), scale)]


def _circle(
    picture: Image.Image, _parts: Sequence[Image.Image], palette: Palette, scale: float
) -> Sequence[Image.Image]:
    middle, radius = (CANVAS[0] / 2, CANVAS[1] / 2), 325

    def box(reach: float) -> Rectangle:
        return middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach

    def mask(reach: float) -> Image.Image:
        return _mask(lambda pen, unit: pen.ellipse([side * unit for side in box(reach)], fill=255), scale)

    behind = _coloured(palette.accent, mask(radius + 18))
    return [behind, _shaped(picture, mask(radius), box(radius), scale)]


def _print(picture: Image.Image, parts: Sequence[Image.Image], palette: Palette, scale: float) -> Sequence[Image.Image]:
    return [_turned(parts[0], palette, scale, 8, 40), _turned(picture, palette, scale, -4, -30)]


def _turned(picture: Image.Image, palette: Palette, scale: float, degrees: float, right: float) -> Image.Image:
    """A photograph on white paper, turned about its middle."""
    size = _pixels(PRINT, scale)
    side, below = (round(scale * border) for border in BORDER)
    paper = Image.new("RGB", size, _bytes(palette.light))
    inner = (size[0] - 2 * side, size[1] - side - below)
    paper.paste(framing.fit(picture, inner), (side, side))
    flat = Image.new("RGBA", _pixels(CANVAS, scale))
    flat.paste(paper, (round((flat.width - size[0]) / 2 + scale * right), (flat.height - size[1]) // 2))
    return flat.rotate(degrees, Image.Resampling.BICUBIC)


def _pair(_picture: Image.Image, parts: Sequence[Image.Image], palette: Palette, scale: float) -> Sequence[Image.Image]:
    layers = []
    for part, (left, top, right, bottom) in zip(parts, ((90, 90, 500, 590), (420, 300, 810, 740)), strict=False):
        edge = (left - 10, top - 10, right + 10, bottom + 10)
        layers.append(_coloured(palette.light, _rounded([edge], scale)))
        layers.append(_shaped(part, _rounded([(left, top, right, bottom)], scale), (left, top, right, bottom), scale))
    return layers


def _strips(
    picture: Image.Image, _parts: Sequence[Image.Image], _palette: Palette, scale: float
) -> Sequence[Image.Image]:
    left, top, right, bottom = WHOLE
    width = (right - left - 2 * 24) / 3
    strips = [(left + n * (width + 24), top + (n == 1) * 70, left + n * (width + 24) + width) for n in range(3)]
    shapes = [(x, y, end, bottom - (n != 1) * 70) for n, (x, y, end) in enumerate(strips)]
    return [_shaped(picture, _rounded(shapes, scale), WHOLE, scale)]


def _rounded(shapes: Sequence[Rectangle], scale: float) -> Image.Image:
    def draw(pen: ImageDraw.ImageDraw, unit: float) -> None:
        for shape in shapes:
            left, top, right, bottom = (side * unit for side in shape)
            pen.rounded_rectangle((left, top, right - 1, bottom - 1), ROUND * unit, fill=255)

    return _mask(draw, scale)


def _mask(draw: Callable[[ImageDraw.ImageDraw, float], object], scale: float) -> Image.Image:
    """A shape on the canvas, drawn twice as large, so that its edges come out smooth."""
    large = Image.new("L", _pixels(CANVAS, 2 * scale))
    draw(ImageDraw.Draw(large), 2 * scale)
    return large.resize(_pixels(CANVAS, scale), Image.Resampling.BOX)


def _shaped(picture: Image.Image, mask: Image.Image, box: Rectangle, scale: float) -> Image.Image:
    """What of a picture that fills `box` lies in the mask."""
    left, top, right, bottom = (round(scale * side) for side in box)
    layer = Image.new("RGBA", mask.size)
    layer.paste(framing.fit(picture, (right - left, bottom - top)), (left, top))
    layer.putalpha(mask)
    return layer


def _coloured(colour: tuple[float, float, float], mask: Image.Image) -> Image.Image:
    layer = Image.new("RGBA", mask.size, _bytes(colour))
    layer.putalpha(mask)
    return layer


def _pixels(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return round(scale * size[0]), round(scale * size[1])


def _bytes(colour: tuple[float, float, float]) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in colour)


_LAYERS = {"card": _card, "arch": _arch, "circle": _circle, "print": _print, "pair": _pair, "strips": _strips}
