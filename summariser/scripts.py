"""An idea in, the lines of a short video out: an opening, what it tells, and a last line."""

import re
from dataclasses import dataclass

from core.sentences import split_sentences
from summariser.sentences import count_words

BODY_WORDS = 34  # of what an idea's own script tells between opening and end: 15 seconds of speech, with those
LAST_LINE = "Save this, and follow for more {of}."


@dataclass(frozen=True)
class ScriptRequest:
    """An idea by its `title`, `concept` and `opening`; `summary` and `tags` of the clips that it came from."""

    title: str
    concept: str
    summary: str
    tags: tuple[str, ...]
    language: str = "en-US"
    opening: str = ""


@dataclass(frozen=True)
class Script:
    """`lines` in order. `spoken` is false for an idea that is told without a voice."""

    lines: tuple[str, ...]
    spoken: bool = True


def write_script(request: ScriptRequest) -> Script:
    """The idea's opening, else its title; what the clips say on its subject; and a last line. No line is empty.

    An idea that is told without a voice has its own lines: those that it quotes.
    """
    first = request.opening or request.title
    opening = first if first[-1:] in ".!?…。！？" else f"{first}."
    quoted = re.findall(r"“([^“”]+)”", request.concept)
    if is_silent(request) and len(quoted) > 1:
        return Script((opening, *quoted, _last_line(request)), spoken=False)
    return Script((opening, *_body(request), _last_line(request)))


def is_silent(request: ScriptRequest) -> bool:
    """Whether an idea is told without a voice."""
    return "without a voice" in request.concept or "on screen in large type" in request.concept


def _body(request: ScriptRequest) -> list[str]:
    """The sentences of the summary that have most in common with the idea, in their own order."""
    sentences = split_sentences(request.summary)
    subject = _stems(f"{request.title} {request.concept}")
    ranked = sorted(range(len(sentences)), key=lambda n: (-len(_stems(sentences[n]) & subject), n))
    kept: list[int] = []
    for number in ranked:
        if sum(_words(sentences[one]) for one in (*kept, number)) <= BODY_WORDS or not kept:
            kept.append(number)
    return [sentences[number] for number in sorted(kept)]


def _words(text: str) -> int:
    return max(count_words(text), len(text) // 6)


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{4,}", text.casefold())}


def _apart(tag: str) -> str:
    """The words of a tag that was written in one: “TravelTips” is “travel tips”, “AI” stays."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\s]+", tag)
    return " ".join(part if part.isupper() else part.lower() for part in parts)


def _last_line(request: ScriptRequest) -> str:
    if request.language.split("-")[0].lower() != "en" or not request.tags:
        return " ".join(f"#{tag.replace(' ', '')}" for tag in request.tags[:3]) or request.title
    subject = _apart(request.tags[0])
    # "More travel tips" and "more AI", but not "more makeup tutorial": whether that can be counted is not known.
    several = subject.isupper() or re.search(r"[^s]s$", subject)
    return LAST_LINE.format(of=subject) if several else LAST_LINE.replace(" {of}", "")
