"""Tempo, key, loudness, speech and music of sounds whose truth is known; and no answer where there is none."""

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from core import tempo
from core.engines import no_report
from core.tempo import Tempo
from tools.known_clips import accuracy, made
from tools.known_clips.accuracy import SAID
from trend_insights import MeasureRequest, cuts, key, loudness, measure, speech
from trend_insights.traits import Span

# --- tempo


@pytest.mark.parametrize("bpm", accuracy.CLICKS)
def test_the_tempo_of_clicks_is_found_although_they_are_not_exact(bpm):
    found, beats = tempo.measure(made.clicks(bpm, human=accuracy.HUMAN, seed=bpm))
    assert found.bpm == pytest.approx(bpm, rel=0.04)
    gaps = np.diff(beats)
    assert np.median(gaps) == pytest.approx(60 / bpm, rel=0.04)
    assert abs((beats[3] - 0.1) * bpm / 60 % 1 - 0.5) > 0.4  # on the clicks, not between them


@pytest.mark.slow
def test_the_tempo_of_music_is_found():
    found = accuracy.music_tempi()
    assert found.answered * found.right >= 0.9 and found.octaves <= 0.05


@pytest.mark.slow
def test_the_key_of_music_is_found():
    assert accuracy.keys().right_or_relative >= 0.75


@pytest.mark.slow
def test_the_tempo_of_music_under_a_voice_in_a_room_is_found():
    found = accuracy.tempi_under_a_voice()
    assert found.right >= 0.9 and found.octaves <= 0.05
    assert found.answered >= 0.7


@pytest.mark.slow
def test_a_voice_alone_has_neither_a_beat_nor_a_key():
    for seed, speed in enumerate((0.9, 1.0, 1.15)):
        voice = made.in_a_room(made.speech(SAID, speed, seed), seed=seed)
        assert tempo.measure(voice) == (None, ())
        assert key.measure(voice) is None
        assert speech.measure(voice, np.ones(150), (), len(voice) / made.RATE).music_share < 0.05


@pytest.mark.parametrize("seconds", [5, 10, 30])
def test_noise_and_silence_have_no_beat(seconds):
    noise = np.random.default_rng(seconds).standard_normal(seconds * made.RATE).astype(np.float32) * 0.1
    assert tempo.measure(noise) == (None, ())
    assert key.measure(noise) is None
    assert tempo.measure(np.zeros_like(noise)) == (None, ())
    assert key.measure(np.zeros_like(noise)) is None


def test_a_moment_of_sound_has_no_beat():
    assert tempo.measure(made.clicks(120, 2)) == (None, ())
    assert key.measure(made.clicks(120, 2)) is None


def test_cuts_on_beats_are_told_from_cuts_by_chance():
    beats, pace = tuple(np.arange(0.2, 20, 0.5)), Tempo(120.0, 1.0)
    assert cuts.on_beats((1.2, 3.21, 5.68, 8.2, 11.7, 14.22), beats, pace) == (1.0, True)
    share, follow = cuts.on_beats((1.0, 3.1, 5.2, 8.45, 11.9, 14.0), beats, pace)
    assert share < 0.5 and follow is False
    assert cuts.on_beats((1.2, 3.2), beats, pace) == (1.0, None)  # too few to tell
    assert cuts.on_beats((), beats, pace) == (None, None)
    assert cuts.on_beats((1.2,), (), None) == (None, None)


# --- loudness


@pytest.mark.parametrize("seed", [1, 2])
def test_loudness_is_that_of_the_standard(seed):
    rng = np.random.default_rng(seed)
    sound = np.stack([resample_poly(made.clicks(100, 6, seed), 2, 1), rng.standard_normal(6 * 48_000) * 0.02], axis=1)
    sound[100_000:160_000] *= 0.01
    steps = loudness.energies(np.array_split(sound, [48_000, 96_000]))
    assert loudness.integrated(steps) == pytest.approx(pyloudnorm.Meter(48_000).integrated_loudness(sound), abs=0.2)


def test_silence_has_no_loudness():
    steps = loudness.energies([np.zeros((48_000, 2))])
    assert loudness.integrated(steps) is None
    assert set(loudness.levels(steps, 0.5)) == {None}
    assert loudness.integrated(np.zeros(0)) is None


# --- speech and music


@pytest.mark.slow
def test_music_all_through_is_no_more_than_all_of_the_time():
    _, music = made.music("upbeat pop, 104 BPM, in G major", 15, 5)
    steps = loudness.energies([np.repeat(resample_poly(music, 2, 1)[:, None], 2, axis=1)])
    assert speech.measure(music, steps, (), 14.9).music_share == 1.0


@pytest.mark.slow
def test_music_is_heard_under_a_voice_and_how_much_louder_the_voice_is():
    _, music = made.music("upbeat pop, 104 BPM, in G major", 15, 5)
    voice = np.zeros_like(music)
    said = made.speech(SAID)[: 9 * made.RATE]
    voice[made.RATE : made.RATE + len(said)] = said
    mixed = voice + music * said.std() / music.std() * 10 ** (-9 / 20)
    stereo = np.repeat(resample_poly(mixed, 2, 1)[:, None], 2, axis=1)
    spoken = (Span(1.0, 1 + len(said) / made.RATE),)
    heard = speech.measure(mixed.astype(np.float32), loudness.energies([stereo]), spoken, 15.0)
    assert heard.music_share > 0.9
    assert heard.speech_share == pytest.approx(len(said) / made.RATE / 15, abs=0.01)
    assert heard.speech_over_music == pytest.approx(9, abs=4)


def test_a_clip_without_sound_has_no_measures_of_it(tmp_path, settings):
    path = made.write_clip(tmp_path / "clip.mp4", made.shot(1, 50))
    sound = measure(MeasureRequest(str(path)), settings, no_report).sound
    assert (sound.tempo, sound.key, sound.beats, sound.loudness_lufs, sound.levels) == (None, None, (), None, ())
    assert (sound.speech_share, sound.music_share, sound.cuts_on_beats, sound.confidence) == (None, None, None, 0.0)


@pytest.mark.slow
def test_five_minutes_of_music_are_measured_from_their_file(tmp_path, settings):
    piece, sound = made.music("house, 124 BPM, in A minor", 15, 8)
    wav = made.write_wav(tmp_path / "sound.wav", np.tile(sound, 20))
    still = made.scene(4)[:320, :180]
    more = ("-vf", "tpad=stop_mode=clone:stop_duration=299", "-shortest", "-g", "500")
    path = made.write_clip(tmp_path / "clip.mp4", [still] * 5, 5, wav, more)
    traits = measure(MeasureRequest(str(path)), settings, no_report)
    assert traits.form.seconds == pytest.approx(300, abs=0.5)
    assert traits.sound.tempo.bpm == pytest.approx(piece.tempo, rel=0.01)
    assert len(traits.sound.beats) == pytest.approx(300 * piece.tempo / 60, rel=0.02)
    assert traits.cuts.times == ()
