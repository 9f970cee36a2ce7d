"""MusicGen: seeds, batches, progress, and pieces that are called off."""

import threading
from dataclasses import replace

import numpy as np
import pytest

import music_gen
from core.engines import Cancelled, no_report
from core.executors import open_pools
from music_gen import MusicRequest, musicgen, sampling
from tests.musicgen import PROMPTS, sample_codes, samples

pytestmark = pytest.mark.usefixtures("one_thread")


# Seeds and company


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(ready):
    first, again, other = (music_gen.generate(MusicRequest(PROMPTS[0], 5, seed), ready).value.wav for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_in_float32_a_piece_does_not_depend_on_those_it_is_made_with(exact):
    import torch

    batch = sample_codes(exact, PROMPTS, 100, seeds=[1, 2, 3])
    for index, prompt in enumerate(PROMPTS):
        assert torch.equal(sample_codes(exact, [prompt], 100, seeds=[index + 1])[0], batch[index])


def test_in_reduced_precision_the_same_batch_makes_the_same_pieces(ready):
    import torch

    assert torch.equal(
        sample_codes(ready, PROMPTS, 50, seeds=[1, 2, 3]), sample_codes(ready, PROMPTS, 50, seeds=[1, 2, 3])
    )


def test_calls_that_wait_are_made_in_a_batch_and_each_gets_its_own(exact):
    alone = [music_gen.generate(MusicRequest(prompt, 5, seed), exact) for seed, prompt in enumerate(PROMPTS)]
    steps = []
    pools, gate = open_pools(exact), threading.Event()
    pools.accelerator.submit(gate.wait, 10)
    futures = [
        pools.accelerator.submit(
            music_gen.generate, MusicRequest(prompt, 5, seed), exact, lambda *_, seed=seed: steps.append(seed)
        )
        for seed, prompt in enumerate(PROMPTS)
    ]
    gate.set()
    batch = [future.result(60) for future in futures]
    pools.close()
    assert steps[:6] == [0, 1, 2, 0, 1, 2]
    for one, other in zip(alone, batch, strict=True):
        assert (one.engine, other.engine) == ("musicgen", "musicgen")
        np.testing.assert_allclose(samples(one.value), samples(other.value), atol=2 / 32768)


def test_calls_of_a_batch_need_no_report_just_as_one_alone_needs_none(ready):
    answers = music_gen.generate.batch.run([(MusicRequest(prompt, 5, 0), ready) for prompt in PROMPTS[:2]])
    assert [answer.engine for answer in answers] == ["musicgen"] * 2


def test_as_many_are_in_a_batch_as_memory_allows(ready, monkeypatch):
    musicgen.load(ready)
    assert musicgen.max_batch_size(5, ready) == musicgen.MAX_BATCH
    assert musicgen.max_batch_size(5, replace(ready, low_memory=True)) == 1
    each = musicgen.load(ready).tokens.cache_bytes_per_step * 250
    accelerator = replace(musicgen.devices.accelerator(ready), free_memory=3 * 2 * each)
    monkeypatch.setattr(musicgen.devices, "accelerator", lambda _: accelerator)
    assert musicgen.max_batch_size(5, ready) == 3
    assert musicgen.max_batch_size(30, ready) == 1


def test_out_of_memory_makes_them_take_turns(exact, monkeypatch):
    import torch

    whole, sizes = sampling.sample, []

    def sample_in_little_memory(model, text, *arguments):
        sizes.append(len(text))
        if len(text) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(model, text, *arguments)

    monkeypatch.setattr(sampling, "sample", sample_in_little_memory)
    calls = [musicgen.Call(MusicRequest(prompt, 5, seed), exact) for seed, prompt in enumerate(PROMPTS[:2])]
    tracks = musicgen.run_batch(calls)
    assert sizes == [2, 1, 1]
    assert all(isinstance(track, music_gen.Track) for track in tracks)


def test_when_the_batch_fails_each_goes_on_to_the_next_engine(ready, monkeypatch):
    def fail(*_):
        raise RuntimeError("the device fell off the bus")

    monkeypatch.setattr(sampling, "sample", fail)
    answers = music_gen.generate.batch.run([(MusicRequest(prompt, 5, 0), ready, no_report) for prompt in PROMPTS])
    assert [answer.engine for answer in answers] == ["composer"] * 3
    assert all("musicgen failed unexpectedly" in answer.warnings[0] for answer in answers)


# Progress and calling off


def test_progress_is_told_token_by_token_and_never_goes_back(settings, folder_of_channels):
    ready, told = replace(settings, musicgen_model=str(folder_of_channels[0]), device="cpu"), []
    answer = music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), ready, lambda *step: told.append(step))
    left, right = samples(answer.value).T
    assert np.array_equal(left, right) == (folder_of_channels[1] == 1)
    done = [step[0] for step in told if step[2] != "Loading MusicGen"]
    assert done == sorted(done)
    assert set(range(1, 251)) <= set(done)
    assert all(0 <= step[0] <= step[1] for step in told)
    assert "Making the music: 2.5 of 5 s" in {step[2] for step in told}


def call_off_at(token):
    def report(done, _total, what):
        if what != "Loading MusicGen" and done >= token:
            raise Cancelled

    return report


@pytest.mark.parametrize("token", [1, 100, 250, 260])
def test_a_search_that_is_called_off_stops_at_once(ready, token):
    told = []

    def report(done, total, what):
        told.append(done)
        call_off_at(token)(done, total, what)

    with pytest.raises(Cancelled):
        music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), ready, report)
    assert sum(done >= token for done in told) == 1


def test_one_that_is_called_off_costs_the_others_nothing(exact):
    alone = music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), exact).value.wav
    reports = no_report, call_off_at(20)
    calls = [(MusicRequest(PROMPTS[0], 5, seed), exact, report) for seed, report in enumerate(reports)]
    answer, cancelled = music_gen.generate.batch.run(calls)
    assert isinstance(cancelled, Cancelled)
    np.testing.assert_allclose(samples(answer.value), samples(music_gen.Track(alone)), atol=2 / 32768)


def test_when_all_are_called_off_nothing_goes_on(ready):
    told = []

    def report(done, *_):
        told.append(done)
        if len(told) > 30:
            raise Cancelled

    outcomes = music_gen.generate.batch.run([(MusicRequest(prompt, 5, 0), ready, report) for prompt in PROMPTS])
    assert all(isinstance(outcome, Cancelled) for outcome in outcomes)
    assert max(told) <= 20
