"""What a draft is, before a frame of it is drawn: scenes, shots, words and their times, as plain JSON values."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

WIDTH, HEIGHT = 1080, 1920  # pixels
FPS = 30  # frames a second
SHORTEST, LONGEST = 10.0, 60.0  # seconds of a draft
MAX_SCENES = 40
MAX_LINE = 400  # characters

CaptionStyle = Literal["pop", "karaoke", "typewriter"]
Move = Literal["push", "pull", "left", "right", "up", "down", "parallax"]
Transition = Literal["cut", "fade", "slide", "whip", "zoom"]
CAPTION_STYLES: tuple[str, ...] = get_args(CaptionStyle)

Seconds = Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)]


class TimelineError(ValueError):
    """A timeline that cannot be rendered; the message is one sentence that says what to change."""


@dataclass(frozen=True)
class Word:
    """A word of a scene's line, with the seconds from the scene's start at which it begins and ends."""

    text: Annotated[str, Field(max_length=MAX_LINE)]
    start: Seconds
    end: Seconds


@dataclass(frozen=True)
class Shot:
    """One picture under one camera move, or a moment of a clip, which moves by itself.

    `picture` names either; of a clip `start` is the second of it that is shown first. `transition` is how the shot
    before gives way to this one.
    """

    picture: Annotated[str, Field(max_length=64)]
    seconds: Annotated[float, Field(ge=1 / FPS, le=LONGEST, allow_inf_nan=False)]
    move: Move = "push"
    transition: Transition = "cut"
    start: Seconds = 0.0


@dataclass(frozen=True)
class Scene:
    """A line, spoken and captioned, over one or more shots. `words` are those of the line."""

    line: Annotated[str, Field(max_length=MAX_LINE)]
    shots: Annotated[tuple[Shot, ...], Field(min_length=1, max_length=120)]
    words: Annotated[tuple[Word, ...], Field(max_length=MAX_LINE)] = ()

    @property
    def seconds(self) -> float:
        return sum(shot.seconds for shot in self.shots)


@dataclass(frozen=True)
class Timeline:
    """A whole draft. `music_db` is the music's level against its usual one; `voice_speed` 1 is the voice's own pace.

    `beats` are those of the music, in seconds from the start of the draft; every cut falls on one where there are any.
    """

    scenes: Annotated[tuple[Scene, ...], Field(min_length=1, max_length=MAX_SCENES)]
    caption_style: CaptionStyle = "pop"
    voice: bool = True
    voice_speed: Annotated[float, Field(ge=0.5, le=2, allow_inf_nan=False)] = 1.0
    music_db: Annotated[float, Field(ge=-40, le=12, allow_inf_nan=False)] = 0.0
    seed: int = 0
    beats: Annotated[tuple[Seconds, ...], Field(max_length=2000)] = ()

    @property
    def seconds(self) -> float:
        return sum(scene.seconds for scene in self.scenes)

    @property
    def starts(self) -> tuple[float, ...]:
        """The second at which each scene begins."""
        sums, at = [], 0.0
        for scene in self.scenes:
            sums.append(at)
            at += scene.seconds
        return tuple(sums)

    @property
    def cuts(self) -> tuple[float, ...]:
        """The second at which each shot begins, and the draft ends."""
        return (0.0, *accumulate(shot.seconds for shot in self.shots))

    @property
    def frames(self) -> tuple[tuple[int, int], ...]:
        """The first frame of each shot, and of what follows it. Rounded as sums, so that no error adds up."""
        edges = [0]
        for at in self.cuts[1:]:
            edges.append(max(edges[-1] + 1, round(at * FPS)))
        return tuple(pairwise(edges))

    @property
    def shots(self) -> tuple[Shot, ...]:
        return tuple(shot for scene in self.scenes for shot in scene.shots)

    def words(self) -> tuple[Word, ...]:
        """All words, with their times from the start of the draft, none later than the end of its scene."""
        return tuple(
            Word(word.text, start + min(word.start, scene.seconds), start + min(word.end, scene.seconds))
            for scene, start in zip(self.scenes, self.starts, strict=True)
            for word in scene.words
        )

    def to_json(self) -> dict[str, Any]:
        return dict(json.loads(json.dumps(asdict(self))))

    @classmethod
    def from_json(cls, value: Any) -> "Timeline":
        """Read what `to_json` wrote, or what an editor made of it. Raises TimelineError."""
        try:
            timeline = _reader().validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the draft"
            raise TimelineError(f"This draft cannot be rendered: {where}: {first['msg'].lower()}.") from None
        if timeline.seconds > LONGEST + 0.5:
            raise TimelineError(f"This draft is {timeline.seconds:.0f} seconds long; shorten it to {LONGEST:.0f}.")
        return timeline


@cache
def _reader() -> TypeAdapter[Timeline]:
    return TypeAdapter(Timeline)
