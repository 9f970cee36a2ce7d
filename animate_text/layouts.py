"""Where the words of a cover stand: where they hide least of what it shows."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from animate_text import saliency, typefaces
from animate_text.typesetting import Block
from animate_text.wording import TAG_GAP, TAG_HIGH, TAG_LOW, TAG_PAD, row_width, rows_of_tags, set_title

WIDTH, HEIGHT = 1080, 1920

# The part that no app covers with its own interface. Meta's guide for Reels keeps 14 % at the top and 6 % at the sides
# free; guides for YouTube Shorts leave out the lowest quarter, those for TikTok the column of buttons at the right.
LEFT, TOP, RIGHT, BOTTOM = 72, 270, 930, 1440

BAR = (132, 14)  # the accent above a title
AIR = 42  # between bar, title and tags
PADDING = 48  # of a plate
STRIP_SIDE, STRIP_ABOVE, STRIP_BELOW = 0.24, 0.13, 0.10  # of the size: how far a strip reaches beyond its letters

MANNERS = ("plate", "strips")
SIDES = ("left", "centre", "right")
COLUMNS = (790, 520)  # pixels: how wide the words may be
HEIGHTS = (560, 400, 290, 210, 150)  # pixels that a title may take
PLACES = 14  # from the top of the safe area to its bottom

# What speaks against a layout, in shares of what is to see that it hides.
KEPT = 0.6  # of the subject: what a layout should leave to see
HIDING = 2.0  # for each share of the subject that is missing to that
SMALL = 0.13  # for each halving of the title's size under LARGE, since it is read on a phone
LARGE = 136  # pixels
FEWER_TAGS = 0.04  # for a row of hashtags left out
TASTE = 0.05  # at most, for a side and a place that the seed likes less than another
MANNER = 0.12  # for the manner that the seed likes less
ELSEWHERE = 0.18  # for words that stand where the trend never has any


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels. The words fill `top` to `bottom`; `tags` are (block, left edge, baseline).

    `manner` is what makes them readable: a "plate" behind all of them, or "strips" behind each line. `tone` is that of
    the plate: "light", "dark" or "accent". `column` is the left and the right edge of the lines, at the `side` of the
    picture.
    """

    manner: str
    tone: str
    side: str
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


def arrange(
    title: str,
    hashtags: Sequence[str],
    picture: Image.Image,
    random: np.random.Generator,
    places: Sequence[Sequence[float]] = (),
) -> Layout:
    """Choose a layout for a picture that is 1080x1920: that which hides least, of those that `random` likes.

    `places` is how often the trend has text in each field of its frame: rows from top to bottom.
    """
    words = typefaces.clean(title)
    lost, tastes = _Lost(saliency.heat(picture)), _tastes(random)
    jitter, usual = TASTE * random.random(PLACES), _usual_rows(places)
    choice = random.random()
    tone = "light" if choice < 0.4 else "dark" if choice < 0.75 else "accent"
    found: list[tuple[float, Layout]] = []
    for fitted in _fittings(words, hashtags):
        for manner, side, number in itertools.product(MANNERS, SIDES, range(PLACES)):
            layout = _place(fitted, manner, side, tone, number / (PLACES - 1))
            cost = fitted.cost + tastes.get(manner, 0.0) + tastes[side] + jitter[number]
            found.append((cost + lost.by(covered(layout)) + _elsewhere(layout, usual), layout))
    return min(found, key=lambda pair: pair[0])[1]


def _tastes(random):
    """What speaks against each manner and each side by the seed alone."""
    return {random.choice(MANNERS): MANNER} | {side: TASTE * random.random() for side in SIDES}


@dataclass(frozen=True)
class _Fitted:
    """The words at a size, and what speaks against it."""

    title: Block
    rows: list[list[Block]]
    right_to_left: bool
    cost: float

    @property
    def width(self) -> int:
        return max([self.title.width, *map(row_width, self.rows)])


def _fittings(words: str, hashtags: Sequence[str]) -> Iterator[_Fitted]:
    """The words at every size that they may have."""
    backwards, seen = typefaces.is_right_to_left(words), set()
    for width in COLUMNS:
        rows = rows_of_tags(hashtags, width)
        for height in HEIGHTS:
            title = set_title(words, width, height)
            if title.lines and (title.lines, title.style.size) in seen:
                continue
            seen.add((title.lines, title.style.size))
            small = SMALL * max(0.0, np.log2(LARGE / title.style.size)) if title.lines else 0.0
            for count in range(len(rows), max(0, len(rows) - 2), -1) if rows else (0,):
                yield _Fitted(title, rows[:count], backwards, small + FEWER_TAGS * (len(rows) - count))


class _Lost:
    """What is lost of a picture by covering parts of it."""

    def __init__(self, heat: np.ndarray):
        parts = np.stack([heat, saliency.subject(heat).astype(float)], axis=-1)
        shares = parts / np.maximum(parts.sum(axis=(0, 1)), 1e-9)
        self._integral = np.pad(shares.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))

    def by(self, boxes: Sequence[tuple[int, int, int, int]]) -> float:
        """The share of what is to see in `boxes`, in pixels, and more where too little of the subject is left."""
        rows, columns, _ = self._integral.shape
        places = np.clip(np.reshape(boxes, (-1, 4)) / (WIDTH, HEIGHT, WIDTH, HEIGHT), 0, 1)
        left, top, right, bottom = np.rint(places * np.tile((columns - 1, rows - 1), 2)).astype(int).T
        whole = self._integral
        inside = whole[bottom, right] - whole[top, right] - whole[bottom, left] + whole[top, left]
        seen, subject = inside.sum(axis=0).tolist()
        return (seen + subject) / 2 + HIDING * max(0.0, subject - (1 - KEPT))


def _usual_rows(places):
    """How usual text is in each row of the trend's frames, 1 where it is most so; None where there is none."""
    rows = np.array([sum(row) for row in places], dtype=float)
    return rows / rows.max() if len(rows) and rows.max() > 0 else None


def _elsewhere(layout, usual):
    if usual is None:
        return 0.0
    rows = np.interp(np.linspace(layout.top, layout.bottom, 9) / HEIGHT * len(usual) - 0.5, range(len(usual)), usual)
    return ELSEWHERE * (1 - rows.mean())


def _place(fitted: _Fitted, manner: str, side: str, tone: str, where: float) -> Layout:
    """Stack bar, title and tags, `where` (0 to 1) between the top and the bottom of the safe area."""
    title, rows, width = fitted.title, fitted.rows, fitted.width
    above = BAR[1] + AIR if title.lines and manner != "strips" else 0
    row_height = round((TAG_HIGH + TAG_LOW) * rows[0][0].style.size) if rows else 0
    below = len(rows) * (row_height + TAG_GAP) - TAG_GAP + (AIR if title.lines else 0) if rows else 0
    height = above + title.height + below
    room = BOTTOM - TOP - 2 * PADDING - height
    top = TOP + PADDING + round(where * max(0, room)) + min(0, room) // 2
    left = {"left": LEFT, "centre": (LEFT + RIGHT - width) // 2, "right": RIGHT - width}[side]
    align = "right" if fitted.right_to_left else "centre" if side == "centre" and manner != "plate" else "left"
    tags, y = [], top + height - below + (AIR if title.lines else 0)
    for row in rows:
        x = left + slack(align, width - row_width(row))
        for block in row:
            tags.append((block, x + TAG_PAD, y + round(TAG_HIGH * block.style.size)))
            x += block.width + 2 * TAG_PAD + TAG_GAP
        y += row_height + TAG_GAP
    column = (left, left + width)
    return Layout(manner, tone, side, align, column, title, top + above, tuple(tags), top, top + height)


def covered(layout: Layout) -> list[tuple[int, int, int, int]]:
    """The parts of the picture that are changed so that the words can be read: left, top, right, bottom."""
    if layout.is_empty:
        return []
    if layout.manner == "plate":
        return [plate(layout)]
    return [*strips(layout), *(tag_box(*tag) for tag in layout.tags)]


def plate(layout: Layout) -> tuple[int, int, int, int]:
    """The plate: it comes in from the edge of the picture on its side; one in the centre stands free."""
    left = 0 if layout.side == "left" else layout.column[0] - PADDING
    right = WIDTH if layout.side == "right" else layout.column[1] + PADDING
    return left, layout.top - PADDING, right, layout.bottom + PADDING


def strips(layout: Layout) -> list[tuple[int, int, int, int]]:
    """A strip behind each line of the title, each meeting the next."""
    block, size, found = layout.title, layout.title.style.size, []
    left, right = layout.column
    for row, width in enumerate(block.widths):
        x = left + slack(layout.align, right - left - width)
        baseline = layout.title_top + block.ascent + row * block.step
        upper = baseline - max(block.ascent, round(0.75 * size)) - round(STRIP_ABOVE * size)
        lower = baseline + max(block.descent, round(0.2 * size)) + round(STRIP_BELOW * size)
        found.append((x - round(STRIP_SIDE * size), upper, x + width + round(STRIP_SIDE * size), lower))
    return found


def tag_box(block: Block, left: int, baseline: int) -> tuple[int, int, int, int]:
    """The outline of a hashtag."""
    size = block.style.size
    above, below = round(TAG_HIGH * size), round(TAG_LOW * size)
    return left - TAG_PAD, baseline - above, left + block.width + TAG_PAD, baseline + below


def slack(align: str, room: int) -> int:
    """How far a line begins from the left, where there is so much room left of it."""
    return {"left": 0, "centre": room // 2, "right": room}[align]
