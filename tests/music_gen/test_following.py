"""Music at the tempo of the clips: measured, stretched where that is near enough, and a sentence where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import find_peaks, resample_poly

import music_gen
from core import ffmpeg, tempo
from core.engines import EngineError
from music_gen import MusicRequest, following, mastering, musicgen
from pipeline import Query, SearchResult
from tests.musicgen import PROMPTS, samples
from tests.searches import CLIP, RESULTS, made

RATE = mastering.RATE


def clicks(bpm, seconds=12.0):
    """A click on each beat, every fourth louder: float32, shape (samples, 2)."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    click = (np.sin(2 * np.pi * 1500 * np.arange(800) / RATE) * np.exp(-np.arange(800) / 160)).astype(np.float32)
    for number in range(int((seconds - 0.2) * bpm / 60)):
        start = round((0.1 + number * 60 / bpm) * RATE)
        sound[start : start + len(click)] += (0.8 if number % 4 == 0 else 0.5) * click
    return np.stack([sound, sound], axis=1)


def measured(sound):
    found, _ = tempo.measure(resample_poly(sound.mean(axis=1), 3, 4).astype(np.float32))
    return found.bpm


def spacing(sound):
    """Beats a minute by the distances of the clicks themselves."""
    level = np.abs(sound[:, 0])
    peaks, _ = find_peaks(level, height=0.35 * level.max(), distance=RATE // 5)
    return 60 * RATE / np.mean(np.diff(peaks))


@pytest.mark.parametrize(("bpm", "wanted"), [(110, 118), (118, 106), (90, 100), (128, 122.5), (140, 126)])
def test_stretched_clicks_have_the_tempo_to_one_percent(bpm, wanted):
    sound = following.stretch(clicks(bpm), wanted / bpm)
    assert spacing(sound) == pytest.approx(wanted, rel=0.01)
    assert measured(sound) == pytest.approx(wanted, rel=0.01)
    assert len(sound) / RATE == pytest.approx(12 * bpm / wanted, abs=0.1)


def test_stretching_keeps_the_pitch_the_level_and_the_sides():
    times = np.arange(4 * RATE) / RATE
    sound = np.stack([0.5 * np.sin(2 * np.pi * 440 * times), 0.25 * np.sin(2 * np.pi * 660 * times)], axis=1)
    stretched = following.stretch(sound.astype(np.float32), 1.1)[RATE : 2 * RATE]
    strengths = np.abs(np.fft.rfft(stretched * np.hanning(RATE)[:, None], axis=0))
    assert list(strengths.argmax(axis=0)) == [440, 660]
    assert stretched.std(axis=0) == pytest.approx(sound.std(axis=0), rel=0.1)


@pytest.mark.parametrize(("bpm", "wanted"), [(110, 118), (118, 107), (117.5, 118)])
def test_music_near_enough_follows(bpm, wanted):
    sound, kept, problem = following.follow(clicks(bpm), wanted)
    assert problem is None and kept == pytest.approx(wanted, rel=0.01)
    assert spacing(sound) == pytest.approx(wanted, rel=0.01)


def test_music_too_far_away_stays_as_it_is_and_a_sentence_says_which_tempo_it_has():
    sound = clicks(96)
    same, kept, problem = following.follow(sound, 118)
    assert same is sound and kept is None
    assert problem == "MusicGen's piece has 96 BPM, too far from the clips' 118 to stretch it."


def test_music_without_a_beat_does_not_follow():
    noise = np.random.default_rng(1).standard_normal((10 * RATE, 2)).astype(np.float32) * 0.1
    same, kept, problem = following.follow(noise, 118)
    assert same is noise and kept is None
    assert "no clear beat" in problem and "118 BPM" in problem


def test_an_ffmpeg_that_cannot_stretch_costs_the_tempo_alone(monkeypatch):
    monkeypatch.setattr(ffmpeg, "run", lambda *_, **__: ("No such filter: 'rubberband'", 8))
    with pytest.raises(EngineError):
        following.stretch(clicks(110, 5), 1.07)
    _, kept, problem = following.follow(clicks(110), 118)
    assert kept is None and "has 110 BPM, not the clips' 118" in problem and "rubberband" in problem


@pytest.mark.parametrize(
    ("prompt", "key", "words"),
    [
        ("A calm piano piece.", None, "A calm piano piece. 118 BPM."),
        (
            "A funk instrumental at 104 BPM with bass.",
            "D minor",
            "A funk instrumental at 118 BPM with bass. In D minor.",
        ),
        ("House, 120-126 bpm, in A minor", "D minor", "House, 118 BPM, in A minor"),
    ],
)
def test_the_description_names_the_tempo_and_the_key(prompt, key, words):
    assert following.described(prompt, 118.2, key) == words
    assert following.described(words, 118.2, key) == words


def test_without_a_tempo_the_description_and_the_length_stay_as_they_are():
    request = MusicRequest("A funk instrumental at 104 BPM", 10, 0)
    assert (following.described(request.prompt, None, None), following.seconds_needed(request)) == (request.prompt, 10)


# With the model


@pytest.fixture
def heard(ready, monkeypatch):
    """Have the model, which is random, make clicks at 110 BPM of whatever length is asked; what it was asked for."""
    asked = []

    def play(_model, calls, frames, *_):
        asked.append(frames)
        return np.stack([clicks(110, frames / 50) for _ in calls])

    monkeypatch.setattr(musicgen, "_generate_audio", play)
    return asked


@pytest.mark.usefixtures("one_thread")
def test_what_the_model_makes_is_brought_to_the_tempo_and_to_the_length_to_the_sample(ready, heard):
    answer = music_gen.generate(MusicRequest("a", 10, 1, 118.0), ready)
    assert (answer.engine, answer.warnings) == ("musicgen", ())
    sound = samples(answer.value)
    assert len(sound) == 10 * RATE
    assert spacing(sound) == pytest.approx(118, rel=0.01)
    assert answer.value.tempo == pytest.approx(118, rel=0.01)
    assert heard == [565]  # frames: 12 % more than ten seconds have, and a little


@pytest.mark.usefixtures("one_thread")
def test_in_a_batch_each_piece_follows_its_own_tempo(ready, heard):
    calls = [(MusicRequest("a", 10, seed, wanted), ready) for seed, wanted in enumerate((118.0, 60.0))]
    near, far = music_gen.generate.batch.run(calls)
    assert near.warnings == () and near.value.tempo
    assert far.value.tempo is None
    assert far.warnings == ("Music: MusicGen's piece has 110 BPM, too far from the clips' 60 to stretch it.",)


def test_pieces_with_and_without_a_tempo_are_no_batch(ready):
    key = music_gen.generate.batch.key
    plain, one, other = (MusicRequest("a", 10, 1, wanted) for wanted in (None, 118.0, 90.0))
    assert key(one, ready) == key(other, ready) != key(plain, ready)


@pytest.mark.usefixtures("one_thread")
def test_a_model_that_keeps_no_beat_says_so(ready):
    answer = music_gen.generate(MusicRequest(PROMPTS[0], 5, 3, 118.0), ready)
    assert answer.engine == "musicgen"
    assert len(samples(answer.value)) == 5 * RATE
    assert answer.value.tempo is None and "BPM" in answer.warnings[0]


# What the result says


def follows(music_tempo, bpm=118.2, clips=2, of=3):
    insights = {"clips": [], "shared": {"tempo": {"bpm": bpm, "clips": clips, "of": of, "key": None}}}
    stages = {
        **RESULTS,
        "videos": made([CLIP], insights=insights),
        "music": made({"music": "music.wav"}, engine="musicgen", tempo=music_tempo),
    }
    return SearchResult.of(Query(("AI",), seed=1), "id", stages).music_follows


def test_the_result_says_whose_tempo_the_music_has():
    assert follows(118.0) == "118 BPM, as in 2 of 3 clips"
    assert follows(118.2, of=1, clips=1) == "118 BPM, as in the clip"
    assert follows(96.0) is None
    assert follows(None) is None


def test_the_composer_says_the_tempo_that_it_keeps(settings):
    only = replace(settings, music_engines=("composer",))
    track = music_gen.generate(MusicRequest("house", 5, 1, 118.0), only).value
    assert track.tempo == pytest.approx(118, rel=0.01)
    assert music_gen.generate(MusicRequest("house", 5, 1), only).value.tempo is None
