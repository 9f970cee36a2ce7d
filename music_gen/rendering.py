"""Play a MIDI file through pretty_midi's General MIDI SoundFont, so that its end runs on into its start."""

import io
import logging
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

from core import ffmpeg
from core.engines import EngineError
from core.packages import package_folder
from music_gen.mastering import RATE, surrounded

log = logging.getLogger(__name__)

PLAYER = Path(__file__).with_name("player.py")
TIME_LIMIT = 60.0  # seconds that the player may take; a minute of music takes it four
TRIES = 2  # of a player that is killed

TAIL = 4  # seconds after the last bar in which notes and reverb die away
RENDER_RATE = 48_000  # Hz, what midirenderer makes
CONTEXT = 480  # samples round the loop point for the resampling filter


def render_loop(score, seconds: int) -> np.ndarray:
    """Render a pretty_midi.PrettyMIDI of `seconds` as a loop: float32 at 32 kHz, shape (seconds * 32000, 2).

    What rings on after the end is laid over the start, where it is heard when the loop comes round. Raises
    EngineError where it cannot be played.
    """
    from scipy.signal import resample_poly

    wav = play(_with_tail(score, seconds))
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


def play(midi: bytes) -> bytes:
    """The WAV file that midirenderer makes of a MIDI file, in a process of its own (see player.py).

    One that is killed is started once more. Raises EngineError.
    """
    soundfont = package_folder("pretty_midi") / "TimGM6mb.sf2"
    packages = package_folder("midirenderer").parent
    line = [sys.executable, "-I", "-S", str(PLAYER), str(packages), str(soundfont)]
    pipe = subprocess.PIPE
    for _ in range(TRIES):
        with ffmpeg.confined(line, pipe, pipe, seconds=TIME_LIMIT, stdin=pipe) as process:
            wav, said = process.communicate(midi)
        if process.returncode == 0:
            return wav
        log.warning("the player ended with %d: %s", process.returncode, said.decode(errors="replace")[-500:])
        if process.returncode > 0:  # it said itself that it cannot, and was not killed
            break
    raise EngineError("The music could not be played; the log has what the player said.")
