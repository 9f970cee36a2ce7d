"""The styles the composer knows: what each is called in words, and what it is made of in notes.

Each is a TOML file in the folder `style_tables`. Patterns are bars of sixteen sixteenths; blanks only help the eye.

- drums: `X` accent, `x` plain, `o` soft, `g` ghost, `r` two strokes in the step, `t` three, `.` rest
- bass: `R` root, `3` `5` `7` chord tones, `8` octave, `A` a step that leads to the next root, `-` hold, `.` rest
- chords and melody rhythms: `x` strike, `-` hold, `.` rest
"""

import functools
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from core import embeddings
from core.tables import Row, read_table

FOLDER = Path(__file__).parent / "style_tables"
NAMES = "lofi pop house ambient cinematic trap funk folk bossa_nova synthwave rock jazz reggaeton afrobeats".split()
HOLD = "x--- ---- ---- ----"

# General MIDI's keys of a drum kit.
DRUM_KEYS = {
    "kick": 36, "rim": 37, "snare": 38, "clap": 39, "tom_low": 45, "tom_mid": 47, "tom_high": 50, "taiko": 41,
    "hat": 42, "pedal": 44, "open": 46, "crash": 49, "ride": 51, "tambourine": 54, "cowbell": 56, "bongo": 60,
    "conga_high": 63, "conga_low": 64, "timbale": 65, "shaker": 70, "triangle": 81,
}  # fmt: skip


def _known_drum(name: str) -> str:
    if name not in DRUM_KEYS:
        raise ValueError(f"there is no drum {name}: give one of {', '.join(DRUM_KEYS)}")
    return name


Midi = Annotated[int, Field(ge=0, le=127)]
Program = Midi
Drum = Annotated[str, AfterValidator(_known_drum)]
DrumRow = Annotated[str, Field(pattern=r"^( *[Xxogrt.]){16}$")]
Pattern = Annotated[str, Field(pattern=r"^( *[xR3578A.-]){16}$")]
Cell = Annotated[str, Field(pattern=r"^( *[x.-]){16}$")]
Progression = Annotated[str, Field(pattern=r"^[1-7]M?( [1-7]M?)*$")]
Scale = Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "harmonic minor"]
Fill = Literal["none", "roll", "snares", "toms", "ghosts", "hats", "congas", "stomps", "stop"]


class Part(Row):
    """One instrument's place in a style.

    `programs` are General MIDI numbers to choose from, `volume` is controller 7, `pan` 10, `reverb` 91, `patterns` the
    rhythms to choose from, `low` and `high` the range in MIDI pitches. `manner` is how a chord is laid out: "block",
    "strum" (its notes some milliseconds apart), "arpeggio" (a note a strike) or "power" (root and fifth).
    """

    programs: Annotated[tuple[Program, ...], Field(min_length=1)]
    volume: Midi
    patterns: tuple[Pattern, ...] = ()
    low: Midi = 52
    high: Midi = 76
    pan: Midi = 64
    reverb: Midi = 40
    manner: Literal["block", "strum", "arpeggio", "power"] = "block"


class Harmony(Row):
    """Scales, and progressions of chords by scale degree to choose from; `M` makes a chord major."""

    scales: Annotated[tuple[Scale, ...], Field(min_length=1)]
    progressions: Annotated[tuple[Progression, ...], Field(min_length=2)]


class Style(Row):
    """`phrases` are what a description is compared with, `tempo` is the slowest and the fastest in beats a minute.

    `bright` and `dark` are the harmonies of the two moods. `cells` are the rhythms of the melody. `lift` is what the
    drums add in a chorus. `swing` is the share of a step by which every second one comes late, `swing_step` that step
    in sixteenths. `chord_size` counts a chord's notes. `pump` ducks the chords on every beat, `crash` opens a chorus
    with a cymbal.
    """

    name: str
    phrases: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]
    tempo: tuple[int, int]
    bright: Harmony
    dark: Harmony
    kit: Program
    grooves: Annotated[tuple[dict[Drum, DrumRow], ...], Field(min_length=1)]
    bass: Part
    chords: Part
    lead: Part
    colour: Part
    cells: Annotated[tuple[Cell, ...], Field(min_length=3)]
    lift: dict[Drum, DrumRow] = Field(default_factory=dict)
    fills: tuple[Fill, ...] = ("roll", "toms", "stop")
    drum_volume: Midi = 100
    chord_size: Literal[3, 4, 5] = 3
    swing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    swing_step: Literal[1, 2] = 1
    pentatonic: bool = False
    chromatic_bass: bool = False
    pump: bool = False
    crash: bool = True


class _Poles(Row):
    high: str
    low: str


class _Moods(Row):
    brightness: _Poles
    energy: _Poles


@functools.cache
def styles() -> tuple[Style, ...]:
    """All styles, read once. Raises pydantic.ValidationError where a table is wrong."""
    return tuple(read_table(FOLDER / f"{name}.toml", Style) for name in NAMES)


def choose_style(prompt: str) -> tuple[Style, float, float]:
    """Pick the style whose phrases are nearest in meaning to `prompt`, and hear its mood.

    Returns the style, its brightness (-1 dark to 1 bright) and its energy (-1 calm to 1 driving). Nearness is the
    cosine of all-MiniLM-L6-v2 embeddings: the best phrase of each style, plus half the mean of them all. The mood is
    rounded to fifths, so that the last bits of a float never make another piece.
    """
    phrases, moods = _references()
    query = embeddings.embed([prompt])[0]
    nearness = phrases @ query  # (styles, phrases)
    best = int((nearness.max(axis=1) + 0.5 * nearness.mean(axis=1)).argmax())
    # A difference of cosines of 0.2 is already a plain statement of mood.
    brightness, energy = (round(min(1.0, max(-1.0, float(high - low) / 0.2)) * 5) / 5 for high, low in moods @ query)
    return styles()[best], brightness, energy


@functools.cache
def _references() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The embeddings of the styles' phrases, (styles, phrases, 384), and of the moods' poles, (2, 2, 384)."""
    moods = read_table(FOLDER / "moods.toml", _Moods)
    poles = [pole for mood in (moods.brightness, moods.energy) for pole in (mood.high, mood.low)]
    phrases = embeddings.embed([phrase for style in styles() for phrase in style.phrases])
    return phrases.reshape(len(styles()), -1, phrases.shape[1]), embeddings.embed(poles).reshape(2, 2, -1)
