"""MusicGen: pieces of any length and from any text, on small checkpoints of the real classes."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import music_gen
from core.engines import EngineError
from music_gen import MusicRequest, codec, mastering, musicgen, sampling
from tests.musicgen import PROMPTS, library, sample_codes, samples
from tools.random_weights.musicgen import save_musicgen

pytestmark = pytest.mark.usefixtures("one_thread")


# Length and joints


@pytest.mark.parametrize(
    ("seconds", "windows"), [(5, [(0, 250)]), (30, [(0, 1500)]), (35, [(0, 1500), (500, 250)]), (60, None)]
)
def test_up_to_thirty_seconds_are_one_pass_and_more_go_on_from_the_last_ten(exact, monkeypatch, seconds, windows):
    import torch

    sampled = []

    def sample_nothing(_model, _text, _mask, known, new, *_):
        sampled.append((known.shape[-1], new))
        return torch.zeros(len(known), 4, new, dtype=torch.long)

    monkeypatch.setattr(sampling, "_sample_window", sample_nothing)
    assert sample_codes(exact, PROMPTS[:1], seconds * 50).shape == (1, 4, seconds * 50)
    assert sampled == (windows or [(0, 1500), (500, 1000), (500, 500)])
    assert all(known + new <= sampling.MAX_FRAMES for known, new in sampled)


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of two seconds, so that a short piece has joints: at 100, 160 and 220 frames of 250."""
    monkeypatch.setattr(sampling, "MAX_FRAMES", 100)
    monkeypatch.setattr(sampling, "CONTEXT", 40)
    return [100, 160, 220]


def jumps(sound, rate=32000, hop=640):
    """How much level (in dB) and spectrum (in dB, a mean over the bins) change from each frame to the next."""
    frames = sound[: len(sound) // hop * hop].reshape(-1, hop)
    level = 20 * np.log10(np.sqrt((frames**2).mean(1)) + 1e-6)
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(hop), axis=1)) + 1e-3)
    return np.abs(np.diff(level)), np.abs(np.diff(spectrum, axis=0)).mean(1)


def test_a_joint_is_no_louder_or_sharper_a_change_than_those_inside(exact, short_windows):
    import torch

    model = musicgen.load(exact)
    codes = sample_codes(exact, PROMPTS[:1], 250)
    with torch.inference_mode():
        sound = codec.decode(model.codec, codes, lambda *_: None)[0]
    for change in jumps(sound):
        inside = np.delete(change, [joint - 1 for joint in short_windows])
        for joint in short_windows:
            assert change[joint - 1] < inside.max()
            assert change[joint - 1] < inside.mean() + 3 * inside.std()
    steps = np.abs(np.diff(sound))
    for joint in short_windows:
        assert steps[joint * 640 - 2 : joint * 640 + 1].max() < np.quantile(steps, 0.999)


def test_nothing_is_repeated_at_a_joint(exact, short_windows):
    codes = sample_codes(exact, PROMPTS[:1], 250)[0]
    for joint in short_windows:
        for back in range(1, joint):
            again = codes[:, joint : joint + 30] == codes[:, joint - back : joint - back + 30][:, : 250 - joint]
            assert again.float().mean() < 0.5


def test_the_sound_is_the_same_decoded_in_stretches_and_at_once(exact, folder, monkeypatch):
    import torch

    model = musicgen.load(exact)
    codes = torch.randint(0, 64, (2, 4, 257), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = library(folder)[1].audio_encoder.decode(codes[None], [None, None]).audio_values[:, 0].numpy()
        sound = codec.decode(model.codec, codes, lambda *_: None)
    assert sound.shape == (2, 257 * 640)
    np.testing.assert_allclose(sound, wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5, 35])
def test_a_track_lasts_to_the_sample_at_the_level_that_apps_play_at(ready, seconds):
    answer = music_gen.generate(MusicRequest(PROMPTS[0], seconds, 3), ready)
    assert answer.engine == "musicgen"
    assert answer.warnings == ()
    sound = samples(answer.value)
    assert len(sound) == seconds * 32000
    assert abs(mastering.loudness(sound) + 14) < 0.5
    assert mastering.true_peak(sound) <= -1
    assert np.abs(sound[0]).max() < 0.01
    assert np.abs(sound[-1]).max() < 0.01


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists a process's mapped files")
def test_a_loaded_model_keeps_no_file_of_weights_in_memory(settings, tmp_path):
    folder = save_musicgen(tmp_path / "own")
    model = musicgen.load(replace(settings, musicgen_model=str(folder), device="cpu"))
    assert model.tokens.layers
    assert str(folder) not in Path("/proc/self/maps").read_text()


# Odd input


@pytest.mark.parametrize(
    "prompt", ["", "   \n", "x" * 100_000, "\ud800 lone", "テクノ 🎹 música", "</s><pad> <unk>", "\x00\x1b[31m"]
)
def test_any_text_makes_music(ready, prompt):
    assert sample_codes(ready, [prompt], 5).shape == (1, 4, 5)


@pytest.mark.parametrize("seed", [-1, 0, 2**32 - 1, 2**63, 2**70])
def test_any_whole_number_is_a_seed(exact, seed):
    assert sample_codes(exact, PROMPTS[:1], 5, seeds=[seed]).shape == (1, 4, 5)


@pytest.mark.parametrize("sound", [np.zeros((160_000, 1), np.float32), np.full((160_000, 1), np.nan, np.float32)])
def test_what_cannot_be_heard_is_a_failure_and_not_a_track(sound):
    assert isinstance(musicgen._to_track(sound, musicgen.Call(MusicRequest("a", 5, 0), None)), EngineError)
