"""Hashtags: the sign in front, and the words that were written together behind it."""

import re
import unicodedata

SIGNS = "#＃"
MAX_SHOUTED = 4  # letters; a longer tag all in capitals is shouted, not an acronym

# Patterns over the classes of the characters: U an upper-case letter, l any other, s the letter s, d a digit.
_WORD = re.compile(
    r"UdU(?![ls])"  # Y2K, B2B
    r"|d+(?:U(?=Us?l|d|-|$)|[ls]{1,2}(?![ls]))"  # 3D, 90s, 1st
    r"|(?<![Uls])[ls](?:U[ls]+|U{2,}(?![ls]))"  # iPhone, iOS
    r"|U{2,}(?:s(?![ls])|(?![ls]))"  # AI, DIYs; the last capital before a small letter begins the next word
    r"|U?[ls]+|U|d+"
)


def bare(text: str) -> str:
    """The tag without its sign and the space around it: "#AI " is "AI"."""
    return text.strip().lstrip(SIGNS).strip()


def tagged(text: str) -> str:
    """The tag as it is posted: its sign in front, no space in it, each of several words with a capital."""
    parts = bare(text).split()
    return "#" + "".join(part[0].upper() + part[1:] if len(parts) > 1 else part for part in parts)


def words(tag: str) -> str:
    """Take a tag apart as one reads it: "MachineLearning" is "machine learning", "AITools" "AI tools".

    Acronyms stay in capitals, all else is lower case. Empty where the tag has neither letters nor digits.
    """
    text = unicodedata.normalize("NFC", bare(tag))
    parts = [text[found.start() : found.end()] for found in _WORD.finditer("".join(map(_class, text)))]
    shouted = len(parts) == 1 and len(parts[0]) > MAX_SHOUTED
    return " ".join(part if _is_acronym(part) and not shouted else part.lower() for part in parts)


def _class(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Lu", "Lt"):
        return "U"
    if category[0] in "LM":  # marks are the vowel signs of many scripts: part of the letter they stand on
        return "s" if character == "s" else "l"
    return "d" if category[0] == "N" else "-"


def _is_acronym(part: str) -> bool:
    stem = part[:-1] if part.endswith("s") else part
    return len(stem) > 1 and stem.isupper()
