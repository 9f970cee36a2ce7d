"""What clips are about, of all that they name: by where they name it, and how often."""

from collections.abc import Sequence

from summariser import grammar
from summariser.brief import BriefRequest
from summariser.keywords import Keyword
from summariser.languages import Language
from summariser.languages import words as words_of
from summariser.sentences import split

_DETERMINERS = frozenset("a an the this that these those my your his her its our their one".split())
_PREPOSITIONS = frozenset("about as at by from in into on than to with without".split())
_OFTEN = 2  # times that a subject is named


def main_subjects(keywords: Sequence[Keyword], heads: Sequence[Sequence[str]]) -> list[Keyword]:
    """The subjects that the clips are about, best first, and not what they only touch on.

    `heads` are the lemmas of each clip's title and first sentence, in order: what they are about is a subject, and
    others where they have several words or come again. Where none stands there, it is what comes again, or else the
    best one.
    """
    found: list[Keyword] = []
    for clip, head in enumerate(heads):
        named = [k for k in keywords if clip in k.clips and set(k.lemmas) <= set(head)]
        about = _about(named, head)
        found += [k for k in named if k not in found and (k is about or k.count > 1 or len(k.lemmas) > 1)]
    again = [k for k in keywords if k.count > 1]
    about = _about([k for k in keywords if k in found], heads[0]) if len(heads) == 1 else None
    return sorted((k for k in keywords if k in found), key=lambda k: k is not about) or again or list(keywords[:1])


def _about(keywords: Sequence[Keyword], head: Sequence[str]) -> Keyword | None:
    """What a head is about: its best keyword where that has several words or comes often, else what it names first.

    What only goes with that is passed over, as in "with a drill" or "the wing of your eyeliner".
    """

    def place(keyword: Keyword) -> tuple[bool, bool, int]:
        first, last = (head.index(lemma) for lemma in (keyword.lemmas[0], keyword.lemmas[-1]))
        before = next((word for word in reversed(head[:first]) if word not in _DETERMINERS), "")
        is_part = list(head[last + 1 : last + 2]) == ["of"] or list(head[last + 1 : last + 3]) == ["out", "of"]
        return is_part, before in _PREPOSITIONS, last

    if keywords and (len(keywords[0].lemmas) > 1 or keywords[0].count >= _OFTEN):
        return keywords[0]
    return min(keywords, key=place, default=None)


def heads(request: BriefRequest, language: Language | None) -> list[list[str]]:
    """The lemmas of each clip's title and first sentence, in order."""
    firsts = [" ".join(one.text for one in split(text)[:1]) for text in request.transcripts]
    titles = [*request.titles, *("" for _ in firsts)]
    return [
        [*_in_order(title, language), *_in_order(first, language)] for first, title in zip(firsts, titles, strict=False)
    ]


def lemmas(text: str, language: Language | None) -> set[str]:
    """The lemmas of a text; of another language than English its words, with and without an s."""
    return set(_in_order(text, language))


def _in_order(text: str, language: Language | None) -> list[str]:
    if language is None:
        return [part for token in grammar.parse(text) for part in token.lemma.lower().replace("-", " ").split()]
    return [form for word in words_of(text) for form in (word.lower(), word.lower().removesuffix("s"))]
