"""The nouns of Spanish, German, French and Portuguese sentences, by rule: no tagger of these is at hand.

In the Romance languages a noun follows an article, a possessive or a number, and two nouns are bound by "de"; in German
nouns have a capital.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from summariser.keywords import MAX_CANDIDATES, Keyword
from summariser.languages import Language

_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|[^\w\s'’]")  # an apostrophe divides: "l'huile"
_LEAST_LETTERS = 3
_PLAIN_JOINS = frozenset(("de", "d"))  # that bind a noun without an article: behind a verb there is often "del", "do"
_PRONOUNS = frozenset("la le les l lo los las o a os as".split())  # articles that are pronouns before a verb
_SUBJECTS = frozenset("on il elle ils elles je tu nous vous qui se me te yo él ella ellos eu ele ela você".split())


def candidates(spoken: Sequence[Sequence[str]], shown: Sequence[Sequence[str]], language: Language) -> list[Keyword]:
    """The noun phrases in the sentences and the on-screen lines of each clip, most frequent first."""
    counts: Counter[str] = Counter()
    clips: dict[str, set[int]] = {}
    said: set[str] = set()
    for clip, (sentences, lines) in enumerate(zip(spoken, shown, strict=True)):
        for text, aloud in [*((text, True) for text in sentences), *((text, False) for text in lines)]:
            for phrase in phrases(text, language):
                counts[phrase] += 1
                clips.setdefault(phrase, set()).add(clip)
                said |= {phrase} if aloud else set()
    found = [
        Keyword(
            text,
            _lemmas(text, language),
            clips=tuple(sorted(clips[text])),
            count=count,
            spoken=text in said,
            noun=False,
        )
        for text, count in counts.items()
    ]
    kept = [one for one in found if not _is_part(one, found)]
    return sorted(kept, key=lambda one: (-len(one.clips), -one.count, -len(one.lemmas)))[:MAX_CANDIDATES]


def phrases(sentence: str, language: Language) -> list[str]:
    """The noun phrases of a sentence, in small letters but for German nouns."""
    if sentence.isupper():
        sentence = sentence.capitalize() if not language.capital_nouns else sentence.title()
    words = _TOKEN.findall(sentence)
    return list(_capitals(words, language) if language.capital_nouns else _after_articles(words, language))


def _capitals(words: Sequence[str], language: Language) -> Iterator[str]:
    for place, word in enumerate(words):
        opens = place == 0 or not words[place - 1][0].isalpha()
        if word[0].isupper() and not opens and _says_something(word, language):
            yield word


def _after_articles(words: Sequence[str], language: Language) -> Iterator[str]:
    small = [word.lower() for word in words]
    place, after = 0, -1
    while place < len(small):
        noun = None
        pronoun = small[place - 1] in _SUBJECTS or (place == after and small[place] in _PRONOUNS)
        if small[place] in language.articles | language.joins and not pronoun:
            noun = _noun_after(small, place, language)
        elif _bound(small, place, language, _PLAIN_JOINS):
            noun = place
        if noun is None:
            place += 1
            continue
        end = _bound(small, noun, language, language.joins) or noun
        yield re.sub(r"\b(d|l) ", r"\1'", " ".join(small[noun : end + 1]))
        place = after = end + 1  # an article right behind a noun is a pronoun: "la moutarde la rend épaisse"


def _noun_after(words: Sequence[str], place: int, language: Language) -> int | None:
    """Where the noun after an article stands: words that say nothing, such as "best" or "part", are passed over."""
    place += 1
    while place < len(words) and (words[place] in language.empty or words[place] in language.articles):
        place += 1
    return place if place < len(words) and _says_something(words[place], language) else None


def _bound(words: Sequence[str], place: int, language: Language, joins: frozenset[str]) -> int | None:
    """Where the noun stands that one is bound to, as in "aceite de oliva"; None where it is bound to none."""
    if place + 2 >= len(words) or words[place + 1] not in joins or not _says_something(words[place], language):
        return None
    end = place + 2
    while end < len(words) - 1 and words[end] in language.articles:
        end += 1
    return end if _says_something(words[end], language) else None


def _says_something(word: str, language: Language) -> bool:
    small = word.lower()
    return len(word) >= _LEAST_LETTERS and word[0].isalpha() and small not in language.stopwords | language.empty


def _lemmas(text: str, language: Language) -> tuple[str, ...]:
    """The words by which two phrases are told to be the same: without plural and joining words."""
    kept = [word for word in text.lower().split() if word not in language.joins | language.articles]
    return tuple(kept if language.capital_nouns else [word.removesuffix("s") for word in kept])


def _is_part(one: Keyword, found: Sequence[Keyword]) -> bool:
    """Whether a longer phrase holds every use of this one."""
    return any(set(one.lemmas) < set(other.lemmas) and other.count >= one.count for other in found)
