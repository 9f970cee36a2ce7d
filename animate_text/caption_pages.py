"""Words gathered into pages: those that stand together on the screen, in which size and lines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from animate_text import fonts, typefaces, typesetting
from animate_text.timeline import WIDTH, Word
from animate_text.typefaces import Style
from animate_text.words import join

ENDS = ".!?…。！？؟"  # signs with which a sentence ends, and a page
HOLD = 0.6  # seconds after which a pause ends a phrase, and for which a subtitle stays after its last word
LINGER = 2.5  # seconds that a page stays after its last word, where no other follows
OUTLINE = 0.085  # of the size: the dark edge around the letters, by which they can be read on any picture
POP = 1.08  # of the size: how far a page springs open
PLATE = 36  # pixels between letters and the edge of the plate they stand on
SHORT, LEANS = 3, 0.3  # letters of a word that leans on the next one, and what it costs to part them
BRIEF, FLASHES = 0.35, 0.5  # seconds of a page that can hardly be read, and what such a page costs


@dataclass(frozen=True)
class Box:
    """Edges in pixels. No part of a caption leaves it, whatever the style and its movement."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def centre(self) -> float:
        """The middle of the frame where it is near that of the box, else the latter."""
        middle = (self.left + self.right) / 2
        return WIDTH / 2 if abs(middle - WIDTH / 2) < 0.1 * WIDTH else middle

    @property
    def width(self) -> float:
        return 2 * min(self.centre - self.left, self.right - self.centre)


@dataclass(frozen=True)
class Look:
    """How a style is set. `words` and `letters` are the most on one page, `sizes` are pixels, the largest first.

    `plate` is how many pixels there are between the letters and the edge of what they stand on.
    """

    words: int
    letters: int
    lines: int
    sizes: tuple[int, ...]
    capitals: bool = False
    plate: int = 0


LOOKS = {
    "pop": Look(3, 16, 2, tuple(range(120, 52, -4)), capitals=True),
    "karaoke": Look(7, 36, 2, tuple(range(96, 52, -4))),
    "typewriter": Look(9, 48, 3, tuple(range(84, 48, -4)), plate=PLATE),
}


@dataclass(frozen=True)
class Page:
    """Words that stand together on the screen, from `start` to `end` in seconds, broken into lines of `size` pixels."""

    lines: tuple[tuple[Word, ...], ...]
    start: float
    end: float
    size: int
    faces: dict[str, Path]

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for line in self.lines for word in line)


def parse_box(text: str) -> Box:
    """Read the setting `SAFE_BOX`."""
    return Box(*(int(part) for part in text.split(",")))


def pages(words: Sequence[Word], style: str, box: Box, until: float = 0.0) -> tuple[Page, ...]:
    """Gather words into pages as a style wants them, each set as large as the box allows; the last stays `until`."""
    look = LOOKS[style]
    groups = group_words(words, look)
    made = []
    for group, following in zip(groups, [*groups[1:], None], strict=True):
        last = group[-1].end + LINGER
        end = min(last, following[0].start) if following else (until or last)
        shown = [Word(w.text.upper(), w.start, w.end) for w in group] if look.capitals else group
        size, lines, faces = _set(shown, look, box)
        made.append(Page(lines, group[0].start, max(end, group[-1].start + 0.05), size, faces))
    return tuple(made)


def group_words(words: Sequence[Word], look: Look) -> list[list[Word]]:
    """The words of each page. Those of a sentence are spread evenly, so that no word is left alone on the last."""
    return [group for phrase in _phrases(words) for group in _spread(phrase, look)]


def _phrases(words: Sequence[Word]) -> list[list[Word]]:
    """Words up to the end of a sentence or a pause."""
    phrases: list[list[Word]] = []
    for word in words:
        if not phrases or phrases[-1][-1].text[-1:] in ENDS or word.start - phrases[-1][-1].end > HOLD:
            phrases.append([])
        phrases[-1].append(word)
    return phrases


def _spread(words: Sequence[Word], look: Look) -> list[list[Word]]:
    """The words of a phrase in pages with about as many letters each, and no page that ends in "the" or "to".

    The cheapest way to part them, by dynamic programming: a page costs the square of what it differs from the mean,
    and more where it is gone at once.
    """
    letters = [len(word.text) + 1 for word in words]
    pages = max(math.ceil(len(words) / look.words), math.ceil(sum(letters) / look.letters))
    mean = sum(letters) / pages
    best = [(0.0, 0)]  # the cost of the words so far, and where the last page begins
    for end in range(1, len(words) + 1):
        leans = end < len(words) and len(words[end - 1].text) <= SHORT and words[end - 1].text.isalpha()
        ways = []
        for start in range(max(0, end - look.words), end):
            size = len(join([word.text for word in words[start:end]])) + 1
            if size - 1 <= look.letters or end - start == 1:
                flashes = end < len(words) and words[end].start - words[start].start < BRIEF
                cost = ((size - mean) / mean) ** 2 + LEANS * leans + FLASHES * flashes
                ways.append((best[start][0] + cost, start))
        best.append(min(ways))
    edges = [len(words)]
    while edges[-1]:
        edges.append(best[edges[-1]][1])
    return [list(words[start:end]) for end, start in pairwise(edges)][::-1]


def _set(words: Sequence[Word], look: Look, box: Box) -> tuple[int, tuple[tuple[Word, ...], ...], dict[str, Path]]:
    """The largest size at which the words fit the lines of a look, else the smallest size and as many lines as need be.

    A word that is wider than a line even then is cut into pieces.
    """
    faces = typefaces.fonts_for(join([word.text for word in words]))
    for size in look.sizes:
        room = _room(box, size, look)
        lines = _lines(words, room, partial(typesetting.width_of, style=Style(size, fonts.WEIGHT), fonts=faces))
        if lines is not None and len(lines) <= look.lines:
            return size, lines, faces
    smallest = Style(look.sizes[-1], fonts.WEIGHT)
    room = _room(box, smallest.size, look)
    width = partial(typesetting.width_of, style=smallest, fonts=faces)
    cut = [piece for word in words for piece in _cut(word, room, width)]
    return smallest.size, _lines(cut, room, width) or (), faces


def _room(box: Box, size: int, look: Look) -> float:
    """The width that letters may take: less what is around them on either side, with room to spring."""
    return (box.width - 2 * max(OUTLINE * size, look.plate)) / POP


def _lines(words: Sequence[Word], room: float, width: Callable[[str], float]) -> tuple[tuple[Word, ...], ...] | None:
    lines: list[list[Word]] = []
    for word in words:
        if width(word.text) > room:
            return None
        if not lines or width(join([w.text for w in (*lines[-1], word)])) > room:
            lines.append([])
        lines[-1].append(word)
    return tuple(map(tuple, _evened(lines, room, width)))


def _evened(lines: list[list[Word]], room: float, width: Callable[[str], float]) -> list[list[Word]]:
    """Two lines as even as they can be; a lone short word at the end looks forgotten."""
    if len(lines) != 2:
        return lines
    words = [*lines[0], *lines[1]]

    def widest(cut: int) -> float:
        return max(width(join([w.text for w in part])) for part in (words[:cut], words[cut:]))

    best = min(range(1, len(words)), key=widest)
    return [words[:best], words[best:]] if widest(best) <= room else lines


def _cut(word: Word, room: float, width: Callable[[str], float]) -> list[Word]:
    pieces = [""]
    for part in typefaces.clusters(word.text):
        if pieces[-1] and width(pieces[-1] + part) > room:
            pieces.append("")
        pieces[-1] += part
    return [Word(piece, word.start, word.end) for piece in pieces]
