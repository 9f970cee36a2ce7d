"""Lines, pictures, music and pace in; a timeline out. No file is read and no frame drawn here."""

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from animate_text import views
from animate_text.caption_pages import SHORT
from animate_text.timeline import (
    FPS,
    LONGEST,
    MAX_LINE,
    MAX_SCENES,
    SHORTEST,
    CaptionStyle,
    Move,
    Scene,
    Shot,
    Timeline,
    Transition,
    Word,
)
from animate_text.words import words_of
from core.sentences import split_sentences

LINE_WORDS, LEAST_WORDS = 16, 4  # of a line that is spoken in one breath
JOINTS = frozenset("and but or because so when while before after until which that then if to with for from".split())
LEAD, TAIL = 0.12, 0.28  # seconds of a scene before and after its line
SLACK = 0.14  # seconds of the tail that may be given up for an earlier beat
FAR = 1.5  # seconds: a beat that is further away is not waited for
SHOT = 2.6  # seconds: how long a shot is where no pace was measured
SHOTS = (1.2, 2.8)  # seconds: the shortest and longest that a measured pace leads to; a still holds no longer
AFTER = 0.25  # seconds of a clip after what is shown of it: what comes next comes in over them
PACE = 150.0  # words a minute that are read where nobody speaks and no pace was measured
PACES = (90.0, 190.0)
MOVES: tuple[Move, ...] = ("push", "left", "pull", "up", "right", "down")
TRANSITIONS: tuple[Transition, ...] = ("cut", "slide", "zoom", "cut", "whip", "fade")


@dataclass(frozen=True)
class SpokenLine:
    """What a voice made of a line: its length in seconds, and when in it each word is said."""

    seconds: float
    words: tuple[Word, ...]


Moment = tuple[str, float]  # the name of a clip, and a second of it


@dataclass(frozen=True)
class Footage:
    """A clip that may be shown moving. `moments` are seconds of it that are worth showing, the best first.

    `said` has an entry for each of them, or none at all: what is said and what stands on the screen then.
    """

    name: str
    seconds: float
    moments: tuple[float, ...]
    said: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class StoryboardRequest:
    """`lines` in order, each a scene. `spoken` has an entry for each, or none at all where nobody speaks.

    `pictures` are names: scenes show them in turn, and other views of them (see views). `beats` are those of the music
    over as long as a draft may be, in seconds. `cuts_per_minute` and `words_per_minute` are the trend's measured pace,
    None where it is not known. `lengths` are the seconds that somebody wants each scene to have: empty, or an entry a
    line, None for as long as it needs. Scenes begin with moments of `footage` as long as there are any: `moments` has
    one for each line, or None; without it they come in turn.
    """

    lines: tuple[str, ...]
    pictures: tuple[str, ...]
    spoken: tuple[SpokenLine, ...] = ()
    beats: tuple[float, ...] = ()
    cuts_per_minute: float | None = None
    words_per_minute: float | None = None
    lengths: tuple[float | None, ...] = ()
    footage: tuple[Footage, ...] = ()
    moments: tuple[Moment | None, ...] = ()
    caption_style: CaptionStyle = "pop"
    voice_speed: float = 1.0
    music_db: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Storyboard:
    """A timeline, the numbers of the lines that are in it, and what had to be said of those that are not."""

    timeline: Timeline
    lines: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


def split_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """Cut lines into such as are spoken in one breath: at the ends of sentences, at commas, or after enough words."""
    short: list[str] = []
    for line in lines:
        for sentence in split_sentences(line):
            short += _breaths(sentence)
    return tuple(short)[: MAX_SCENES - 1]


def _breaths(sentence: str) -> list[str]:
    words = sentence.split()
    parts: list[str] = []
    while len(words) > LINE_WORDS:
        cut = _breath(words)
        parts.append(" ".join(words[:cut]))
        words = words[cut:]
    parts.append(" ".join(words))
    return [part[start : start + MAX_LINE] for part in parts for start in range(0, len(part), MAX_LINE)]


def _breath(words: Sequence[str]) -> int:
    """After how many words of a long sentence to breathe: at a comma, before "and" or "until", not after "the"."""
    wanted = min(len(words) / 2, 0.75 * LINE_WORDS)

    def worth(cut: int) -> float:
        pause = 2.0 * (words[cut - 1][-1] in ",;:—–") + 1.5 * (words[cut].casefold() in JOINTS)
        return pause - 1.5 * (len(words[cut - 1]) <= SHORT) - abs(cut - wanted) / 4

    return max(range(LEAST_WORDS, min(LINE_WORDS, len(words) - LEAST_WORDS) + 1), key=worth)


def storyboard(request: StoryboardRequest) -> Storyboard:
    """Lay out a draft: how long each scene is, where it is cut, what is seen, when each word is shown.

    A scene lasts as long as its line needs and ends on a beat; within it shots change on beats at about the trend's
    pace. The same request gives the same timeline. Raises ValueError where there is no line.
    """
    if not request.lines:
        raise ValueError("A draft needs at least one line.")
    needs = [_need(request, number) for number in range(len(request.lines))]
    kept, warnings = _fitting(needs)
    wishes = [_wish(request, number) for number in kept]
    edges = _edges(request, _stretched([needs[number] for number in kept], wishes), wishes)
    random = Random(f"{request.seed}|storyboard")  # noqa: S311
    shots = _shots(request, kept, edges, random)
    scenes = tuple(
        Scene(request.lines[number], row, _words(request, number, end - start))
        for number, row, (start, end) in zip(kept, shots, edges, strict=True)
    )
    beats = tuple(beat for beat in request.beats if beat <= edges[-1][1] + 0.001)
    timeline = Timeline(
        scenes=scenes,
        caption_style=request.caption_style,
        voice=bool(request.spoken),
        voice_speed=request.voice_speed,
        music_db=request.music_db,
        seed=request.seed,
        beats=beats,
    )
    return Storyboard(timeline, tuple(kept), warnings)


def _need(request: StoryboardRequest, number: int) -> float:
    """The least seconds of a scene."""
    if request.spoken and request.spoken[number].seconds:
        return LEAD + request.spoken[number].seconds + TAIL
    pace = _within(request.words_per_minute or PACE, PACES)
    return max(1.2, len(words_of(request.lines[number])) * 60 / pace + 0.5)


def _wish(request: StoryboardRequest, number: int) -> float:
    return (request.lengths[number] if request.lengths else None) or 0.0


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _fitting(needs: Sequence[float]) -> tuple[list[int], tuple[str, ...]]:
    """The numbers of the lines that fit the longest draft. The last line, which rounds it off, stays."""
    kept = list(range(len(needs)))
    room = LONGEST - 0.5 * len(needs) ** 0.5 - 1  # waiting for beats takes some time too
    while len(kept) > 1 and sum(needs[number] for number in kept) > room:
        del kept[-2 if len(kept) > 2 else -1]
    left_out = len(needs) - len(kept)
    if not left_out:
        return kept, ()
    what = "One line of the script was" if left_out == 1 else f"{left_out} lines of the script were"
    return kept, (f"{what} left out: a draft has at most {LONGEST:.0f} seconds.",)


def _stretched(needs: Sequence[float], wishes: Sequence[float]) -> list[float]:
    """The least seconds of each scene where all must fill SHORTEST: those for which nobody wishes a length get more."""
    missing = SHORTEST - sum(map(max, needs, wishes))
    free = sum(need for need, wish in zip(needs, wishes, strict=True) if not wish)
    more = max(0.0, missing) / free if free else 0.0
    return [need * (1 + (0 if wish else more)) for need, wish in zip(needs, wishes, strict=True)]


def _edges(request: StoryboardRequest, needs: Sequence[float], wishes: Sequence[float]) -> list[tuple[float, float]]:
    """The start and the end of each scene, on beats where there are any."""
    edges, at = [], 0.0
    for number, (need, wish) in enumerate(zip(needs, wishes, strict=True)):
        least = at + max(need, wish)
        if number == len(needs) - 1:
            least = max(least, SHORTEST)
        left = sum(needs[number + 1 :])
        end = min(_beat_after(request.beats, least - SLACK, least), max(at + need, LONGEST - left))
        edges.append((at, end))
        at = end
    return edges


def _beat_after(beats: Sequence[float], earliest: float, wanted: float) -> float:
    number = bisect_left(beats, earliest)
    if number < len(beats) and beats[number] - wanted < FAR:
        return beats[number]
    return round(wanted * FPS) / FPS


def _shots(
    request: StoryboardRequest, kept: Sequence[int], edges: Sequence[tuple[float, float]], random: Random
) -> list[tuple[Shot, ...]]:
    pace = _within(60 / request.cuts_per_minute, SHOTS) if request.cuts_per_minute else SHOT
    turn = random.randrange(len(MOVES))
    moments = dict(enumerate(request.moments or in_turn(request.footage)))
    rows = []
    for scene, (line, (start, end)) in enumerate(zip(kept, edges, strict=True)):
        transition = TRANSITIONS[random.randrange(len(TRANSITIONS))] if scene else "cut"
        row = []
        for number, (first, last) in enumerate(pairwise([start, *_cuts(request.beats, start, end, pace), end])):
            entrance: Transition = transition if not number else "cut"
            if not number and (moment := _fitted(request.footage, moments.get(line), last - first)):
                clip, at = moment
                row.append(Shot(clip, last - first, transition=entrance, start=at))
                continue
            picture = views.shown(request.pictures, line, number, request.seed)
            row.append(Shot(picture, last - first, _move(picture, scene, number, turn), entrance))
        rows.append(tuple(row))
    return rows


def in_turn(footage: Sequence[Footage]) -> tuple[Moment, ...]:
    """All moments of some clips, the best of each first: clips take turns, as long as the one in turn has any left."""
    turns = itertools.zip_longest(*([(clip.name, at) for at in clip.moments] for clip in footage))
    return tuple(moment for turn in turns for moment in turn if moment)


def _fitted(footage: Sequence[Footage], moment: Moment | None, seconds: float) -> Moment | None:
    """A moment, earlier where the clip would end before it does; None where the clip is too short."""
    if moment is None:
        return None
    name, at = moment
    latest = next(clip.seconds for clip in footage if clip.name == name) - seconds - AFTER
    return (name, round(min(at, latest), 3)) if latest >= 0 else None


def _move(picture: str, scene: int, number: int, turn: int) -> Move:
    if not scene and not number:
        return "push"  # a draft opens by going closer
    return "parallax" if views.is_layered(picture) else MOVES[(2 * scene + number + turn) % len(MOVES)]


def _cuts(beats: Sequence[float], start: float, end: float, pace: float) -> list[float]:
    """Where a scene is cut within: about every `pace` seconds, on beats where there are any."""
    count = max(1, round((end - start) / pace))
    cuts: list[float] = []
    for number in range(1, count):
        wanted = start + number * (end - start) / count
        near = [beat for beat in beats if abs(beat - wanted) < FAR / 2]
        cut = min(near, key=lambda beat: abs(beat - wanted)) if near else round(wanted * FPS) / FPS
        if cut - (cuts[-1] if cuts else start) >= SHOTS[0] * 0.6 and end - cut >= SHOTS[0] * 0.6:
            cuts.append(cut)
    return cuts


def _words(request: StoryboardRequest, number: int, seconds: float) -> tuple[Word, ...]:
    """The words of a scene: as they were spoken, else evenly by their letters."""
    if request.spoken and request.spoken[number].words:
        return tuple(Word(w.text, w.start + LEAD, min(w.end + LEAD, seconds)) for w in request.spoken[number].words)
    words = words_of(request.lines[number])
    weights = [len(word) + 2 for word in words]
    room, at, timed = max(0.2, min(seconds - 0.3, _need(request, number))), 0.1, []
    for word, weight in zip(words, weights, strict=True):
        end = at + room * weight / (sum(weights) + 2)
        timed.append(Word(word, round(at, 3), round(end, 3)))
        at = end
    return tuple(timed)
