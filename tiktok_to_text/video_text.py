"""What is asked of a clip and what was read from it, as plain values."""

from dataclasses import dataclass, field
from pathlib import Path

from core.tee import Tee


@dataclass(frozen=True)
class SpeechRequest:
    """A sound to listen to: `wav` is 16-bit mono at 16 kHz, `language` the one spoken in it (BCP 47)."""

    wav: Path
    language: str


@dataclass(frozen=True)
class ScreenRequest:
    """A clip to look at, which lasts `seconds`; its frames may come from a tee of frames.filters."""

    path: Path
    seconds: float
    tee: Tee | None = None


@dataclass(frozen=True)
class Phrase:
    """Something said, from `start` to `end` in seconds."""

    start: float
    end: float
    text: str


Box = tuple[float, float, float, float]  # left, top, right, bottom, from 0 to 1 of the frame


@dataclass(frozen=True)
class ScreenText:
    """A line of text on the screen, from `start` to `end` in seconds; "" where there is one that was not read."""

    start: float
    end: float
    text: str
    box: Box


@dataclass(frozen=True)
class VideoText:
    """What was read from one clip.

    `seconds` is the clip's length, `on_screen` the lines of text in reading order, `texts` when and where each stands
    (None where nobody could look), `stills` JPEG frames that would
    make a cover (those with the least text on them first), `speech_engine` the engine that listened (None where there
    was nothing to listen to), `cached` whether it had been read before.
    """

    seconds: float
    phrases: tuple[Phrase, ...]
    on_screen: tuple[str, ...]
    stills: tuple[bytes, ...]
    speech_engine: str | None
    warnings: tuple[str, ...] = ()
    texts: tuple[ScreenText, ...] | None = ()
    cached: bool = field(default=False, compare=False)

    @property
    def transcript(self) -> str:
        return " ".join(phrase.text for phrase in self.phrases)
