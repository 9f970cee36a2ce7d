"""What every engine of this package is asked for, and the brief that it returns."""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

SUMMARY_WORDS = 80  # words, at most
IDEAS = 3


class Phrase(NamedTuple):
    """Something said, from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Measured:
    """What was measured of `clips` clips, the medians in seconds; None where it is not known.

    `seconds` is their length, `shot_seconds` that of a shot; the first word is said at `first_word_at`, and shown at
    `text_first_at`.
    """

    clips: int
    seconds: float | None = None
    shot_seconds: float | None = None
    first_word_at: float | None = None
    text_first_at: float | None = None
    words_per_minute: float | None = None


@dataclass(frozen=True)
class BriefRequest:
    """What the clips say and show, one text a clip in the same order; either may be empty, as may be `tags`.

    The lines of `on_screen` are joined by newlines; `tags` are the cleaned tags asked for. Where they are known,
    `titles` are the clips' names, `phrases` what each says with its times, `facts` plain sentences on what was measured
    of the clips and `measured` the same in numbers. `language` (BCP 47) is the one spoken, `seed` chooses between ideas
    that fit alike, `earlier` are titles of ideas that the search had before.
    """

    transcripts: tuple[str, ...]
    on_screen: tuple[str, ...]
    tags: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    phrases: tuple[tuple[Phrase, ...], ...] = ()
    language: str = "en-US"
    seed: int = 0
    facts: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    measured: Measured | None = None


@dataclass(frozen=True)
class Shot:
    """`seconds` of an idea's clip, and what they show."""

    seconds: int
    shows: str


@dataclass(frozen=True)
class Idea:
    """A next clip: what it is (`concept`), the line that opens it, its shots, the caption on screen.

    `clip` is the number, from 0, of the clip it takes something from, and `at` the second where that stands; None where
    there is none. `reason` says why it should work, `timing` how fast to cut it and when its hook must stand. All but
    title and concept may be empty.
    """

    title: str
    concept: str
    opening: str = ""
    shots: tuple[Shot, ...] = ()
    caption: str = ""
    clip: int | None = None
    at: float | None = None
    reason: str = ""
    timing: str = ""


@dataclass(frozen=True)
class Brief:
    """`summary` has at most 80 words and is empty where the clips had none; `tags` are without `#`, best first.

    `post` is a text to paste under a clip. A part that could not be made is empty.
    """

    summary: str = ""
    tags: tuple[str, ...] = ()
    ideas: tuple[Idea, ...] = ()
    music_prompt: str = ""
    image_prompt: str = ""
    post: str = ""


def fill(brief: Brief, other: Brief) -> Brief:
    """The brief with its empty parts, and the ideas that it lacks, taken from another."""
    empty = {part.name: getattr(other, part.name) for part in fields(Brief) if not getattr(brief, part.name)}
    titles = {idea.title.casefold() for idea in brief.ideas}
    more = tuple(idea for idea in other.ideas if idea.title.casefold() not in titles)
    return replace(brief, **empty, ideas=(*brief.ideas, *more)[:IDEAS]) if brief.ideas else replace(brief, **empty)
