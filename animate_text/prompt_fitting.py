"""Fit a prompt into the tokens that a text encoder reads, by dropping its end clause by clause, then word by word."""

import re
from collections.abc import Callable

from core.text import replace_surrogates

MAX_CHARACTERS = 2000  # characters that are looked at: many times what a text encoder reads
_CLAUSE = re.compile(r"(?<=[,;:.!?…–—])\s+")


def fit(prompt: str, count: Callable[[str], int], limit: int) -> tuple[str, str]:
    """Return the part of a prompt that has at most `limit` tokens, and the part that was dropped ("" for nothing).

    `count` gives the number of tokens of a text. A prompt says the most important first: whole clauses go from its
    end, and where the first clause alone is too long, words do; a single word that is too long goes as a whole.
    """
    whole = " ".join(replace_surrogates(prompt).split())
    text = whole[:MAX_CHARACTERS]
    kept = ""
    if count(text) <= limit:
        kept = text
    else:
        for breaks in (_CLAUSE, re.compile(r"\s+")):
            kept = _longest_start(text, [found.start() for found in breaks.finditer(text)], count, limit)
            if kept:
                break
    return kept.rstrip(" ,;:–—"), whole[len(kept) :].strip()


def _longest_start(text, ends, count, limit):
    """The longest of the starts of a text that fits, or nothing; a longer start never has fewer tokens."""
    fitting = 0
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if count(text[: ends[middle]]) <= limit:
            fitting, low = ends[middle], middle + 1
        else:
            high = middle
    return text[:fitting]
