"""Make a cover of a picture: a title and hashtags set on it so that they can be read and its subject can be seen."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from animate_text import framing, typesetting
from animate_text.colour import Palette
from animate_text.layouts import BAR, HEIGHT, WIDTH, Layout, arrange, slack, tag_box
from animate_text.plates import ground, inks, rgb

STROKE = 3  # pixels: the outline of a hashtag
ZOOM = 0.05  # how much larger than it must be a picture is at most
COMPRESSION = 2  # of the PNG: higher levels take seconds and save a few per cent


def cover(
    picture: Image.Image,
    title: str,
    hashtags: Sequence[str],
    palette: Palette,
    seed: int,
    places: Sequence[Sequence[float]] = (),
) -> bytes:
    """Scale a picture of any size to cover 1080x1920, set a title and hashtags on it, and return the PNG file.

    Both may be any text, of any length, or empty. They stand where they hide least of what the picture shows, by
    choice where the trend has its text (`places`: rows of how often, from top to bottom of the frame); the seed varies
    the rest. The contrast of the words with all that is behind them is at least 4.5:1, and they stay inside the safe
    area of short-video apps.
    """
    random = np.random.default_rng(seed % 2**63)
    picture = fill(picture, zoom=1 + ZOOM * random.random())
    layout = arrange(title, hashtags, picture, random, places)
    file = io.BytesIO()
    ink(ground(picture, layout, palette), layout, palette).save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def fill(picture: Image.Image, zoom: float = 1.0) -> Image.Image:
    """Scale and crop a picture to 1080x1920; of a wide one the part with what matters is kept (see framing.place)."""
    picture = picture.convert("RGB")
    scale = min(picture.width / WIDTH, picture.height / HEIGHT) / zoom
    width, height = min(WIDTH * scale, picture.width), min(HEIGHT * scale, picture.height)  # not above by a rounding
    kept = (width / picture.width, height / picture.height)
    across = framing.place(picture, kept)[0] if kept[0] < framing.SAME_SHAPE else 0.5
    left = across * (picture.width - width)
    upper = (picture.height - height) * 0.4
    box = (left, upper, left + width, upper + height)
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box)


def ink(picture: Image.Image, layout: Layout, palette: Palette) -> Image.Image:
    """Set bar, title and tags on a picture that was prepared for them."""
    made = picture.copy()
    pen = ImageDraw.Draw(made)
    _, main, second = map(rgb, inks(layout, palette))
    left, right = layout.column
    if layout.title_top > layout.top:
        x = left + slack(layout.align, right - left - BAR[0])
        pen.rectangle((x, layout.top, x + BAR[0] - 1, layout.top + BAR[1] - 1), fill=second)
    typesetting.draw(layout.title, pen, (left, layout.title_top, right), layout.align, main)
    for block, start, baseline in layout.tags:
        box = tag_box(block, start, baseline)
        if layout.manner != "strips":
            pen.rounded_rectangle(box, radius=(box[3] - box[1]) // 2, outline=second, width=STROKE)
        typesetting.draw(block, pen, (start, baseline - block.ascent, start + block.width), "left", second)
    return made
