"""The languages that a brief is written in without a model: told apart by their commonest words, and how each works.

The rest of this package asks `of` once for a search; English has its own grammar (grammar.py), and a language that is
none of these is treated word by word.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from core.tables import Row, read_table

ENGLISH = "en"
LEAST_WORDS = 4  # of a text, below which its words alone tell no language
_SHARE = 0.2  # of its words that must be among the commonest of a language
_GRAVE_WORDS = 2
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


class _Row(Row):
    stopwords: str
    articles: str = ""
    joins: str = ""
    empty: str = ""
    leaning: str = ""
    greetings: str = ""
    grave: str = ""
    law: str = ""
    appeals: tuple[str, ...] = ()
    capital_nouns: bool = False
    hooks: dict[str, str] = Field(default_factory=dict)
    questions: dict[str, str] = Field(default_factory=dict)
    timing: dict[str, str] = Field(default_factory=dict)


class _Rows(Row):
    language: dict[str, _Row]


@dataclass(frozen=True)
class Language:
    """A language by its `code` (ISO 639-1). Word lists are in lower case; `hooks` are patterns, by kind of hook."""

    code: str
    stopwords: frozenset[str]
    articles: frozenset[str]
    joins: frozenset[str]
    empty: frozenset[str]
    leaning: frozenset[str]
    greetings: frozenset[str]
    grave: frozenset[str]
    law: frozenset[str]
    appeals: tuple[str, ...]
    capital_nouns: bool
    hooks: tuple[tuple[str, str], ...]
    questions: dict[str, str]
    timing: dict[str, str]

    def tone(self, texts: Sequence[str]) -> Literal["light", "grave", "law"]:
        """How grave the subject of some texts is, by their words: the embeddings do not tell it here."""
        found = {word.lower() for text in texts for word in words(text)}
        grave, law = len(found & self.grave), len(found & self.law)
        if max(grave, law) < _GRAVE_WORDS:
            return "light"
        return "law" if law > grave else "grave"

    @property
    def hooks_that_ask(self) -> frozenset[str]:
        """The kinds of hook that have a question of their own."""
        return frozenset(self.questions) - {"other", "grave"}


@functools.cache
def known() -> dict[str, Language]:
    """English, Spanish, German, French and Portuguese, by code."""
    rows = read_table(Path(__file__).with_name("languages.toml"), _Rows).language
    return {code: _language(code, row) for code, row in rows.items()}


def _language(code: str, row: _Row) -> Language:
    lists = {
        name: frozenset(getattr(row, name).lower().split())
        for name in ("stopwords", "articles", "joins", "empty", "leaning", "greetings", "grave", "law")
    }
    return Language(
        code=code,
        appeals=row.appeals,
        capital_nouns=row.capital_nouns,
        hooks=tuple(row.hooks.items()),
        questions=row.questions,
        timing=row.timing,
        **lists,
    )


def words(text: str) -> list[str]:
    """The words of a text; an apostrophe divides them, as in the French "l'huile"."""
    return _WORD.findall(text)


def of(texts: Sequence[str], asked: str = ENGLISH) -> str:
    """The code of the language that these texts are in, "" where it is none of the known ones.

    Texts of few words are taken to be in the language `asked` (BCP 47).
    """
    found = [word.lower() for text in texts for word in words(text)]
    spoken = asked.split("-")[0].lower()
    if len(found) < LEAST_WORDS:
        return spoken if spoken in known() else ""
    shares = {code: sum(word in one.stopwords for word in found) / len(found) for code, one in known().items()}
    best = max(shares, key=lambda code: (shares[code], code == spoken))
    return best if shares[best] >= _SHARE else _without_stopwords(texts, spoken)


def _without_stopwords(texts: Sequence[str], spoken: str) -> str:
    """Captions and run-on lists have few common words: what was asked for, if it has Latin letters."""
    letters = [sign for text in texts for sign in text if sign.isalpha()]
    latin = sum(sign < "\u0250" for sign in letters)
    return spoken if spoken in known() and latin > len(letters) / 2 else ""
