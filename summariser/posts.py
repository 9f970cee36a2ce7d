"""The text to paste under a video: a first line that hooks, one sentence, a question, the hashtags."""

import re
from collections.abc import Sequence
from dataclasses import replace

from core.hashtags import tagged
from summariser import grammar
from summariser.brief import Brief
from summariser.hooks import Hook
from summariser.languages import Language
from summariser.prompts import Tone
from summariser.sentences import split

MAX_POST = 500  # characters: fits TikTok (4,000), Instagram (2,200), YouTube Shorts' description, Threads (500)
MAX_HASHTAGS = 8
# What to ask after a hook of each kind.
_QUESTIONS = {
    "warning": "Have you made this mistake?",
    "question": "What is your answer?",
    "pov": "Have you been there?",
    "confession": "Has this happened to you?",
    "secret": "Did you know this?",
    "list": "Which one would you choose?",
    "promise": "Would you try it?",
    "problem": "Do you know this feeling?",
    "command": "Would you try it?",
    "grave": "What stays with you?",
}


def compose(hook: str, sentence: str, question: str) -> str:
    """The lines of a post; an empty one is left out."""
    return "\n".join(line for line in (hook, sentence, question) if line)


def from_clips(openings: Sequence[Hook], summary: str, tone: Tone = "light", language: Language | None = None) -> str:
    """A post of the clips' own words: their strongest opening, a sentence of the summary, and a question.

    Under a grave subject the question is a quiet one. Without a `language` it is in English.
    """
    sentences = [sentence.text for sentence in split(summary)]
    if not sentences:
        return ""
    kinds = language.hooks_that_ask if language else frozenset(_QUESTIONS)
    hook = next((hook for hook in openings if hook.quote and hook.kind in kinds), None)
    first = _as_sentence(hook, language) if hook else sentences[0]
    line = next((text for text in sentences if _bare(text) != _bare(first)), "")
    return compose(first, line, _question(hook.kind if hook else "", line, tone, language))


def _as_sentence(hook: Hook, language: Language | None) -> str:
    if hook.kind != "question":
        return f"{hook.quote}."
    opening = "¿" if language and language.code == "es" else ""
    return f"{opening}{hook.quote}{' ' if language and language.code == 'fr' else ''}?"


def _question(kind: str, line: str, tone: Tone, language: Language | None) -> str:
    kind = {"grave": "grave", "law": "secret"}.get(tone, kind)
    if language:
        return language.questions.get(kind, language.questions["other"])
    verb = grammar.parse(line)[:1]
    tells_how = bool(verb) and verb[0].tag in ("VVB", "VVI")
    return _QUESTIONS.get(kind) or ("Would you try it?" if tells_how else "What do you think?")


def _bare(text: str) -> str:
    return text.strip("¿¡ .!?").casefold()


def hashtag(tag: str) -> str:
    """A tag as platforms take it, letters, digits and underscores only; empty where it has none."""
    words = re.findall(r"\w+", tag.replace("'", "").replace("’", ""))
    return tagged(" ".join(words)) if words else ""


def with_hashtags(brief: Brief) -> Brief:
    """The brief with its hashtags under its post, as many as fit. A brief without a post stays as it is."""
    if not brief.post:
        return brief
    line = ""
    for tag in dict.fromkeys(filter(None, map(hashtag, brief.tags[:MAX_HASHTAGS]))):
        longer = f"{line} {tag}".strip()
        if len(brief.post) + 2 + len(longer) <= MAX_POST:
            line = longer
    return replace(brief, post=f"{_shortened(brief.post, MAX_POST)}\n\n{line}".strip())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"
