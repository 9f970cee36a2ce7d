"""What makes the words of a cover readable: a plate behind all of them, or a strip behind each line."""

from PIL import Image, ImageDraw

from animate_text.colour import Palette
from animate_text.layouts import Layout, plate, strips, tag_box

ROUND = 28  # pixels: the radius of the corners of a plate that stands free
ROUND_STRIP = 0.16  # of the size: that of a strip


def ground(picture: Image.Image, layout: Layout, palette: Palette) -> Image.Image:
    """Prepare a picture for the words. What is not behind them stays as it is."""
    if layout.is_empty:
        return picture
    made = picture.copy()
    pen, fill = ImageDraw.Draw(made), rgb(inks(layout, palette)[0])
    if layout.manner == "plate":
        pen.rounded_rectangle(plate(layout), ROUND if layout.side == "centre" else 0, fill=fill)
    else:
        for box in strips(layout):
            pen.rounded_rectangle(box, round(ROUND_STRIP * layout.title.style.size), fill=fill)
        for box in (tag_box(*tag) for tag in layout.tags):
            pen.rounded_rectangle(box, (box[3] - box[1]) // 2, fill=fill)
    return made


def inks(layout: Layout, palette: Palette) -> tuple[tuple[float, float, float], ...]:
    """The ground, the ink of the title, and the ink of bar and tags."""
    return {
        "light": (palette.light, palette.dark, palette.deep),
        "dark": (palette.dark, palette.light, palette.accent),
        "accent": (palette.accent, palette.dark, palette.dark),
    }[layout.tone]


def rgb(colour: tuple[float, float, float]) -> tuple[int, int, int]:
    """A colour from 0 to 1 as Pillow takes it."""
    red, green, blue = (round(255 * part) for part in colour)
    return red, green, blue
