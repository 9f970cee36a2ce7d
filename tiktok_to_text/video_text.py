"""What was read from a clip, as plain values."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phrase:
    """Something said, from `start` to `end` in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class VideoText:
    """What was read from one clip.

    `seconds` is the clip's length, `on_screen` the lines of text in reading order, `stills` JPEG frames that would
    make a cover (those with the least text on them first), `speech_engine` the engine that listened (None where there
    was nothing to listen to), `cached` whether it had been read before.
    """

    seconds: float
    phrases: tuple[Phrase, ...]
    on_screen: tuple[str, ...]
    stills: tuple[bytes, ...]
    speech_engine: str | None
    warnings: tuple[str, ...] = ()
    cached: bool = field(default=False, compare=False)

    @property
    def transcript(self) -> str:
        return " ".join(phrase.text for phrase in self.phrases)
