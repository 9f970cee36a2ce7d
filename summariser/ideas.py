"""Three ideas for a next clip, from the hooks, captions and subjects that the clips really have.

The frames are data (frames.toml). Each takes something from a clip and says from which; those that fit best come
first, none twice in one result, nor one that an earlier take of the same search had. Other languages than English have
plain frames of their own (frames_es.toml and so on), which quote subjects, since their genders are not known.
"""

import functools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.tables import Row, read_table
from summariser import grammar, prompts
from summariser.brief import IDEAS, BriefRequest, Idea, Shot
from summariser.hooks import Hook
from summariser.keywords import Keyword, subjects
from summariser.languages import Language
from summariser.pacing import paced
from summariser.sentences import count_words
from summariser.subjects import heads, lemmas, main_subjects

MAX_TITLE = 60  # characters
MAX_SUBJECT = 28  # characters
_MAX_CAPTION = 36  # characters
_SMALL_WORDS = frozenset("a an and at by for from in of on or the to with".split())
_UNFINISHED = frozenset(  # words with which a line broken on screen begins or ends
    "is are am was and or for with of the a an to on in at under over until before after only each below above needed"
    " every per by from than that this which no your any".split()
)
_NO_SUBJECT = Keyword("the main point", ("main", "point"))
_ABSTRACT = re.compile(r"(tion|sion|ity|ty|ness|ment|ance|ence|ism|ship|dom|hood|cy|th|ing|ure|age)s?$")
_MEASURES = (  # of a caption with a number, in order: what it measures
    ("share", re.compile(r"%|\bpercent\b", re.IGNORECASE)),
    ("money", re.compile(r"[$€£]|\b(dollars?|euros?|pounds?|usd|eur)\b", re.IGNORECASE)),
    ("time", re.compile(r"\d[ -]?(s|sec|seconds?|min|minutes?|hours?|days?|weeks?|months?|years?)\b", re.IGNORECASE)),
    ("amount", re.compile(r"\d ?(gb|mb|kg|g|ml|l|km|m|steps?|items?|pieces?|ways|times|x)\b", re.IGNORECASE)),
)
# "15 MINUTE" goes on: a number and a unit in the singular.
_CUT_OFF = re.compile(r"\b(?!1\b)\d+[ -](second|minute|hour|day|week|month|year|step|piece)$", re.IGNORECASE)
_FIT = {"quote": 3.0, "pair": 2.6, "figure": 2.8, "line": 2.4, "subject": 1.0}
_BEST = 3  # subjects among which one that the quoted words do not name is preferred
_GENERAL = 1.0  # what a frame for any hook fits less than one for the hook that is there


class Frame(Row):
    """A form of a clip, as frames.toml describes it; `shots` are seconds and what is seen."""

    takes: Literal["quote", "line", "figure", "pair", "subject"]
    kinds: tuple[str, ...] = ()
    about: Literal["own", "other", "any"] = "any"
    visible: bool = False
    general: bool = False
    how: bool = False
    one_take: bool = False
    tones: tuple[prompts.Tone, ...] = ("light",)
    title: str
    concept: str
    opening: str
    shots: tuple[tuple[int, str], ...]
    caption: str
    reason: str


class Frames(Row):
    frame: tuple[Frame, ...]


@dataclass(frozen=True)
class Found:
    """Something that a clip has: a hook to quote or a line on its screen; `at` is when, in seconds, if it is known.

    `kind` is that of the hook, what a figure measures, or whether a line is an order or a claim.
    """

    takes: str
    clip: int
    text: str = ""
    kind: str = ""
    at: float | None = None


@dataclass(frozen=True)
class Setting:
    """What all ideas of a request have in common: how grave the subject is, and the language, None for English.

    `instructing` are the numbers of the clips that tell how to do something; None where that is not known.
    """

    tone: prompts.Tone = "light"
    language: Language | None = None
    instructing: frozenset[int] | None = None


_PLAIN = Setting()


@functools.cache
def frames(code: str = "") -> tuple[Frame, ...]:
    """The frames of a language by its code, by default the English ones."""
    name = f"frames_{code}.toml" if code else "frames.toml"
    return read_table(Path(__file__).with_name(name), Frames).frame


def three(
    request: BriefRequest,
    openings: Sequence[Hook],
    shown: Sequence[Sequence[str]],
    keywords: Sequence[Keyword],
    setting: Setting = _PLAIN,
) -> tuple[Idea, ...]:
    """Make three ideas. `openings` and `shown` (on-screen lines) have one entry a clip; `keywords` are best first.

    A title has at most 60 characters, a concept two sentences. `request.seed` chooses between frames that fit alike;
    those whose titles are in `request.earlier` are not made again while there are others.
    """
    # Of the words too, so that not all searches of one seed get the same frames.
    chance = random.Random(f"{request.seed} {' '.join(request.transcripts)[:500]}")  # noqa: S311 guards nothing
    usable = [k for k in subjects(keywords) if len(k.text) <= MAX_SUBJECT] or [_NO_SUBJECT]
    main = main_subjects(usable, heads(request, setting.language))
    parts = _found(request, openings, shown, setting)
    ranked = sorted(
        (
            (_fit(frame, part) + chance.random(), frame, part)
            for frame in frames(setting.language.code if setting.language else "")
            for part in parts
            if _suits(frame, part, setting)
        ),
        key=lambda entry: -entry[0],
    )
    ideas: list[Idea] = []
    spent: set[str] = set()
    # First each idea takes something else; then two may take the same; then what clips only touch on is a subject too;
    # at last an idea may come again.
    touched = [(False, True, [one]) for one in usable if one not in main]
    steps = [(True, True, main), (False, True, main), *touched, (False, False, main)]
    for spread, anew, about in steps:
        for _, frame, part in ranked:
            marks = {frame.title, part.text or frame.title, *([f"takes {frame.takes}"] if spread else [])}
            if len(ideas) == IDEAS or marks & spent:
                continue
            idea = _filled(frame, part, about, len(ideas), request, setting)
            if idea and not (anew and (idea.title in request.earlier or idea.title in {one.title for one in ideas})):
                ideas.append(paced(idea, request.measured, setting.language, frame.one_take))
                spent |= {frame.title, part.text or frame.title, f"takes {frame.takes}"}
    return tuple(ideas)


def _found(
    request: BriefRequest, openings: Sequence[Hook], shown: Sequence[Sequence[str]], setting: Setting
) -> list[Found]:
    found = [Found("subject", clip) for clip in range(max(1, len(openings)))]
    for clip, hook in enumerate(openings):
        if hook.quote:
            found.append(Found("quote", clip, hook.quote, hook.kind, _when(request, clip, hook.quote)))
    for clip, lines in enumerate(shown):
        kept = [line for line in lines if _stands_alone(line, setting.language)]
        kept = [line for line in kept if _measure(line) or not any(map(str.isdigit, line))]
        found += [
            Found("figure", clip, line, measure)
            if (measure := _measure(line))
            else Found("line", clip, line, _says(line))
            for line in kept
        ]
    return found + ([Found("pair", 0)] if len(openings) > 1 else [])


def _when(request: BriefRequest, clip: int, quote: str) -> float | None:
    """The second at which a clip says the beginning of a quote."""
    phrases = request.phrases[clip] if clip < len(request.phrases) else ()
    start = quote[:20].casefold()
    return next((phrase.start for phrase in phrases if start in phrase.text.casefold()), None)


def _measure(line: str) -> str:
    """What a caption with a number measures; "" where it measures nothing, as "SEAT 12A" does not."""
    has_number = any(map(str.isdigit, line))
    return next((kind for kind, pattern in _MEASURES if has_number and pattern.search(line)), "")


def _says(line: str) -> str:
    """What a caption says: "order", as "GRATE CHEESE" does, "claim", as "MILK IS ENOUGH", or neither."""
    tags = [token.tag for token in grammar.parse(line)]
    if tags[:1] in (["VVB"], ["VVI"]):
        return "order"
    return "claim" if any(tag in ("VVZ", "VBZ", "VBB", "VM0", "VHZ") for tag in tags) else ""


def _suits(frame: Frame, part: Found, setting: Setting) -> bool:
    if frame.how and setting.instructing is not None and part.clip not in setting.instructing:
        return False
    return frame.takes == part.takes and setting.tone in frame.tones and (not frame.kinds or part.kind in frame.kinds)


def _fit(frame: Frame, part: Found) -> float:
    return _FIT[frame.takes] - (_GENERAL if part.takes == "quote" and not frame.kinds else 0)


def _filled(
    frame: Frame, part: Found, about: Sequence[Keyword], number: int, request: BriefRequest, setting: Setting
) -> Idea | None:
    """The frame with a clip's own words in it; None where it needs subjects that the clips do not have."""
    chosen = _subjects(frame, part, about, number, setting.language)
    if chosen is None:
        return None
    x, y = chosen
    clip = x.clips[0] if part.takes in ("pair", "subject") and x.clips else part.clip
    words = _named(x, y, frame, setting)
    words |= {"quote": part.text, "line": part.text, "source": _source(request, clip, part.at)}
    title = frame.title.format(**words)
    if len(title) > MAX_TITLE:
        title = words["X"]
    return Idea(
        title=title,
        concept=frame.concept.format(**words),
        opening=frame.opening.format(**words),
        shots=tuple(Shot(seconds, _capital(shows.format(**words))) for seconds, shows in frame.shots),
        caption=frame.caption.format(**words),
        clip=clip if clip < len(request.transcripts) else None,
        at=part.at,
        reason=frame.reason,
    )


def _named(x: Keyword, y: Keyword, frame: Frame, setting: Setting) -> dict[str, str]:
    """The subjects as they stand in a title and in a sentence, and, with an s, all of their kind.

    Under a grave subject or law, words of one thing are not about all of its kind: "the nation", not "nations".
    """
    if setting.language:
        return {"X": _capital(x.text), "Y": _capital(y.text), "x": x.text, "y": y.text}
    counted = x.article and not x.plural and not frame.title.startswith("{X}")
    general = [one.in_general() if setting.tone == "light" else one.in_sentence() for one in (x, y)]
    return {
        "X": f"the {_title(x.text)}" if counted else _title(x.text),
        "Y": _title(y.text),
        "x": x.in_sentence(),
        "y": y.in_sentence(),
        "Xs": _headed(general[0], frame.title),
        "Ys": _headed(general[1], frame.title),
        "xs": general[0],
        "ys": general[1],
    }


def _headed(subject: str, title: str) -> str:
    """A subject in a title: "the Sauce", but "Sauce" at its head and behind a colon."""
    bare = re.search(r"(^|: )\{[XY]s\}", title)
    name = _title(re.sub(r"^(the|a|an) ", "", subject))
    return name if bare or not re.match(r"(the|a|an) ", subject) else f"the {name}"


def _subjects(
    frame: Frame, part: Found, about: Sequence[Keyword], number: int, language: Language | None
) -> tuple[Keyword, Keyword] | None:
    """Subjects for a frame: for a pair of different clips, else of the quoted words or of others, as the frame says."""
    usable = [k for k in about if language or _is_of_kind(k, frame)]
    turned = [*usable[number:], *usable[:number]]
    if frame.takes == "pair":
        pairs = ((a, b) for a in turned for b in turned if a.clips and b.clips and not set(a.clips) & set(b.clips))
        return next(((a, b) for a, b in pairs if not set(a.lemmas) & set(b.lemmas)), None)
    if part.text:  # what a clip shows is told of its own subjects
        usable = turned = [k for k in usable if part.clip in k.clips] or usable
    named = lemmas(part.text, language)
    own = [k for k in usable if set(k.lemmas) <= named]
    others = [k for k in turned[:_BEST] if not named & set(k.lemmas)]
    fresh = {"own": own, "other": others, "any": others + turned}[frame.about]
    if not fresh:
        return None
    other = next((k for k in [*fresh, *turned] if not set(k.lemmas) & set(fresh[0].lemmas)), None)
    return None if other is None and "{y}" in frame.concept else (fresh[0], other or fresh[0])


def _is_of_kind(keyword: Keyword, frame: Frame) -> bool:
    """Whether a frame is for such a subject: names of a place or a person, and what is thought, are not for all."""
    is_name = any(word.istitle() for word in keyword.text.split())
    seen = not is_name and not _ABSTRACT.search(keyword.text)
    return (seen or not frame.visible) and not (frame.general and is_name)


def _source(request: BriefRequest, clip: int, at: float | None) -> str:
    """Which clip, and when: “Three prompts that save an hour”, 0:02."""
    title = request.titles[clip] if clip < len(request.titles) else ""
    name = f"“{title}”" if title else f"clip {clip + 1}" if len(request.transcripts) > 1 else "the clip"
    return name if at is None else f"{name}, {int(at) // 60}:{int(at) % 60:02}"


def _stands_alone(line: str, language: Language | None = None) -> bool:
    words = re.findall(r"\w+", line.lower())
    if not 2 <= count_words(line) <= 6 or len(line) > _MAX_CAPTION or re.search(r"[.!?…\"“”<>]", line) or not words:
        return False
    if language:
        return not {words[0], words[-1]} & language.stopwords
    if _CUT_OFF.search(line):
        return False
    return not {words[0], words[-1]} & _UNFINISHED and any(token.is_noun for token in grammar.parse(line))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _title(text: str) -> str:
    words = [w if not w.islower() or (w in _SMALL_WORDS and n) else w.capitalize() for n, w in enumerate(text.split())]
    return " ".join(words)
