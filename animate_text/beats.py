"""Where the beats of a draft's music are: from its notes where there are any, else by listening."""

import io
from collections.abc import Callable, Sequence

import numpy as np

from animate_text.wav import read_wav

# (samples, rate): the beats of a mono recording in seconds, empty where it has none that is clear.
Listen = Callable[[np.ndarray, int], Sequence[float]]


def beats_of(wav: bytes | None, midi: bytes | None, seconds: float, listen: Listen) -> tuple[float, ...]:
    """The beats of music that starts again until `seconds` are full: of its notes where there are any.

    `wav` and `midi` are whole files, None where there is none. Empty where no beat is clear.
    """
    if not wav:
        return ()
    samples, rate = read_wav(wav)
    found = (beats_of_notes(midi) if midi else ()) or listen(samples, rate)
    return repeated(found, len(samples) / rate, seconds)


def beats_of_notes(midi: bytes) -> tuple[float, ...]:
    """The beats of a MIDI file, in seconds. Empty where it cannot be read."""
    import pretty_midi

    try:
        score = pretty_midi.PrettyMIDI(io.BytesIO(midi))
        return tuple(round(float(beat), 4) for beat in score.get_beats())
    except (OSError, ValueError, IndexError, EOFError, KeyError):
        return ()


def repeated(beats: Sequence[float], loop: float, seconds: float) -> tuple[float, ...]:
    """The beats of `seconds` of a piece that starts again every `loop` seconds."""
    if not beats or loop <= 0:
        return ()
    rounds = int(seconds // loop) + 1
    return tuple(
        round(beat + loop * turn, 4) for turn in range(rounds) for beat in beats if beat + loop * turn <= seconds
    )
