"""What every music engine answers with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Track:
    """`wav` is a whole WAV file: 32 kHz, 16-bit, stereo. `midi` is a whole MIDI file where the engine wrote notes."""

    wav: bytes
    midi: bytes | None = None
