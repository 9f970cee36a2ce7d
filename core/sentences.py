"""Where the sentences of a text end, as its reader would say."""

import re
from collections.abc import Iterator

# The look-behind and the possessive repeats keep the search linear on a text of dots.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s|$)|[。！？]++[」』”）]*+")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st vs etc eg ie vol fig approx dept est inc ltd jr sr e.g i.e a.m p.m u.s u.k sra dra srta ud"
    " uds pág núm bzw usw ca z.b d.h u.a evtl nr mme mlle p.ex av".split()
)
_NUMBERED = frozenset("no art pp".split())  # abbreviations before a number only
_LONGEST = 16  # characters before a full stop in which its abbreviation is looked for
_LAST_WORD = re.compile(r"[^\s\"'“‘(\[。！？]+$")
_FOLLOWER = re.compile(r"\s*(\S)")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """The place of each sentence, from its first character up to the one behind its last, without spaces around it.

    What is left behind the last end mark is one too.
    """
    start = 0
    for mark in _END.finditer(text):
        if not _goes_on(text, mark):
            yield from _stripped(text, start, mark.end())
            start = mark.end()
    yield from _stripped(text, start, len(text))


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, word for word."""
    return [text[start:end] for start, end in spans(text)]


def _goes_on(text: str, mark: re.Match[str]) -> bool:
    """Whether a sentence goes on behind a mark: an abbreviation's full stop, or dots in its middle."""
    follower = _FOLLOWER.match(text, mark.end())
    if mark[0] not in (".", "…", "...") or not follower:
        return False
    last = _LAST_WORD.search(text[max(0, mark.start() - _LONGEST) : mark.start()])
    word = last[0].lower() if last else ""
    shortened = word in _ABBREVIATIONS or (len(word) == 1 and word != "i")
    shortened = shortened or (word in _NUMBERED and follower[1].isdigit())
    return (mark[0] == "." and shortened) or follower[1].islower()


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        yield end - len(piece.lstrip()), start + len(piece.rstrip())
