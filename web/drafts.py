"""What somebody makes of a draft: a form or JSON turned into a checked DraftEdit, and what the form shows."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Request
from typing_extensions import TypedDict
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from animate_text import CAPTION_STYLES, Timeline, TimelineError
from animate_text.timeline import LONGEST, MAX_LINE, MAX_SCENES
from pipeline import DraftEdit
from web.errors import InvalidField

SPEEDS = (0.5, 2.0)
LEVELS = (-40.0, 12.0)  # dB
LENGTHS = (0.5, LONGEST)  # seconds of a scene


class DraftAnswer(TypedDict):
    """What is seen, said and shown when in the video of the idea with a number, counted from 0."""

    idea: int
    timeline: Timeline


class InvalidLine(InvalidField):
    """A line that cannot be used: the `row`-th, counted from 1; `part` of it is "text", "seconds" or "place"."""

    def __init__(self, row: int, part: str, description: str):
        super().__init__("lines", f"Line {row}: {description}")
        self.row, self.part = row, part


@dataclass(frozen=True)
class Row:
    """A scene in the form. `start` is its first second in the video, None where it is not in it."""

    place: str
    line: str
    seconds: str
    start: float | None = None


@dataclass(frozen=True)
class Sheet:
    """What the editor's form shows."""

    rows: tuple[Row, ...]
    caption_style: str
    voice: bool
    voice_speed: str
    music_db: str


# What POST /jobs/<id>/draft takes as JSON.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "idea": {"type": "integer", "minimum": 0, "maximum": 9, "description": "The idea, counted from 0"},
        "lines": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_SCENES,
            "description": "Each line is a scene; without lines the script is written",
            "items": {
                "type": "object",
                "required": ["text"],
                "properties": {
                    "text": {"type": "string", "minLength": 1, "maxLength": MAX_LINE, "pattern": r"\S"},
                    "seconds": {
                        "type": ["number", "null"],
                        "minimum": LENGTHS[0],
                        "maximum": LENGTHS[1],
                        "description": "At the least; a scene never ends before its line",
                    },
                },
            },
        },
        "caption_style": {"enum": list(CAPTION_STYLES)},
        "voice": {"type": "boolean"},
        "voice_speed": {"type": "number", "minimum": SPEEDS[0], "maximum": SPEEDS[1]},
        "music_db": {"type": "number", "minimum": LEVELS[0], "maximum": LEVELS[1]},
    },
    "examples": [{"idea": 1}, {"lines": [{"text": "Stop scrolling.", "seconds": 2}], "caption_style": "karaoke"}],
}


def load(content: bytes | None) -> Timeline | None:
    """The timeline that a search's `draft.json` holds; None where there is none."""
    try:
        return Timeline.from_json(json.loads(content or b""))
    except (ValueError, TimelineError):
        return None


def sheet_of(timeline: Timeline) -> Sheet:
    """The form of a draft as it was rendered, with an empty row for one more line."""
    rows = [
        Row(str(number), scene.line, f"{scene.seconds:.2f}".rstrip("0").rstrip("."), start)
        for number, (scene, start) in enumerate(zip(timeline.scenes, timeline.starts, strict=True), 1)
    ]
    more = [Row(str(len(rows) + 1), "", "")] if len(rows) < MAX_SCENES else []
    speed, level = f"{timeline.voice_speed:g}", f"{timeline.music_db:g}"
    return Sheet((*rows, *more), timeline.caption_style, timeline.voice, speed, level)


def typed(form: MultiDict[str, str]) -> Sheet:
    """The form as it was sent, so that nothing has to be typed again."""
    columns = zip(form.getlist("place"), form.getlist("line"), form.getlist("seconds"), strict=False)
    rows = tuple(Row(*column) for column in columns)
    chosen = [form.get(name, default) for name, default in (("voice_speed", "1"), ("music_db", "0"))]
    return Sheet(rows[: MAX_SCENES + 5], form.get("caption_style", "pop"), form.get("voice") == "on", *chosen)


def read_edit(request: Request, ideas: int) -> tuple[int, DraftEdit | None]:
    """The number of the idea and what is to be made of it; None where it is to be made from the start.

    `ideas` is how many there are. Raises BadRequest or InvalidField.
    """
    asked = request.get_json() if request.is_json else _form(request.form)
    if not isinstance(asked, dict):
        raise BadRequest('Send a JSON object such as {"lines": [{"text": "Stop scrolling."}]}.')
    known = SCHEMA["properties"]
    if unknown := asked.keys() - known.keys():
        raise BadRequest(f"Unknown: {', '.join(sorted(unknown))[:100]}. Known are {', '.join(sorted(known))}.")
    idea = asked.get("idea", 0)
    if type(idea) is not int or not 0 <= idea < max(1, ideas):
        raise InvalidField("idea", f"idea must be the number of one of the {ideas} ideas, counted from 0.")
    if "lines" not in asked:
        return idea, None
    lines = _lines(asked["lines"])
    style, voice = asked.get("caption_style", "pop"), asked.get("voice", True)
    if style not in CAPTION_STYLES:
        raise InvalidField("caption_style", f"caption_style must be one of {', '.join(CAPTION_STYLES)}.")
    if type(voice) is not bool:
        raise InvalidField("voice", "voice must be true or false.")
    speed = _number("voice_speed", asked.get("voice_speed", 1.0), SPEEDS)
    level = _number("music_db", asked.get("music_db", 0.0), LEVELS)
    texts, lengths = tuple(text for text, _ in lines), tuple(seconds for _, seconds in lines)
    return idea, DraftEdit(texts, lengths, style, voice, speed, level)


def _lines(rows: Any) -> list[tuple[str, float | None]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidField("lines", 'lines must be a list such as [{"text": "Stop scrolling.", "seconds": 2.5}].')
    lines = []
    for place, row in enumerate(rows, 1):
        text, seconds = row.get("text"), row.get("seconds")
        number = row["row"] if type(row.get("row")) is int else place
        if not isinstance(text, str) or len(text) > MAX_LINE:
            raise InvalidLine(number, "text", f"it needs a text of at most {MAX_LINE} characters.")
        if seconds is not None and not _is_within(seconds, LENGTHS):
            raise InvalidLine(number, "seconds", f"seconds must be {_range(LENGTHS)}.")
        if text.strip():
            lines.append((" ".join(text.split()), seconds and float(seconds)))
    if not 0 < len(lines) <= MAX_SCENES:
        raise InvalidField("lines", f"A draft has 1 to {MAX_SCENES} lines; there are {len(lines)}.")
    return lines


def _number(name: str, value: Any, bounds: tuple[float, float]) -> float:
    if not _is_within(value, bounds):
        raise InvalidField(name, f"{name} must be {_range(bounds)}.")
    return float(value)


def _is_within(value: Any, bounds: tuple[float, float]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return bounds[0] <= value <= bounds[1]


def _range(bounds: Sequence[float]) -> str:
    return f"a number from {bounds[0]:g} to {bounds[1]:g}"


def _form(form: MultiDict[str, str]) -> dict[str, Any]:
    """The fields of the editor's form as the JSON would have them. Scenes stand in the order of their numbers."""
    fields: dict[str, Any] = {"idea": _parsed(form.get("idea", "0"), int)}
    if "line" not in form:
        return fields
    texts, seconds, places = form.getlist("line"), form.getlist("seconds"), form.getlist("place")
    if not len(texts) == len(seconds) == len(places) <= MAX_SCENES + 5:
        raise InvalidField("lines", "Each scene needs its line, its seconds and its place.")
    rows = [(_place(place, number), number) for number, place in enumerate(places)]
    fields["lines"] = [
        {"text": texts[n], "seconds": _parsed(seconds[n]) if seconds[n].strip() else None, "row": n + 1}
        for _, n in sorted(rows)
    ]
    for name in ("voice_speed", "music_db"):
        if form.get(name, "").strip():
            fields[name] = _parsed(form[name])
    if "caption_style" in form:
        fields["caption_style"] = form["caption_style"]
    return fields | {"voice": form.get("voice") == "on"}


def _place(text: str, number: int) -> float:
    """Where a scene stands; one without a number comes last."""
    place = _parsed(text) if text.strip() else math.inf
    if not isinstance(place, float) or math.isnan(place):
        raise InvalidLine(number + 1, "place", "its place must be a number.")
    return place


def _parsed(text: str, kind: type[int] | type[float] = float) -> int | float | str:
    """The number that a text holds, with a point or a comma; else the text, which no check takes for a number."""
    try:
        return kind(text.strip().replace(",", "."))
    except ValueError:
        return text
