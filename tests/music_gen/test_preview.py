"""A piece that is heard while it is made, on small checkpoints of the real classes."""

import io
import wave
from dataclasses import replace

import numpy as np
import pytest

import music_gen
from core.engines import Cancelled, no_report
from music_gen import MusicRequest, codec, musicgen, sampling
from tests.musicgen import PROMPTS, samples

pytestmark = pytest.mark.usefixtures("one_thread")


class Listening:
    """A report that takes the sound of a piece while it is made."""

    def __init__(self, until=np.inf):
        self.parts, self.done, self.until = {}, 0, until

    def __call__(self, done, _total, _what):
        self.done = max(self.done, done)
        if len(self.parts) >= self.until:
            raise Cancelled

    def take_sound(self, number, wav):
        self.parts[number] = (self.done, wav)


def sound_of(wav):
    with wave.open(io.BytesIO(wav)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768


def test_codes_decoded_as_they_grow_sound_as_those_decoded_at_once(exact):
    import torch

    model = musicgen.load(exact)
    codes = torch.randint(0, 64, (2, 4, 330), generator=torch.Generator().manual_seed(0))
    decode = codec.continued(model.codec)
    with torch.inference_mode():
        whole = codec.decode(model.codec, codes, lambda *_: None)
        parts = [decode(codes[..., :frames]) for frames in (108, 208, 219, 330)]
    grown = np.concatenate(parts, axis=1)
    assert [part.shape[1] for part in parts] == [frames * 640 for frames in (100, 100, 11, 111)]
    np.testing.assert_allclose(grown, whole[:, : grown.shape[1]], atol=1e-5)


def test_the_first_two_seconds_are_heard_before_the_rest_is_made(ready):
    listening = Listening()
    music_gen.generate(MusicRequest(PROMPTS[0], 10, 3), ready, listening)
    assert sorted(listening.parts) == [0, 1, 2, 3]
    frames, wav = listening.parts[0]
    assert frames <= 2 * sampling.FRAMES + sampling.SPARE + 4
    assert len(sound_of(wav)) == 2 * 32000


def test_the_parts_are_the_beginning_of_the_piece(settings, folder_of_channels):
    folder, _ = folder_of_channels
    listening = Listening()
    whole = music_gen.generate(
        MusicRequest(PROMPTS[0], 5, 3), replace(settings, musicgen_model=str(folder), device="cpu"), listening
    )
    heard = sound_of(listening.parts[0][1])[16_000:]  # after the fade
    kept = samples(whole.value)[16_000 : 16_000 + len(heard)]
    for side in (0, 1):
        assert np.corrcoef(heard[:, side], kept[:, side])[0, 1] > 0.98
    assert np.abs(heard).max() > 0.05


def test_listening_changes_no_byte_of_the_piece(ready):
    request = MusicRequest(PROMPTS[0], 5, 3)
    plain = music_gen.generate(request, ready, no_report).value.wav
    assert music_gen.generate(request, ready, Listening()).value.wav == plain


def test_pieces_of_a_batch_are_heard_by_their_own_and_those_called_off_are_not(ready):
    listening, leaving = Listening(), Listening(until=1)
    requests = [MusicRequest(prompt, 10, seed) for seed, prompt in enumerate(PROMPTS)]
    reports = [listening, no_report, leaving]
    calls = [musicgen.Call(*call) for call in zip(requests, [ready] * 3, reports, strict=True)]
    heard, silent, left = musicgen.run_batch(calls)
    assert sorted(listening.parts) == [0, 1, 2, 3] and sorted(leaving.parts) == [0]
    assert isinstance(left, Cancelled) and len(samples(heard)) == len(samples(silent)) == 10 * 32000


def test_a_piece_longer_than_a_window_is_heard_on_and_on(ready, monkeypatch):
    monkeypatch.setattr(sampling, "MAX_FRAMES", 300)
    monkeypatch.setattr(sampling, "CONTEXT", 100)
    listening = Listening()
    music_gen.generate(MusicRequest(PROMPTS[0], 15, 3), ready, listening)
    assert sorted(listening.parts)[:5] == [0, 1, 2, 3, 4]
    assert all(len(sound_of(wav)) == 2 * 32000 for _, wav in listening.parts.values())
