"""Lines of type: words broken into lines, at which size they fit a box, and how they are drawn."""

import bisect
import functools
import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageDraw

from animate_text.typefaces import JOINERS, Style, clusters, display_face, font, fonts_for, only_set

HYPHENATED = "\u052f"  # the last letter of the scripts that break words with a hyphen: Latin, Greek, Cyrillic
NO_LINE_START = "、。，．！？：；）」』】》〉…ー々ゝゞ"
REFERENCE = 100  # pixels: the size at which words are measured
LEADING = 1.06  # of the size: baseline to baseline, where the letters allow it
DESCENT = 0.2  # of the size: what is kept free below the last baseline, descenders or not
GAP = 0.10  # of the size: the least space between the ink of two lines
STEP_BACK = 0.8  # of the largest size that fits: how much of it may be given up for even lines
ELLIPSIS = "…"
SPARE = ELLIPSIS + "-"  # what shortening and breaking may add


@dataclass(frozen=True)
class Block:
    """Lines of one style. `fonts` says which file sets which character; `step` is the pixels from baseline to baseline;
    `ascent` is that of the ink in the first line, `descent` what the last one needs below."""

    lines: tuple[str, ...]
    style: Style
    fonts: dict[str, Path]
    widths: tuple[int, ...]
    step: int
    ascent: int
    descent: int

    @property
    def width(self) -> int:
        return max(self.widths, default=0)

    @property
    def height(self) -> int:
        return self.ascent + self.step * (len(self.lines) - 1) + self.descent if self.lines else 0


def width_of(text: str, style: Style, fonts: dict[str, Path]) -> float:
    """The pixels a line of type advances."""
    return sum(font(path, style).getlength(part) for part, path in _runs(text, fonts))


def _runs(text, fonts):
    """Cut a line where the font changes. Spaces stay with what comes before them."""
    runs: list[tuple[str, Path]] = []
    current: Path | None = None
    for part in clusters(text):
        path = fonts.get(part)
        if current is None or not (path is None or path is current):
            current = path or current or display_face()
            runs.append(("", current))
        runs[-1] = (runs[-1][0] + part, runs[-1][1])
    return runs


def fit(text: str, box: tuple[int, int], sizes: Sequence[int], weight: int, break_words: bool = False) -> Block | None:
    """Set a cleaned text in the largest of `sizes` (pixels) with which it fits a box (width and height in pixels).

    A size that is a little smaller is taken where its lines are more even. `break_words` allows words longer than a
    line. None where no size fits. A text of which nothing can be set gives a block without lines.
    """
    fonts = fonts_for(text + SPARE)
    words = _words(only_set(text, fonts))
    if not words:
        return _block((), Style(sizes[0], weight), fonts)
    best, best_merit, least = None, 0.0, 0.0
    for size in sizes:
        if size < least:
            break
        style = Style(size, weight)
        pieces = _break_long(words, box[0], style, fonts) if break_words else words
        lines = _even_lines(pieces, box[0], style, fonts)
        if lines is None or (len(lines) - 1) * size * LEADING > box[1]:
            continue
        block = _block(lines, style, fonts)
        if block.height > box[1] or block.width > box[0]:
            continue
        merit = size * (0.5 + min(block.widths) / block.width)
        least = least or STEP_BACK * size
        if merit > best_merit:
            best, best_merit = block, merit
    return best


def shorten(text: str, box: tuple[int, int], style: Style) -> Block:
    """Set as much of a cleaned text as fits a box, and an ellipsis."""
    fonts = fonts_for(text + SPARE)
    pieces = _break_long(_words(only_set(text, fonts)), box[0], style, fonts)
    breaks = _fill_lines(_advances(pieces, style.weight, fonts), box[0] * REFERENCE / style.size)
    lines = _lines(pieces, breaks)
    while len(lines) > 1 and _block(lines, style, fonts).height > box[1]:
        lines = lines[:-1]
    return _block((*lines[:-1], _with_ellipsis(lines[-1], box[0], style, fonts)), style, fonts)


def _words(text):
    """The pieces of a text between which a line may break: (piece, whether a space comes before it).

    These are words; Chinese and Japanese break between any two characters, but before signs that must not begin a line.
    """
    pieces = []
    for word in text.split():
        spaced, before = True, ""
        for part in clusters(word):
            if spaced or ((_is_wide(part) or _is_wide(before)) and part[0] not in NO_LINE_START):
                pieces.append((part, spaced))
            else:
                pieces[-1] = (pieces[-1][0] + part, pieces[-1][1])
            spaced, before = False, part
    return pieces


def _is_wide(part):
    return bool(part) and unicodedata.east_asian_width(part[0]) == "W" and not "\uac00" <= part[0] <= "\ud7a3"  # Hangul


def _break_long(words, width, style, fonts):
    """Cut the words that are wider than a line, with a hyphen where letters part."""
    pieces = []
    for whole, spaced in words:
        word, space = clusters(whole), spaced
        while len(word) > 1 and width_of("".join(word), style, fonts) > width:
            cut = _cut(word, width, style, fonts)
            hyphen = "-" if all(part.isalpha() and part <= HYPHENATED for part in word[cut - 1 : cut + 1]) else ""
            pieces.append(("".join(word[:cut]) + hyphen, space))
            word, space = word[cut:], False
        pieces.append(("".join(word), space))
    return pieces


def _cut(word, width, style, fonts):
    """Where to cut a list of clusters so that its beginning and a hyphen fill a line.

    That is behind a sign if one is near, else between letters, with three letters left over.
    """
    room = width - width_of("-", style, fonts)

    def advance(end: int) -> float:
        return width_of("".join(word[:end]), style, fonts)

    wide = 8
    while wide < len(word) and advance(wide) <= room:
        wide *= 2
    fits = bisect.bisect_right(range(1, min(wide, len(word))), room, key=advance)
    most = max(1, min(fits, len(word) - 3))
    behind_signs = (end for end in range(most, most // 2, -1) if not word[end - 1][0].isalnum())
    return next(behind_signs, most)


def _even_lines(pieces, width, style, fonts):
    """As few lines as hold the pieces, as even as they can be. None where a piece is wider than the line."""
    advances = _advances(pieces, style.weight, fonts)
    room = width * REFERENCE / style.size
    breaks = _fill_lines(advances, room)
    return None if breaks is None else _lines(pieces, _even_breaks(advances, room, len(breaks)))


def _advances(pieces, weight, fonts):
    """The pixels each piece takes at the size of reference, behind another one on its line and alone."""
    space = _reference_width(" ", display_face(), weight)
    advances, before = [], ""
    for piece, spaced in pieces:
        alone = sum(_reference_width(part, path, weight) for part, path in _runs(piece, fonts))
        cut = not spaced and before.endswith("-")  # a word that was broken goes on in the next line
        advances.append((math.inf if cut else alone + space * spaced, alone))
        before = piece
    return advances


@functools.lru_cache(maxsize=8192)
def _reference_width(text, path, weight):
    return font(path, Style(REFERENCE, weight)).getlength(text)


def _fill_lines(advances, room):
    """Fill one line after the other: the number of the piece behind the end of each. None where a piece is too wide."""
    breaks, used = [], math.inf
    for number, (joined, alone) in enumerate(advances):
        if alone > room:
            return None
        if used + joined <= room:
            used += joined
        else:
            breaks.append(number)
            used = alone
    return [*breaks[1:], len(advances)] if advances else []


def _even_breaks(advances, room, count):
    """Break into `count` lines with the least sum of squares of the room left.

    After Knuth and Plass, "Breaking Paragraphs into Lines" (1981).
    """
    costs: list[tuple[float, tuple[int, ...]]] = [(0.0, ()), *((math.inf, ()) for _ in advances)]
    for _ in range(count):
        following: list[tuple[float, tuple[int, ...]]] = [(math.inf, ())] * len(costs)
        for start, (cost, breaks) in enumerate(costs[:-1]):
            used = 0.0 if cost < math.inf else math.inf
            for end in range(start + 1, len(costs)):
                used += advances[end - 1][1 if end == start + 1 else 0]
                if used > room:
                    break
                total = cost + (room - used) ** 2
                if total < following[end][0]:
                    following[end] = (total, (*breaks, end))
        costs = following
    return costs[-1][1]


def _lines(pieces, breaks):
    starts = (0, *breaks[:-1])
    rows = [pieces[start:end] for start, end in zip(starts, breaks, strict=True)]
    return tuple("".join(" " * spaced + piece for piece, spaced in row).strip() for row in rows)


def _with_ellipsis(line, width, style, fonts):
    while line and width_of(line + ELLIPSIS, style, fonts) > width:
        line = line[:-1].rstrip(" ,;:.-" + JOINERS)
    return line + ELLIPSIS


def _block(lines, style, fonts):
    if not lines:
        return Block((), style, fonts, (), 0, 0, 0)
    inks = [_ink(line, style, fonts) for line in lines]
    step = style.size * LEADING
    for (_, below), (above, _) in itertools.pairwise(inks):
        step = max(step, below + above + style.size * GAP)
    widths = tuple(round(width_of(line, style, fonts) + 0.5) for line in lines)
    return Block(
        tuple(lines), style, fonts, widths, round(step), inks[0][0], max(inks[-1][1], round(DESCENT * style.size))
    )


def _ink(line, style, fonts):
    """How far the ink of a line reaches above and below its baseline."""
    boxes = [font(path, style).getbbox(part, anchor="ls") for part, path in _runs(line, fonts)]
    return max(-box[1] for box in boxes), max(box[3] for box in boxes)


def draw(
    block: Block, pen: ImageDraw.ImageDraw, place: tuple[int, int, int], align: str, colour: tuple[int, int, int]
) -> None:
    """Draw a block. `place` is its left edge, the top of its ink, its right edge; `align` left, centre or right."""
    left, top, right = place
    slack = {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
    for row, (line, length) in enumerate(zip(block.lines, block.widths, strict=True)):
        x, baseline = left + slack * (right - left - length), top + block.ascent + row * block.step
        for part, path in _runs(line, block.fonts):
            face = font(path, block.style)
            pen.text((x, baseline), part, fill=colour, font=face, anchor="ls")
            x += face.getlength(part)
