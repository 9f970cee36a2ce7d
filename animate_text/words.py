"""A line cut into the words that are captioned one by one, and put together again."""

import unicodedata
from collections.abc import Sequence

from animate_text import typefaces

GROUP = 4  # characters of a script without spaces that go as one word
NO_START = "、。，．！？：；）」』】》〉…ー々ゝゞ"  # signs that must not begin a word


def words_of(line: str) -> tuple[str, ...]:
    """The words of a line, as far as some font of this machine has them: without emoji and control characters.

    Chinese, Japanese and other scripts without spaces are cut into groups of a few characters.
    """
    cleaned = typefaces.clean(line)
    settable = typefaces.only_set(cleaned, typefaces.fonts_for(cleaned))
    return tuple(piece for word in settable.split() for piece in _pieces(word))


def join(words: Sequence[str]) -> str:
    """The words as they are written: with spaces between them, but not between two wide characters."""
    text = ""
    for word in words:
        tight = not text or (_is_wide(text[-1]) and _is_wide(word[:1]))
        text += word if tight else f" {word}"
    return text


def _pieces(word: str) -> list[str]:
    pieces: list[str] = []
    for part in typefaces.clusters(word):
        grows = pieces and (
            part[0] in NO_START
            or (_is_wide(part) and _is_wide(pieces[-1]) and len(pieces[-1]) < GROUP and pieces[-1][-1] not in NO_START)
            or not (_is_wide(part) or _is_wide(pieces[-1]))
        )
        if grows:
            pieces[-1] += part
        else:
            pieces.append(part)
    return pieces


def _is_wide(text: str) -> bool:
    return bool(text) and unicodedata.east_asian_width(text[-1]) in ("W", "F") and not "\uac00" <= text[-1] <= "\ud7a3"
