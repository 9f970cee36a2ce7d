"""Set the words of a cover: a title as large as there is room, hashtags in rows."""

from collections.abc import Sequence

from animate_text import typefaces, typesetting
from animate_text.typefaces import Style
from animate_text.typesetting import Block
from core import hashtags as core_hashtags

# How a title may be set, tried in turn: the most height it may take, its sizes, and whether words may be broken.
SETTINGS = (
    (600, tuple(range(300, 82, -6)), False),
    (860, tuple(range(82, 62, -4)), False),
    (860, tuple(range(76, 46, -4)), True),
)
MIN_TITLE_SIZE = 48  # pixels; about 17 points on a phone
TITLE_WEIGHT, TAG_WEIGHT = 800, 600
TAG_SIZES = (44, 40, 36)
TAG_ROWS = 2
MAX_TAGS = 12
TAG_GAP = 18  # between two tags
TAG_PAD = 24  # between a tag and the ends of its outline
TAG_HIGH, TAG_LOW = 1.10, 0.38  # of the size: how far the outline of a tag reaches above and below the baseline


def set_title(words: str, width: int, height: int = SETTINGS[0][0]) -> Block:
    """Set a cleaned title as large as `width` and, where it is short enough for that, `height` allow."""
    cut = words[: typefaces.MAX_CHARACTERS]
    if _has_letters(cut) and not _has_letters(typefaces.only_set(cut, typefaces.fonts_for(cut))):
        cut = ""  # of a script that no font has, punctuation would be left alone
    for most, sizes, break_words in ((height, *SETTINGS[0][1:]), *SETTINGS[1:]):
        block = typesetting.fit(cut, (width, most), sizes, TITLE_WEIGHT, break_words)
        if block is not None and (not cut or len(cut) == len(words)):
            return block
    return typesetting.shorten(cut, (width, SETTINGS[-1][0]), Style(MIN_TITLE_SIZE, TITLE_WEIGHT))


def _has_letters(text):
    return any(sign.isalnum() for sign in text)


def rows_of_tags(hashtags: Sequence[str], width: int) -> list[list[Block]]:
    """Set each hashtag, and gather them in TAG_ROWS rows at most. What does not fit the last row is left out."""
    tags = dict.fromkeys(tag for text in hashtags[:MAX_TAGS] if (tag := _tag(text)))
    rows = []
    for size in TAG_SIZES:
        rows = _flow([block for tag in tags if (block := _set_tag(tag, width, size))], width)
        if len(rows) <= TAG_ROWS:
            break
    return rows[:TAG_ROWS]


def row_width(row: Sequence[Block]) -> int:
    """The pixels that a row of hashtags takes, their outlines included."""
    return sum(block.width + 2 * TAG_PAD for block in row) + TAG_GAP * (len(row) - 1)


def _set_tag(tag, width, size):
    return typesetting.fit(tag, (width - 2 * TAG_PAD, 2 * size), [size], TAG_WEIGHT)


def _tag(text):
    """A hashtag with its sign in front and no spaces, or nothing."""
    tag = core_hashtags.tagged(typefaces.clean(text))
    return tag if typefaces.only_set(tag[1:], typefaces.fonts_for(tag[1:])) else ""


def _flow(blocks, width):
    rows: list[list[Block]] = []
    for block in blocks:
        if not rows or row_width([*rows[-1], block]) > width:
            rows.append([])
        rows[-1].append(block)
    return rows
