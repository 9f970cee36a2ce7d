"""The beats that a draft's cuts fall on: of the notes, of what is heard, and over as long as the music is repeated."""

import numpy as np
import pretty_midi
import pytest

import music_gen
import trend_insights
from animate_text import beats_of
from animate_text.beats import beats_of_notes, repeated
from animate_text.wav import write_wav
from music_gen import MusicRequest

RATE = 32_000


def clicks(bpm, seconds=10.0):
    """A bar of clicks, the first of four louder, as a WAV file."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    tone = np.sin(2 * np.pi * 900 * np.arange(1600) / RATE) * np.exp(-np.arange(1600) / 300)
    for number, at in enumerate(np.arange(0.2, seconds - 0.1, 60 / bpm)):
        start = round(at * RATE)
        samples[start : start + 1600] += (0.8 if number % 4 == 0 else 0.5) * tone
    return write_wav(samples, RATE)


def deaf(samples, rate):
    raise AssertionError("the notes say it all")


@pytest.mark.parametrize("bpm", [90, 118, 140])
def test_beats_are_heard_where_there_are_no_notes(bpm):
    found = beats_of(clicks(bpm), None, 10.0, trend_insights.beats)
    wanted = np.arange(0.2, 9.9, 60 / bpm)
    assert len(found) > 0.6 * len(wanted)
    assert np.mean([min(abs(beat - want) for want in wanted) < 0.04 for beat in found]) > 0.9


def test_notes_are_believed_before_what_is_heard(settings):
    track = music_gen.generate(MusicRequest("A confident deep house instrumental at 122 BPM.", 10, 1), settings).value
    found = beats_of(track.wav, track.midi, 10.0, deaf)
    assert np.diff(found) == pytest.approx(60 / pretty_midi_tempo(track.midi), abs=0.01)
    heard = beats_of(track.wav, None, 10.0, trend_insights.beats)
    assert np.mean([min(abs(beat - known) for known in found) < 0.05 for beat in heard]) > 0.9


def pretty_midi_tempo(midi):
    import io

    return pretty_midi.PrettyMIDI(io.BytesIO(midi)).get_tempo_changes()[1][0]


@pytest.mark.parametrize("midi", [b"", b"MThd", b"no notes at all"])
def test_broken_notes_give_way_to_what_is_heard(midi):
    assert beats_of_notes(midi) == ()
    assert beats_of(clicks(118), midi, 10.0, lambda samples, rate: (1.0, 2.0)) == (1.0, 2.0)


def test_silence_and_no_music_have_no_beat():
    assert beats_of(write_wav(np.zeros(10 * RATE), RATE), None, 10.0, trend_insights.beats) == ()
    assert beats_of(None, None, 10.0, deaf) == ()


def test_music_that_starts_again_starts_its_beats_again():
    assert repeated((0.5, 1.5), 2.0, 5.0) == (0.5, 1.5, 2.5, 3.5, 4.5)
    assert repeated((), 2.0, 5.0) == ()
