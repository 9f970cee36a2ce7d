"""Play a MIDI file through pretty_midi's General MIDI SoundFont, so that its end runs on into its start."""

import functools
import io
import wave

import numpy as np

from core.packages import package_folder
from music_gen.mastering import RATE, surrounded

TAIL = 4  # seconds after the last bar in which notes and reverb die away
RENDER_RATE = 48_000  # Hz, what midirenderer makes
CONTEXT = 480  # samples round the loop point for the resampling filter


def render_loop(score, seconds: int) -> np.ndarray:
    """Render a pretty_midi.PrettyMIDI of `seconds` as a loop: float32 at 32 kHz, shape (seconds * 32000, 2).

    What rings on after the end is laid over the start, where it is heard when the loop comes round. Raises
    ValueError or RuntimeError where midirenderer cannot play the file.
    """
    import midirenderer
    from scipy.signal import resample_poly

    wav = midirenderer.render_wave_from(_soundfont(), _with_tail(score, seconds))
    with wave.open(io.BytesIO(wav)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, 2).T
    length = seconds * RENDER_RATE
    looped = samples[:, :length].astype(np.float32) / 32768
    tail = samples[:, length : 2 * length].astype(np.float32) / 32768
    looped[:, : tail.shape[1]] += tail
    smaller = resample_poly(surrounded(looped, CONTEXT, loop=True), RATE, RENDER_RATE, axis=1)
    edge = CONTEXT * RATE // RENDER_RATE
    return smaller[:, edge : edge + seconds * RATE].T


def write_midi(score) -> bytes:
    """The bytes of a MIDI file of a pretty_midi.PrettyMIDI."""
    file = io.BytesIO()
    score.write(file)
    return file.getvalue()


def _with_tail(score, seconds):
    """midirenderer stops at the last event: one that changes nothing (modulation off) makes it go on."""
    import pretty_midi

    changes = score.instruments[0].control_changes
    changes.append(pretty_midi.ControlChange(number=1, value=0, time=seconds + TAIL))
    try:
        return write_midi(score)
    finally:
        changes.pop()


@functools.cache
def _soundfont():
    return (package_folder("pretty_midi") / "TimGM6mb.sf2").read_bytes()
