"""The drawings of what was measured: where each shape of an SVG stands. The templates draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDE, HIGH = 1000, 40  # units of a track's drawing, which is stretched to the width there is
QUIETEST, LOUDEST = -50.0, 0.0  # LUFS at the bottom and at the top
TICK = 3  # units: the width of a beat

Stretch = tuple[float, float]  # from, to, in seconds


@dataclass(frozen=True)
class Bar:
    """A stretch of a track, in units from its left edge; `title` is shown on hover."""

    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Track:
    """A row of a timeline: bars, or a filled `path`; `words` say the same. `kind` names its look."""

    kind: str
    label: str
    words: str
    bars: tuple[Bar, ...] = ()
    path: str = ""


def timeline(clip: Mapping[str, Any], longest: float) -> tuple[Track, ...]:
    """The tracks of a clip, as the interface gives it, on an axis that is `longest` seconds long."""
    shots, start = [], 0.0
    for length in clip["shots"]:
        shots.append((start, start + length))
        start += length
    beats = [(beat, beat) for beat in clip["beats"]]
    heard = "no clear beat" if not clip["tempo"] else f"{clip['tempo']['bpm']:.0f} BPM, {len(beats)} beats"
    return (
        Track("shots", "Shots", _count(shots, "shot"), _bars(shots, longest)),
        Track("speech", "Speech", _when(clip["speech"]), _bars(_spans(clip["speech"]), longest)),
        Track("text", "Text", _when(clip["text_spans"]), _bars(_spans(clip["text_spans"]), longest)),
        Track("levels", "Loudness", _loudness(clip), path=_levels(clip, longest)),
        Track("beats", "Beats", heard, _bars(beats, longest, TICK)),
    )


def form(clip: Mapping[str, Any]) -> str:
    """The shape of a clip, and the parts it has, in words."""
    shape = [f"{clip['seconds']:.1f} s", clip["aspect"]]
    if clip["frames_per_second"]:
        shape.append(f"{clip['frames_per_second']:.0f} frames a second")
    parts = [f"{part['name']} from {part['start']:.1f} s" for part in clip["sections"] if part["start"]]
    return ", ".join(filter(None, shape)) + (f"; {', '.join(parts)}" if parts else "")


def opening(hook: Mapping[str, Any]) -> str:
    """How much moves, and how loud it is, in the first three seconds of a clip."""
    motion, loudness = hook["motion"], hook["loudness_lufs"]
    moves = "" if motion is None else f"{100 * motion:.0f} % of the picture moves"
    return ", ".join(filter(None, [moves, "" if loudness is None else lufs(loudness)])) or "not known"


def lufs(loudness: float) -> str:
    """A loudness as people read it."""
    return f"{_signed(f'{loudness:.1f}')} LUFS"


def videos_of(
    clips: Sequence[Mapping[str, Any]], videos: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any] | None]:
    """The video of each measured clip, in order: of several with its title the next one that could be read."""
    left = [video for video in videos if not video.get("error")]
    found = []
    for clip in clips:
        place = next((place for place, video in enumerate(left) if video["title"] == clip["title"]), None)
        found.append(None if place is None else left.pop(place))
    return found


def longest(clips: Sequence[Mapping[str, Any]]) -> float:
    """How long the axis is that all clips share, in seconds; at least one."""
    return max([1.0, *(float(clip["seconds"]) for clip in clips)])


def ticks(seconds: float) -> tuple[tuple[float, str], ...]:
    """The marks of a time axis: their place in units, and their time."""
    step = next(step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300) if seconds / step <= 6)
    return tuple((WIDE * at / seconds, f"{at // 60}:{at % 60:02}") for at in range(0, int(seconds) + 1, step))


def dots(spread: Mapping[str, Any]) -> tuple[tuple[float, str], ...]:
    """The place of each known value between the lowest and the highest, from 0 to 1, and the value in words."""
    known = [value for value in spread["values"] if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)  # what the spread says is rounded
    return tuple(((value - low) / (high - low) if high > low else 0.5, number(spread, value)) for value in known)


def number(spread: Mapping[str, Any], value: float | None) -> str:
    """A value of a spread as people read it: a share in percent, a dash where it is not known."""
    if value is None:
        return "–"
    if spread["unit"].startswith(" of the"):
        return f"{100 * value:.0f} %"
    return _signed(f"{value:.{spread['digits']}f}")


def heat(clips: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, ...], ...]:
    """How much of the time text covers each field of the frame, in the mean of the clips that have any; rows."""
    maps = [clip["text_places"] for clip in clips if clip["text_places"]]
    return tuple(
        tuple(sum(fields) / len(maps) for fields in zip(*rows, strict=True)) for rows in zip(*maps, strict=True)
    )


def densest(rows: Sequence[Sequence[float]]) -> str:
    """Where most of the text stands, in words."""
    if not rows:
        return "nowhere"
    third = len(rows) / 3
    sums = [sum(sum(row) for index, row in enumerate(rows) if int(index / third) == part) for part in range(3)]
    return ("in the upper third", "in the middle", "in the lower third")[sums.index(max(sums))]


def _spans(spans: Sequence[Mapping[str, float]]) -> list[Stretch]:
    return [(span["start"], span["end"]) for span in spans]


def _bars(spans: Sequence[Stretch], seconds: float, least: float = 1.0) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            round(WIDE * start / seconds, 1),
            round(max(least, WIDE * (end - start) / seconds), 1),
            f"{start:.1f} s" if end == start else f"{start:.1f} to {end:.1f} s",
        )
        for start, end in spans
    )


def _count(spans: Sequence[Stretch], name: str) -> str:
    if not spans:
        return "not known"
    starts = ", ".join(f"{start:.1f}" for start, _ in spans[1:13])
    return f"{len(spans)} {name}{'s' if len(spans) > 1 else ''}" + (f", cuts at {starts} s" if starts else "")


def _when(spans: Sequence[Mapping[str, float]]) -> str:
    return ", ".join(f"{span['start']:.1f} to {span['end']:.1f} s" for span in spans[:12]) or "none"


def _loudness(clip: Mapping[str, Any]) -> str:
    return "silent" if clip["loudness_lufs"] is None else lufs(clip["loudness_lufs"])


def _signed(number: str) -> str:
    """A number with a minus in place of a hyphen, which screen readers leave out."""
    return number.replace("-", "−")


def _levels(clip: Mapping[str, Any], seconds: float) -> str:
    """The outline of the loudness over time, from the bottom left to the bottom right."""
    levels = clip["levels"]
    if not levels:
        return ""
    points = []
    for index, level in enumerate(levels):
        high = 0.0 if level is None else min(1.0, max(0.0, (level - QUIETEST) / (LOUDEST - QUIETEST)))
        x = WIDE * clip["seconds"] * (index + 0.5) / len(levels) / seconds
        points.append(f"L{x:.0f} {HIGH * (1 - high):.1f}")
    end = WIDE * clip["seconds"] / seconds
    return f"M0 {HIGH} {' '.join(points)} L{end:.0f} {HIGH} Z"
