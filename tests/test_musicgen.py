"""MusicGen: held against the library's own generation on small checkpoints of the real classes."""

import io
import sys
import threading
import time
import wave
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import models
import numpy as np
import pytest

import music_gen
from engines import Cancelled, EngineError, silent
from music_gen import codec, mastering, musicgen, sampling, token_model
from pools import open_pools

PROMPTS = ["warm slow piano chords with soft drums", "techno", "a"]
SEED = 7


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads would wait for each other longer than so small a model computes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session", params=[1, 2], ids=["mono", "stereo"])
def folder_of_channels(request, tmp_path_factory):
    return models.save_musicgen(tmp_path_factory.mktemp("musicgen") / "model", request.param), request.param


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return models.save_musicgen(tmp_path_factory.mktemp("musicgen") / "model")


@pytest.fixture
def ready(settings, folder):
    """Settings under which MusicGen answers, in whatever precision this processor runs it."""
    return replace(settings, musicgen_model=str(folder), device="cpu")


@pytest.fixture
def exact(ready, monkeypatch):
    """The same in float32."""
    return in_precision(ready, "float32", monkeypatch)


def in_precision(settings, precision, monkeypatch):
    monkeypatch.setattr(token_model, "best_precision", lambda *_: precision)
    monkeypatch.setattr(musicgen, "_loads", {})
    return settings


def library(folder):
    from transformers import AutoProcessor, MusicgenForConditionalGeneration

    model = MusicgenForConditionalGeneration.from_pretrained(folder, local_files_only=True).eval()
    return AutoProcessor.from_pretrained(folder, local_files_only=True), model


def generate_plainly(folder, prompt, frames, seed=SEED, start=None):
    """The library's codes, shape (codebooks, frames of `start` and `frames` more), and sound, (channels, samples)."""
    import torch

    processor, model = library(folder)
    heard = []
    decode = model.audio_encoder.decode
    model.audio_encoder.decode = lambda codes, **options: heard.append(codes[0, 0]) or decode(codes, **options)
    codebooks, channels = model.decoder.num_codebooks, model.decoder.config.audio_channels
    begin = {} if start is None else {"decoder_input_ids": start}
    torch.manual_seed(seed)
    sound = model.generate(
        **processor(text=[prompt], padding=True, return_tensors="pt"),
        **begin,
        do_sample=True,
        top_k=250,
        guidance_scale=3.0,
        max_new_tokens=frames + codebooks // channels - 1,
    )
    codes = torch.stack(heard, dim=1).flatten(0, 1) if channels == 2 else heard[0]
    return codes, sound[0].numpy()


def draw(settings, prompts, frames, seeds=None, watch=lambda *_: None):
    import torch

    model = musicgen.load(settings).result()
    with torch.inference_mode():
        text, mask = musicgen._read(model, prompts)
        return sampling.draw(model.tokens, text, mask, frames, seeds or [SEED] * len(prompts), watch)


def samples(track):
    with wave.open(io.BytesIO(track.wav)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (32000, 2, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768


# The same as the library


def test_in_float32_the_codes_and_the_sound_are_the_librarys(folder_of_channels, settings, monkeypatch):
    import torch

    folder, channels = folder_of_channels
    settings = in_precision(replace(settings, musicgen_model=str(folder), device="cpu"), "float32", monkeypatch)
    wanted, sound = generate_plainly(folder, PROMPTS[0], 250)
    drawn = draw(settings, PROMPTS[:1], 250)
    assert torch.equal(drawn[0], wanted)
    model = musicgen.load(settings).result()
    with torch.inference_mode():
        sides = [codec.decode(model.codec, drawn[:, side::channels], lambda *_: None) for side in range(channels)]
    np.testing.assert_allclose(np.concatenate(sides), sound, atol=1e-5)


def test_a_further_window_goes_on_as_the_library_does_from_the_same_codes(exact, folder):
    import torch

    start = generate_plainly(folder, PROMPTS[0], 40)[0]
    wanted, _ = generate_plainly(folder, PROMPTS[0], 60, seed=8, start=start)
    model = musicgen.load(exact).result()
    with torch.inference_mode():
        text, mask = musicgen._read(model, PROMPTS[:1])
        dice = [torch.Generator().manual_seed(8)]
        drawn = sampling._draw_window(model.tokens, text, mask, start[None], 60, dice, lambda _: None)
    assert wanted.shape == (4, 100)
    assert torch.equal(drawn[0], wanted[:, 40:])


def logits(settings, precision, monkeypatch, tokens):
    """The logits after each of `tokens`, shape (steps, 2, codebooks, vocabulary)."""
    import torch

    model = musicgen.load(in_precision(settings, precision, monkeypatch)).result()
    with torch.inference_mode():
        text, mask = musicgen._read(model, PROMPTS[:1])
        memory = token_model.remember(model.tokens, text, mask, tokens.shape[-1])
        steps = [token_model.step(model.tokens, tokens[..., at : at + 1], at, memory) for at in range(tokens.shape[-1])]
    return torch.stack(steps).float()


@pytest.mark.parametrize(("precision", "allowed"), [("bfloat16", 0.03), ("int8", 0.06)])
def test_in_reduced_precision_the_logits_are_near_those_of_float32(ready, monkeypatch, precision, allowed):
    import torch

    tokens = torch.randint(0, 64, (1, 4, 50), generator=torch.Generator().manual_seed(0))
    exact = logits(ready, "float32", monkeypatch, tokens)
    near = logits(ready, precision, monkeypatch, tokens)
    assert 0 < (near - exact).norm() / exact.norm() < allowed


def test_the_logits_of_a_step_are_those_of_the_librarys_forward_pass(exact, folder, monkeypatch):
    import torch

    tokens = torch.randint(0, 64, (1, 4, 50), generator=torch.Generator().manual_seed(0))
    stepwise = logits(exact, "float32", monkeypatch, tokens)[:, 0]
    processor, model = library(folder)
    with torch.inference_mode():
        inputs = processor(text=PROMPTS[:1], return_tensors="pt")
        wanted = model(**inputs, decoder_input_ids=tokens.flatten(0, 1)).logits  # (codebooks, steps, vocabulary)
    torch.testing.assert_close(stepwise, wanted.transpose(0, 1), rtol=1e-4, atol=1e-4)


def test_a_step_of_one_shape_for_all_as_a_graph_needs_it_gives_the_same_logits(exact):
    import torch

    model = musicgen.load(exact).result().tokens
    dice = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 64, (1, 4, 30), generator=dice)
    text, mask = torch.randn(1, 7, 32, generator=dice), torch.ones(1, 7, dtype=torch.bool)
    growing, fixed = (token_model.remember(model, text, mask, 40) for _ in range(2))
    for at in range(30):
        now = tokens[..., at : at + 1]
        wanted = token_model.step(model, now, at, growing)
        torch.testing.assert_close(token_model.step(model, now, torch.tensor([at]), fixed), wanted)


def test_on_cuda_a_recorded_step_gives_what_a_plain_one_gives(ready, monkeypatch):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    settings = in_precision(replace(ready, device="cuda"), "float32", monkeypatch)
    recorded = draw(settings, PROMPTS, 60)
    monkeypatch.setattr(
        token_model, "stepper", lambda model, memory, _: lambda *step: token_model.step(model, *step, memory)
    )
    assert torch.equal(draw(settings, PROMPTS, 60), recorded)


# Seeds and company


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(ready):
    first, again, other = (music_gen.generate(PROMPTS[0], 5, seed, ready).value.wav for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_in_float32_a_piece_does_not_depend_on_those_it_is_made_with(exact):
    import torch

    together = draw(exact, PROMPTS, 100, seeds=[1, 2, 3])
    for index, prompt in enumerate(PROMPTS):
        assert torch.equal(draw(exact, [prompt], 100, seeds=[index + 1])[0], together[index])


def test_in_reduced_precision_the_same_company_makes_the_same_pieces(ready):
    import torch

    assert torch.equal(draw(ready, PROMPTS, 50, seeds=[1, 2, 3]), draw(ready, PROMPTS, 50, seeds=[1, 2, 3]))


def test_calls_that_wait_are_made_together_and_each_gets_its_own(exact):
    alone = [music_gen.generate(prompt, 5, seed, exact) for seed, prompt in enumerate(PROMPTS)]
    steps = []
    pools, gate = open_pools(exact), threading.Event()
    pools.accelerator.submit(gate.wait, 10)
    futures = [
        pools.accelerator.submit(music_gen.generate, prompt, 5, seed, exact, lambda *_, seed=seed: steps.append(seed))
        for seed, prompt in enumerate(PROMPTS)
    ]
    gate.set()
    together = [future.result(60) for future in futures]
    pools.close()
    assert steps[:6] == [0, 1, 2, 0, 1, 2]
    for one, other in zip(alone, together, strict=True):
        assert (one.engine, other.engine) == ("musicgen", "musicgen")
        np.testing.assert_allclose(samples(one.value), samples(other.value), atol=2 / 32768)


def test_calls_made_together_need_no_report_just_as_one_alone_needs_none(ready):
    answers = music_gen.generate.together.run([(prompt, 5, 0, ready) for prompt in PROMPTS[:2]])
    assert [answer.engine for answer in answers] == ["musicgen"] * 2


def test_as_many_are_made_together_as_memory_allows(ready, monkeypatch):
    musicgen.load(ready).result()
    assert musicgen.most_together(5, ready) == musicgen.LARGEST_BATCH
    assert musicgen.most_together(5, replace(ready, low_memory=True)) == 1
    each = token_model.memory_of_a_step(musicgen.load(ready).result().tokens) * 250
    accelerator = replace(musicgen.utils.accelerator(ready), free_memory=3 * 2 * each)
    monkeypatch.setattr(musicgen.utils, "accelerator", lambda _: accelerator)
    assert musicgen.most_together(5, ready) == 3
    assert musicgen.most_together(30, ready) == 1


def test_out_of_memory_makes_them_take_turns(exact, monkeypatch):
    import torch

    whole, sizes = sampling.draw, []

    def draw_in_little_memory(model, text, *arguments):
        sizes.append(len(text))
        if len(text) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(model, text, *arguments)

    monkeypatch.setattr(sampling, "draw", draw_in_little_memory)
    calls = [musicgen.Call(prompt, 5, seed, exact, silent) for seed, prompt in enumerate(PROMPTS[:2])]
    tracks = musicgen.run_together(calls)
    assert sizes == [2, 1, 1]
    assert all(isinstance(track, music_gen.Track) for track in tracks)


def test_when_the_common_call_fails_each_goes_on_to_the_next_engine(ready, monkeypatch):
    def fail(*_):
        raise RuntimeError("the device fell off the bus")

    monkeypatch.setattr(sampling, "draw", fail)
    answers = music_gen.generate.together.run([(prompt, 5, 0, ready, silent) for prompt in PROMPTS])
    assert [answer.engine for answer in answers] == ["composer"] * 3
    assert all("musicgen failed unexpectedly" in answer.warnings[0] for answer in answers)


# Length and joints


@pytest.mark.parametrize(
    ("seconds", "windows"), [(5, [(0, 250)]), (30, [(0, 1500)]), (35, [(0, 1500), (500, 250)]), (60, None)]
)
def test_up_to_thirty_seconds_are_one_pass_and_more_go_on_from_the_last_ten(exact, monkeypatch, seconds, windows):
    import torch

    drawn = []

    def draw_nothing(_model, _text, _mask, known, new, *_):
        drawn.append((known.shape[-1], new))
        return torch.zeros(len(known), 4, new, dtype=torch.long)

    monkeypatch.setattr(sampling, "_draw_window", draw_nothing)
    assert draw(exact, PROMPTS[:1], seconds * 50).shape == (1, 4, seconds * 50)
    assert drawn == (windows or [(0, 1500), (500, 1000), (500, 500)])
    assert all(known + new <= sampling.WINDOW for known, new in drawn)


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of two seconds, so that a short piece has joints: at 100, 160 and 220 frames of 250."""
    monkeypatch.setattr(sampling, "WINDOW", 100)
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

    model = musicgen.load(exact).result()
    codes = draw(exact, PROMPTS[:1], 250)
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
    codes = draw(exact, PROMPTS[:1], 250)[0]
    for joint in short_windows:
        for back in range(1, joint):
            again = codes[:, joint : joint + 30] == codes[:, joint - back : joint - back + 30][:, : 250 - joint]
            assert again.float().mean() < 0.5


def test_the_sound_is_the_same_decoded_in_stretches_and_at_once(exact, folder, monkeypatch):
    import torch

    model = musicgen.load(exact).result()
    codes = torch.randint(0, 64, (2, 4, 257), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = library(folder)[1].audio_encoder.decode(codes[None], [None, None]).audio_values[:, 0].numpy()
        sound = codec.decode(model.codec, codes, lambda *_: None)
    assert sound.shape == (2, 257 * 640)
    np.testing.assert_allclose(sound, wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5, 35])
def test_a_track_lasts_to_the_sample_at_the_level_that_apps_play_at(ready, seconds):
    answer = music_gen.generate(PROMPTS[0], seconds, 3, ready)
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
    folder = models.save_musicgen(tmp_path / "own")
    model = musicgen.load(replace(settings, musicgen_model=str(folder), device="cpu")).result()
    assert model.tokens.layers
    assert str(folder) not in Path("/proc/self/maps").read_text()


# Progress and calling off


def test_progress_is_told_token_by_token_and_never_goes_back(settings, folder_of_channels):
    ready, told = replace(settings, musicgen_model=str(folder_of_channels[0]), device="cpu"), []
    answer = music_gen.generate(PROMPTS[0], 5, 0, ready, lambda *step: told.append(step))
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
        music_gen.generate(PROMPTS[0], 5, 0, ready, report)
    assert sum(done >= token for done in told) == 1


def test_one_that_is_called_off_costs_the_others_nothing(exact):
    alone = music_gen.generate(PROMPTS[0], 5, 0, exact).value.wav
    calls = [(PROMPTS[0], 5, 0, exact, silent), (PROMPTS[0], 5, 1, exact, call_off_at(20))]
    answer, cancelled = music_gen.generate.together.run(calls)
    assert isinstance(cancelled, Cancelled)
    np.testing.assert_allclose(samples(answer.value), samples(music_gen.Track(alone)), atol=2 / 32768)


def test_when_all_are_called_off_nothing_goes_on(ready):
    told = []

    def report(done, *_):
        told.append(done)
        if len(told) > 30:
            raise Cancelled

    outcomes = music_gen.generate.together.run([(prompt, 5, 0, ready, report) for prompt in PROMPTS])
    assert all(isinstance(outcome, Cancelled) for outcome in outcomes)
    assert max(told) <= 20


# Loading


def test_ten_searches_at_once_load_the_model_once(ready, monkeypatch):
    from transformers import MusicgenForConditionalGeneration

    monkeypatch.setattr(musicgen, "_loads", {})
    whole, loads = MusicgenForConditionalGeneration.from_pretrained, []

    def counted(*arguments, **options):
        loads.append(arguments)
        time.sleep(0.2)
        return whole(*arguments, **options)

    monkeypatch.setattr(MusicgenForConditionalGeneration, "from_pretrained", counted)
    found = []
    threads = [threading.Thread(target=lambda: found.append(musicgen.load(ready).result())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 10
    assert len({id(model) for model in found}) == 1
    assert len(loads) == 1


@pytest.fixture
def loading(ready, monkeypatch):
    """A load that has begun and ends when the test says so."""
    future = Future()
    monkeypatch.setattr(musicgen, "_loads", {(ready.musicgen_model, ready.device): future})
    return future


def test_while_it_loads_a_search_waits_and_says_so(ready, loading):
    told = []
    generating = threading.Thread(target=music_gen.generate, args=(PROMPTS[0], 5, 0, ready, lambda *s: told.append(s)))
    generating.start()
    while len(told) < 2:
        time.sleep(0.01)
    assert {what for _, _, what in told} == {"Loading MusicGen"}
    loading.set_exception(EngineError("stop"))
    generating.join(10)
    assert told[-1][2] != "Loading MusicGen"  # the composer answered


def test_a_search_that_waits_for_the_load_can_be_called_off(ready, loading):
    def report(*_):
        raise Cancelled

    with pytest.raises(Cancelled):
        music_gen.generate(PROMPTS[0], 5, 0, ready, report)


def test_without_waiting_the_composer_answers_until_it_is_loaded_and_nothing_is_wrong(ready, monkeypatch, loading):
    hasty = replace(ready, music_wait=False)
    answer = music_gen.generate(PROMPTS[0], 5, 0, hasty)
    assert (answer.engine, answer.warnings) == ("composer", ())
    assert "being loaded" in musicgen.missing(hasty)
    monkeypatch.setattr(musicgen, "_loads", {})
    music_gen.warm(hasty)
    musicgen.load(hasty).result(60)
    assert musicgen.missing(hasty) is None
    assert music_gen.generate(PROMPTS[0], 5, 0, hasty).engine == "musicgen"


def test_warming_loads_in_the_background_only_what_will_answer_first(ready, monkeypatch):
    monkeypatch.setattr(musicgen, "_loads", {})
    music_gen.warm(replace(ready, music_engines=("composer", "musicgen")))
    music_gen.warm(replace(ready, musicgen_model="no/such-model"))
    assert not musicgen._loads
    start = time.perf_counter()
    music_gen.warm(ready)
    assert time.perf_counter() - start < 0.1
    assert len(musicgen._loads) == 1


def test_without_weights_it_is_passed_over_in_silence(settings, tmp_path):
    settings = replace(settings, musicgen_model=str(tmp_path))
    assert "run python init.py" in musicgen.missing(settings)
    answer = music_gen.generate(PROMPTS[0], 5, 0, settings)
    assert (answer.engine, answer.warnings) == ("composer", ())


@pytest.mark.parametrize("damage", ["model.safetensors", "config.json", "tokenizer.json"])
def test_damaged_weights_are_said_and_the_composer_answers(settings, tmp_path, folder, damage):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / damage).write_bytes(b"\x00 not what it says")
    answer = music_gen.generate(PROMPTS[0], 5, 0, replace(settings, musicgen_model=str(tmp_path)))
    assert answer.engine == "composer"
    assert "run python init.py" in answer.warnings[0]


def test_a_load_that_failed_is_tried_again(ready, monkeypatch, loading):
    loading.set_exception(EngineError("no"))
    assert music_gen.generate(PROMPTS[0], 5, 0, ready).engine == "musicgen"


def test_a_device_that_is_not_there_is_said(ready, monkeypatch):
    import torch

    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    answer = music_gen.generate(PROMPTS[0], 5, 0, replace(ready, device="cuda"))
    assert answer.engine == "composer"
    assert "DEVICE=cuda" in answer.warnings[0]


# Odd input


@pytest.mark.parametrize(
    "prompt", ["", "   \n", "x" * 100_000, "\ud800 lone", "テクノ 🎹 música", "</s><pad> <unk>", "\x00\x1b[31m"]
)
def test_any_text_makes_music(ready, prompt):
    assert draw(ready, [prompt], 5).shape == (1, 4, 5)


@pytest.mark.parametrize("seed", [-1, 0, 2**32 - 1, 2**63, 2**70])
def test_any_whole_number_is_a_seed(exact, seed):
    assert draw(exact, PROMPTS[:1], 5, seeds=[seed]).shape == (1, 4, 5)


@pytest.mark.parametrize("sound", [np.zeros((160_000, 1), np.float32), np.full((160_000, 1), np.nan, np.float32)])
def test_what_cannot_be_heard_is_a_failure_and_not_a_track(sound):
    assert isinstance(musicgen._finish(sound), EngineError)
