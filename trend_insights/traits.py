"""What is measured of a clip, as plain values. A number that is not known is None; confidences are from 0 to 1."""

from dataclasses import dataclass

from core.tempo import Tempo

Box = tuple[float, float, float, float]  # left, top, right, bottom, from 0 to 1 of the frame


@dataclass(frozen=True)
class MeasureRequest:
    """A clip to measure, and what has been read of it.

    `path` is the file's; `phrases` are what is said: (start, end, text); `texts` what stands on the screen:
    (start, end, text, box). Times are in seconds. `texts` is None where nobody looked.
    """

    path: str
    phrases: tuple[tuple[float, float, str], ...] = ()
    texts: tuple[tuple[float, float, str, Box], ...] | None = ()


@dataclass(frozen=True)
class Moment:
    """Something said or shown at a time, in seconds."""

    at: float
    text: str


@dataclass(frozen=True)
class Span:
    """A stretch of time, in seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Section:
    """A part of a clip, in seconds; `name` is "intro", "body" or "ending"."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Form:
    """`aspect` is as "9:16"; `frames_per_second` the mean where `variable_rate` is set."""

    seconds: float
    width: int | None
    height: int | None
    aspect: str | None
    frames_per_second: float | None
    variable_rate: bool
    sections: tuple[Section, ...]
    call_to_action: Moment | None
    confidence: float


@dataclass(frozen=True)
class Pace:
    """`words_per_minute` and `longest_silence` are from the first word to the last; `speech` is when one speaks."""

    words: int
    words_per_minute: float | None
    first_word_at: float | None
    longest_silence: float | None
    speech: tuple[Span, ...]
    confidence: float


@dataclass(frozen=True)
class Cuts:
    """`times` are the first moments of new shots; `shots` the lengths of all shots.

    `motion` is the share of the picture that changes within a fifth of a second, cuts left out; `camera_motion` how far
    the whole picture moves, in frame widths a second.
    """

    times: tuple[float, ...]
    per_minute: float | None
    shots: tuple[float, ...]
    median_shot: float | None
    first_at: float | None
    motion: float | None
    camera_motion: float | None
    confidence: float


@dataclass(frozen=True)
class Hook:
    """The first three seconds: the first sentence said, `kind` of it, and what else happens.

    `kind` is "question", "number", "command" or "claim", None without a sentence; `at` is when it begins.
    """

    text: str | None
    kind: str | None
    at: float | None
    on_screen: str | None
    motion: float | None
    loudness_lufs: float | None
    confidence: float


@dataclass(frozen=True)
class Text:
    """`share` of the time with text on the screen; `words` and `size` are medians of what stands there at once.

    `size` is the height of a line as a share of the frame's. `places` is how often text covers each field of the frame:
    rows from top to bottom, from 0 to 1. `spans` are when there is text.
    """

    share: float | None
    first_at: float | None
    words: float | None
    size: float | None
    places: tuple[tuple[float, ...], ...]
    spans: tuple[Span, ...]
    confidence: float


@dataclass(frozen=True)
class Key:
    """`name` is as "F# minor"."""

    name: str
    confidence: float


@dataclass(frozen=True)
class Sound:
    """`tempo`, `beats` and `key` are None and empty where there is no clear beat or no clear key.

    `loudness_lufs` is integrated; `levels` is the momentary loudness twice a second, None for silence. The shares are
    of the clip's time; `speech_over_music` is in decibels. Of the cuts, `cuts_on_beats` is the share that falls on a
    beat, and `cuts_follow_beats` whether that is more than chance would have.
    """

    tempo: Tempo | None
    beats: tuple[float, ...]
    key: Key | None
    loudness_lufs: float | None
    levels: tuple[float | None, ...]
    speech_share: float | None
    music_share: float | None
    speech_over_music: float | None
    cuts_on_beats: float | None
    cuts_follow_beats: bool | None
    confidence: float


@dataclass(frozen=True)
class Colour:
    """`palette` is in order of `shares`, each as "#rrggbb".

    `brightness` and `contrast` are mean and spread of OKLab's lightness, 0 to 1; `warmth` from -1, blue, to 1, orange.
    """

    palette: tuple[str, ...]
    shares: tuple[float, ...]
    brightness: float | None
    contrast: float | None
    warmth: float | None
    confidence: float


@dataclass(frozen=True)
class Traits:
    """All that is measured of one clip."""

    form: Form
    pace: Pace
    cuts: Cuts
    hook: Hook
    text: Text
    sound: Sound
    colour: Colour
