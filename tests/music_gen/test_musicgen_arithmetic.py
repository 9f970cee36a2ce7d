"""MusicGen: held against the library's own generation on small checkpoints of the real classes."""

from dataclasses import replace

import numpy as np
import pytest

from music_gen import codec, musicgen, sampling, token_model
from tests.musicgen import PROMPTS, generate_plainly, in_precision, library, sample_codes

pytestmark = pytest.mark.usefixtures("one_thread")


def test_in_float32_the_codes_and_the_sound_are_the_librarys(folder_of_channels, settings, monkeypatch):
    import torch

    folder, channels = folder_of_channels
    settings = in_precision(replace(settings, musicgen_model=str(folder), device="cpu"), "float32", monkeypatch)
    wanted, sound = generate_plainly(folder, PROMPTS[0], 250)
    sampled = sample_codes(settings, PROMPTS[:1], 250)
    assert torch.equal(sampled[0], wanted)
    model = musicgen.load(settings)
    with torch.inference_mode():
        sides = [codec.decode(model.codec, sampled[:, side::channels], lambda *_: None) for side in range(channels)]
    np.testing.assert_allclose(np.concatenate(sides), sound, atol=1e-5)


def test_a_further_window_goes_on_as_the_library_does_from_the_same_codes(exact, folder):
    import torch

    start = generate_plainly(folder, PROMPTS[0], 40)[0]
    wanted, _ = generate_plainly(folder, PROMPTS[0], 60, seed=8, start=start)
    model = musicgen.load(exact)
    with torch.inference_mode():
        text, mask = musicgen._encode_text(model, PROMPTS[:1])
        generators = [torch.Generator().manual_seed(8)]
        sampled = sampling._sample_window(model.tokens, text, mask, start[None], 60, generators, lambda *_: None)
    assert wanted.shape == (4, 100)
    assert torch.equal(sampled[0], wanted[:, 40:])


def logits(settings, precision, monkeypatch, tokens):
    """The logits after each of `tokens`, shape (steps, 2, codebooks, vocabulary)."""
    import torch

    settings = in_precision(settings, precision, monkeypatch)
    model = musicgen.load(settings)
    with torch.inference_mode():
        text, mask = musicgen._encode_text(model, PROMPTS[:1])
        cache = token_model.init_cache(model.tokens, text, mask, tokens.shape[-1])
        steps = [token_model.step(model.tokens, tokens[..., at : at + 1], at, cache) for at in range(tokens.shape[-1])]
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

    model = musicgen.load(exact).tokens
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 64, (1, 4, 30), generator=generator)
    text, mask = torch.randn(1, 7, 32, generator=generator), torch.ones(1, 7, dtype=torch.bool)
    growing, fixed = (token_model.init_cache(model, text, mask, 40) for _ in range(2))
    for at in range(30):
        now = tokens[..., at : at + 1]
        wanted = token_model.step(model, now, at, growing)
        torch.testing.assert_close(token_model.step(model, now, torch.tensor([at]), fixed), wanted)


def test_on_cuda_a_recorded_step_gives_what_a_plain_one_gives(ready, monkeypatch):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    settings = in_precision(replace(ready, device="cuda"), "float32", monkeypatch)
    recorded = sample_codes(settings, PROMPTS, 60)
    monkeypatch.setattr(
        token_model, "make_step", lambda model, cache, _: lambda *step: token_model.step(model, *step, cache)
    )
    assert torch.equal(sample_codes(settings, PROMPTS, 60), recorded)
