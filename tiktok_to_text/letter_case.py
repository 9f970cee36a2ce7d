"""Capitals that the recogniser of text took for small letters: "8 MInUtes" is "8 MINUTES".

It takes them so in lines of capitals alone, of which a fifth come with a word that nobody writes; those with small
letters do not.
"""

import re

_APART = re.compile(r"[@#/]|\w\.\w")  # a hashtag, a name or an address, which may be in any case
_WORD = re.compile("[A-Za-zÀ-ɏͰ-Ͽа-яА-ЯёЁ]+")  # of letters that have capitals
_PREFIX = re.compile("^(?:i|e|x|mac|tv|watch)(?=[A-Z])")  # of iPhone and macOS
_PLURAL = re.compile("(?<=^[A-Z]{2})s$|(?<=^[A-Z]{3})s$|(?<=^[A-Z]{4})s$")  # of GPUs
# Shapes of words: "A" for a capital, "a" for any other letter.
_COMMON = re.compile("a+|A+|Aa+")
_NAME = re.compile("(?:Aaa+)+A{0,3}|A{2,4}")  # TikTok, ChatGPT; iOS without its "i"
_RARE_NAME = re.compile("(?:Aa+)+A{0,3}")  # WiFi, LinkedIn; but also "OnLy"


def even(line: str) -> str:
    """Put a line in capitals where the shape of one of its words shows that it is in them; names keep theirs."""
    tokens = line.split()
    words = [word for token in tokens if not _APART.search(token) for word in _WORD.findall(token)]
    letters = "".join(words)
    in_capitals = 2 * sum(map(str.isupper, letters)) > len(letters)
    if not any(_is_odd(word, in_capitals) for word in words):
        return line
    return " ".join(token if _APART.search(token) else _WORD.sub(_capitals, token) for token in tokens)


def _capitals(word: re.Match[str]) -> str:
    return word[0] if _is_name(word[0]) else word[0].upper()


def _is_odd(word: str, in_capitals: bool) -> bool:
    if _COMMON.fullmatch(_shape(word)) or _is_name(word):
        return False
    return in_capitals or not _RARE_NAME.fullmatch(_shape(word))


def _is_name(word: str) -> bool:
    bare = _PLURAL.sub("", _PREFIX.sub("", word))
    return not _COMMON.fullmatch(_shape(word)) and bool(_NAME.fullmatch(_shape(bare)))


def _shape(word: str) -> str:
    return "".join("A" if letter.isupper() else "a" for letter in word)
