"""Make a cover of a picture: a title and hashtags set on it so that they can be read."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from animate_text import typefaces, typesetting
from animate_text.colour import Palette
from animate_text.typefaces import Style
from animate_text.typesetting import Block

WIDTH, HEIGHT = 1080, 1920

# The part that no app covers with its own interface. Meta's guide for Reels keeps 14 % at the top and 6 % at the sides
# free; guides for YouTube Shorts leave out the lowest quarter, those for TikTok the column of buttons at the right.
LEFT, TOP, RIGHT, BOTTOM = 72, 270, 930, 1440

# How a title may be set, tried in turn: the most height it may take, its sizes, and whether words may be broken.
SETTINGS = (
    (600, tuple(range(300, 82, -6)), False),
    (860, tuple(range(82, 62, -4)), False),
    (860, tuple(range(76, 46, -4)), True),
)
SMALLEST = 48  # pixels; about 17 points on a phone
TITLE_WEIGHT, TAG_WEIGHT = 800, 600
TAG_SIZES = (44, 40, 36)
TAG_ROWS = 2
MOST_TAGS = 12
TAG_GAP = 18  # between two tags
TAG_PAD = 24  # between a tag and the ends of its outline
TAG_HIGH, TAG_LOW = 1.10, 0.38  # of the size: how far the outline of a tag reaches above and below the baseline
BAR = (132, 14)  # the accent above a title
AIR = 50  # between bar, title and tags
PADDING = 64  # of a panel
STROKE = 3

FADE = 460  # pixels over which a field of colour runs out into the picture
CALM = 0.35  # how far the picture behind the words is evened out
FROST = 7  # blur under the words, in pixels of a quarter of the size

COMPRESSION = 2  # of the PNG: higher levels take seconds and save a few per cent


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels. The words fill `top` to `bottom`; `tags` are (block, left edge, baseline).

    `column` is the left and the right edge of the lines. `panel` sets them on a plate with edges, else on the picture
    itself in one colour; `paper` makes the ground light and the ink dark.
    """

    panel: bool
    paper: bool
    at_top: bool
    align: str
    column: tuple[int, int]
    title: Block
    title_top: int
    tags: tuple[tuple[Block, int, int], ...]
    top: int
    bottom: int

    @property
    def is_empty(self) -> bool:
        return not (self.title.lines or self.tags)


def cover(picture: Image.Image, title: str, hashtags: Sequence[str], palette: Palette, seed: int) -> bytes:
    """Scale a picture of any size to cover 1080x1920, set a title and hashtags on it, and return the PNG file.

    Both may be any text, of any length, or empty. The seed varies place, alignment and colours. The contrast of
    the words with all that is behind them is at least 4.5:1, and they stay inside the safe area of short-video apps.
    """
    random = np.random.default_rng(seed % 2**63)
    picture = fill(picture, zoom=1 + 0.05 * random.random())
    layout = arrange(title, hashtags, picture, random)
    file = io.BytesIO()
    ink(ground(picture, layout, palette), layout, palette).save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def fill(picture: Image.Image, zoom: float = 1.0) -> Image.Image:
    """Scale and crop a picture to 1080x1920; of a wide one the part with the most detail is kept."""
    picture = picture.convert("RGB")
    scale = min(picture.width / WIDTH, picture.height / HEIGHT) / zoom
    width, height = WIDTH * scale, HEIGHT * scale
    centre = _busiest_column(picture, width) if width < 0.8 * picture.width else picture.width / 2
    left = min(max(centre - width / 2, 0), picture.width - width)
    upper = (picture.height - height) * 0.4
    box = (left, upper, left + width, upper + height)
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box)


def _busiest_column(picture, width):
    """The middle of the stretch of `width` pixels with the most edges; those near the middle count more."""
    small = picture.convert("L").resize((160, 90))
    edges = np.abs(np.diff(np.asarray(small, dtype=np.float32), axis=1)).mean(axis=0)
    window = max(1, round(width / picture.width * 160))
    energy = np.convolve(edges, np.ones(window) / window, mode="same")
    energy *= 1 - 0.5 * np.abs(np.linspace(-1, 1, len(energy)))
    return (int(energy.argmax()) + 0.5) / 160 * picture.width


def arrange(title: str, hashtags: Sequence[str], picture: Image.Image, random: np.random.Generator) -> Layout:
    """Choose a layout for a picture that is 1080x1920, and fit the words into it."""
    panel, centred, paper = random.random() < 0.4, random.random() < 0.35, random.random() < 0.5
    at_top = _is_calmer_at_top(picture, random.random())
    paper = paper and (panel or _is_bright(picture, at_top))
    words = typefaces.clean(title)
    align = "right" if typefaces.is_right_to_left(words) else "centre" if centred and not panel else "left"
    column = _column(align, panel)
    width = column[1] - column[0]
    return _place(set_title(words, width), _rows_of_tags(hashtags, width), column, align, panel, paper, at_top)


def _column(align, panel):
    """The edges of the lines: those of the safe area, less the padding of a panel, or as far from the middle."""
    if align == "centre":
        return WIDTH - RIGHT, RIGHT
    padding = PADDING if panel else 0
    return (LEFT + padding, RIGHT) if align == "right" else (LEFT, RIGHT - padding)


def _is_bright(picture, at_top):
    zone = (0, TOP, WIDTH, HEIGHT // 2) if at_top else (0, HEIGHT // 2, WIDTH, BOTTOM)
    return bool(np.asarray(picture.convert("L").resize((16, 16), Image.Resampling.BOX, box=zone)).mean() > 140)


def _place(title, rows, column, align, panel, paper, at_top):
    """Stack bar, title and tags, against the top or the bottom of the safe area."""
    above = BAR[1] + AIR if title.lines else 0
    row_height = round((TAG_HIGH + TAG_LOW) * rows[0][0].style.size) if rows else 0
    below = len(rows) * (row_height + TAG_GAP) - TAG_GAP + (AIR if title.lines else 0) if rows else 0
    edge = PADDING if panel else 0
    height = above + title.height + below
    top = TOP + edge if at_top else BOTTOM - edge - height
    tags, y = [], top + height - below + (AIR if title.lines else 0)
    for row in rows:
        x = column[0] + _slack(align, column[1] - column[0] - _row_width(row))
        for block in row:
            tags.append((block, x + TAG_PAD, y + round(TAG_HIGH * block.style.size)))
            x += block.width + 2 * TAG_PAD + TAG_GAP
        y += row_height + TAG_GAP
    return Layout(panel, paper, at_top, align, column, title, top + above, tuple(tags), top, top + height)


def _slack(align, room):
    return {"left": 0, "centre": room // 2, "right": room}[align]


def _row_width(row):
    return sum(block.width + 2 * TAG_PAD for block in row) + TAG_GAP * (len(row) - 1)


def _is_calmer_at_top(picture, doubt):
    """Compare the edges in the two places for words; where they hardly differ, the number `doubt` (0 to 1) decides."""
    small = np.asarray(picture.convert("L").resize((90, 160), Image.Resampling.BOX), dtype=np.float32)
    edges = np.abs(np.diff(small, axis=0))[:, 1:] + np.abs(np.diff(small, axis=1))[1:]
    top, bottom = edges[22:66].mean(), edges[74:122].mean()
    return bool(top < bottom * (0.5 + 0.7 * doubt))


def set_title(words: str, width: int) -> Block:
    """Set a cleaned title as large as a cover allows."""
    cut = words[: typefaces.LONGEST]
    if _has_letters(cut) and not _has_letters(typefaces.only_set(cut, typefaces.fonts_for(cut))):
        cut = ""  # of a script that no font has, punctuation would be left alone
    for height, sizes, break_words in SETTINGS:
        block = typesetting.fit(cut, (width, height), sizes, TITLE_WEIGHT, break_words)
        if block is not None and (not cut or len(cut) == len(words)):
            return block
    return typesetting.shorten(cut, (width, SETTINGS[-1][0]), Style(SMALLEST, TITLE_WEIGHT))


def _has_letters(text):
    return any(sign.isalnum() for sign in text)


def _rows_of_tags(hashtags, width):
    """Set each hashtag, and gather them in rows. What does not fit the last row is left out."""
    tags = dict.fromkeys(tag for text in hashtags[:MOST_TAGS] if (tag := _tag(text)))
    rows = []
    for size in TAG_SIZES:
        rows = _flow([block for tag in tags if (block := _set_tag(tag, width, size))], width)
        if len(rows) <= TAG_ROWS:
            break
    return rows[:TAG_ROWS]


def _set_tag(tag, width, size):
    return typesetting.fit(tag, (width - 2 * TAG_PAD, 2 * size), [size], TAG_WEIGHT)


def _tag(text):
    """A hashtag with its sign in front and no spaces, or nothing."""
    word = typefaces.clean(text).replace(" ", "").lstrip("#＃")
    fonts = typefaces.fonts_for(word)
    return "#" + word if typefaces.only_set(word, fonts) else ""


def _flow(blocks, width):
    rows = []
    for block in blocks:
        if not rows or _row_width([*rows[-1], block]) > width:
            rows.append([])
        rows[-1].append(block)
    return rows


def ground(picture: Image.Image, layout: Layout, palette: Palette) -> Image.Image:
    """Prepare a picture for the words: a plate, or the picture itself in one colour and out of focus behind them.

    Multiplied by a dark colour, no pixel is lighter than that colour; screened with a light one, none is darker. So the
    contrast does not depend on what the picture shows.
    """
    if layout.is_empty:
        return picture
    if layout.panel:
        return _with_panel(picture, layout, palette)
    words, beyond = _fields(layout)
    soft = Image.composite(_blurred(picture), picture, words)
    soft = Image.blend(soft, Image.new("RGB", soft.size, "black" if layout.paper else "white"), CALM)
    blend = ImageChops.screen if layout.paper else ImageChops.multiply
    tint = Image.new("RGB", picture.size, _rgb(palette.mist if layout.paper else palette.shade))
    return Image.composite(blend(soft, tint), picture, beyond)


def _colours(layout, palette):
    """The ground, the ink of the title, and the ink of bar and tags."""
    if layout.panel:
        return (
            (palette.light, palette.dark, palette.deep)
            if layout.paper
            else (palette.accent, palette.dark, palette.dark)
        )
    return (
        (palette.light, palette.dark, palette.deep) if layout.paper else (palette.dark, palette.light, palette.accent)
    )


def _rgb(colour):
    return tuple(round(255 * part) for part in colour)


def _fields(layout):
    """Two masks: the first is full behind the words only, the second from there to the near edge of the picture."""
    y = np.arange(HEIGHT, dtype=np.float32)
    rise = _smooth((y - (layout.top - AIR - FADE)) / FADE)
    fall = _smooth((layout.bottom + AIR + FADE - y) / FADE)
    return [
        Image.fromarray(np.uint8(np.repeat(255 * level[:, None] + 0.5, WIDTH, axis=1)))
        for level in (rise * fall, fall if layout.at_top else rise)
    ]


def _smooth(part):
    """The smoothest step from 0 to 1 of fifth order (Ken Perlin, 2002)."""
    part = np.clip(part, 0, 1)
    return part**3 * (part * (part * 6 - 15) + 10)


def _blurred(picture):
    small = picture.resize((WIDTH // 4, HEIGHT // 4), Image.Resampling.BOX)
    return small.filter(ImageFilter.GaussianBlur(FROST)).resize(picture.size, Image.Resampling.BICUBIC)


def _with_panel(picture, layout, palette):
    """A plate that comes in from the edge of the picture on the side where the lines begin."""
    made = picture.copy()
    left, right = layout.column
    boxes = [_tag_box(*tag) for tag in layout.tags]
    upper, lower = layout.top - PADDING, layout.bottom + PADDING
    if layout.align == "right":
        box = (min([right - layout.title.width, *(box[0] for box in boxes)]) - PADDING, upper, WIDTH, lower)
    else:
        box = (0, upper, max([left + layout.title.width, *(box[2] for box in boxes)]) + PADDING, lower)
    ImageDraw.Draw(made).rectangle(box, fill=_rgb(_colours(layout, palette)[0]))
    return made


def _tag_box(block, left, baseline):
    size = block.style.size
    return (
        left - TAG_PAD,
        baseline - round(TAG_HIGH * size),
        left + block.width + TAG_PAD,
        baseline + round(TAG_LOW * size),
    )


def ink(picture: Image.Image, layout: Layout, palette: Palette) -> Image.Image:
    """Set bar, title and tags on a picture that was prepared for them."""
    made = picture.copy()
    pen = ImageDraw.Draw(made)
    _, main, second = map(_rgb, _colours(layout, palette))
    left, right = layout.column
    if layout.title.lines:
        x = left + _slack(layout.align, right - left - BAR[0])
        pen.rectangle((x, layout.top, x + BAR[0] - 1, layout.top + BAR[1] - 1), fill=second)
        typesetting.draw(layout.title, pen, (left, layout.title_top, right), layout.align, main)
    for block, start, baseline in layout.tags:
        box = _tag_box(block, start, baseline)
        pen.rounded_rectangle(box, radius=(box[3] - box[1]) // 2, outline=second, width=STROKE)
        typesetting.draw(block, pen, (start, baseline - block.ascent, start + block.width), "left", second)
    return made
