"""What every music engine is asked for and answers with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MusicRequest:
    """A piece that is asked for: `seconds` is a multiple of 5, from 5 to 60; `seed` any whole number.

    `tempo`, in beats a minute, and `key`, as "F# minor", go before what the prompt says of them, where given.
    """

    prompt: str
    seconds: int
    seed: int
    tempo: float | None = None
    key: str | None = None


@dataclass(frozen=True)
class Track:
    """`wav` is a whole WAV file: 32 kHz, 16-bit, stereo. `midi` is a whole MIDI file where the engine wrote notes.

    `tempo` is that which was asked for, to the beats that the music really has; None where none was, or it has another.
    """

    wav: bytes
    midi: bytes | None = None
    tempo: float | None = None
