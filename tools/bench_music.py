"""The music half of `make bench-models`: MusicGen at full size with random weights, plain and ours."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import utils
from core import openvino_models
from music_gen import conversion
from settings import Settings
from tools.measuring import Limits, Row, best, in_fresh_process, memory, seconds_of

PROMPT = "warm slow piano chords with soft drums"
BATCH = 4  # prompts
SECONDS = 5  # of music


def build(folder: Path) -> None:
    """Save a checkpoint of full size with random weights."""
    from tools.random_weights.musicgen import save_musicgen

    save_musicgen(folder, full_size=True)


def use(settings: Settings, folder: Path) -> Settings:
    """Settings with which the checkpoint in `folder` answers."""
    return replace(settings, musicgen_model=str(folder), music_engines=("musicgen",), data_dir=folder / "data")


def warm(settings: Settings) -> None:
    """Load the model and make the shortest piece."""
    import music_gen

    music_gen.generate(music_gen.MusicRequest(PROMPT, SECONDS, 0), settings)


def rows(settings: Settings, limits: Limits, tokens: int, rounds: int) -> Iterator[Row]:
    """Measure; each row comes as soon as it is known. `tokens` is how many the plain recipe makes."""
    plain = in_fresh_process(measure_plain, settings, tokens)
    settings = replace(settings, music_runtime="pytorch")
    ours = in_fresh_process(measure_ours, settings, rounds)
    limit = limits.bandwidth / ours["bytes"]
    path = f"{ours['format']} PyTorch"
    note = "" if tokens == 256 else f"plain: {tokens} tokens timed, the rest computed"
    yield Row("MusicGen: decoding", "tokens/s", ours["rate"], plain["rate"], ours["rate"] / limit, path=path)
    yield Row("MusicGen: a request of 5 s of music", "s", ours["request"], plain["request"], note=note, path=path)
    yield Row("MusicGen: its sound out of its codes", "s", ours["decoding"])
    turns, batch = BATCH * ours["request"], ours["batch"]
    yield Row(f"MusicGen: {BATCH} prompts in turn (plain), at once (ours)", "s", batch, turns)
    rates = ours["rate"], ours["batch_rate"]
    yield Row("MusicGen: the same, decoding alone", "tokens/s", rates[1], rates[0])
    yield Row("MusicGen: loading", "s", ours["loading"], plain["loading"])
    yield Row("MusicGen: memory when warm", "GiB", ours["memory"][0])
    yield Row("MusicGen: memory at the most", "GiB", ours["memory"][1], note=f"plain {plain['memory'][1]:.2f}")
    for precision, error in in_fresh_process(measure_errors, settings).items():
        yield Row(f"MusicGen: relative error of the logits, {precision}", "", error)
    converted = replace(settings, music_runtime="openvino")
    if utils.accelerator(settings).device == "cpu" and openvino_models.can_quantise():
        yield from _rows_of_openvino(converted, limits, plain, rounds)


def _rows_of_openvino(settings, limits, plain, rounds):
    converting, _ = seconds_of(lambda: in_fresh_process(conversion.prepare, settings, print))
    ours = in_fresh_process(measure_ours, settings, rounds)
    share = ours["rate"] * bytes_of_a_step(settings, "int8") / limits.bandwidth
    line = partial(Row, path="int8 OpenVINO")
    yield line("MusicGen: converting, once", "s", converting)
    yield line("MusicGen: decoding", "tokens/s", ours["rate"], plain["rate"], share)
    yield line("MusicGen: a request of 5 s of music", "s", ours["request"], plain["request"])
    yield line(f"MusicGen: {BATCH} prompts at once, decoding alone", "tokens/s", ours["batch_rate"], ours["rate"])
    yield line("MusicGen: loading", "s", ours["loading"], plain["loading"])
    yield line("MusicGen: memory when warm", "GiB", ours["memory"][0])
    for name, error in in_fresh_process(measure_errors, settings, ()).items():
        yield line(f"MusicGen: relative error of the logits, {name}", "", error)


def measure_plain(settings, tokens):
    """The plain recipe: everything anew for each request, in float32, with eager attention."""
    import torch
    from transformers import AutoProcessor, MusicgenForConditionalGeneration

    device, folder = utils.accelerator(settings).device, settings.musicgen_model

    def load():
        processor = AutoProcessor.from_pretrained(folder)
        model = MusicgenForConditionalGeneration.from_pretrained(folder, attn_implementation="eager")
        return processor, model.to(device)

    loading, (processor, model) = seconds_of(load)
    inputs = processor(text=[PROMPT], padding=True, return_tensors="pt").to(device)

    def generate(count):
        torch.manual_seed(0)
        return model.generate(**inputs, do_sample=True, guidance_scale=3, max_new_tokens=count).cpu()

    generating, _ = seconds_of(lambda: generate(tokens))
    rate = tokens / generating  # with the sound made of them, as the recipe times it
    return {"rate": rate, "loading": loading, "request": loading + 256 / rate, "memory": memory()}


def measure_ours(settings, rounds):
    import torch

    import music_gen
    from music_gen import codec, musicgen, sampling, token_model

    found = utils.accelerator(settings)
    precision = token_model.best_precision(found.device, found.dtype)
    loading, model = seconds_of(lambda: musicgen.load(settings))
    frames = SECONDS * sampling.FRAMES
    steps = frames + max(model.tokens.delays)

    def sample(pieces):
        with torch.inference_mode():
            text, mask = musicgen._encode_text(model, [PROMPT] * pieces)
            return sampling.sample(model.tokens, text, mask, frames, range(pieces), lambda *_: None)

    def decode(codes):
        with torch.inference_mode():
            codec.decode(model.codec, codes, lambda *_: None)

    def make(pieces):
        for answer in music_gen.generate.batch.run(
            [(music_gen.MusicRequest(PROMPT, SECONDS, seed), settings) for seed in range(pieces)]
        ):
            if isinstance(answer, Exception):
                raise answer

    codes = sample(1)
    return {
        "loading": loading,
        "rate": steps / best(rounds, lambda: sample(1)),
        "batch_rate": BATCH * steps / best(rounds, lambda: sample(BATCH)),
        "decoding": best(rounds, lambda: decode(codes)),
        "request": best(rounds, lambda: make(1)),
        "batch": best(rounds, lambda: make(BATCH)),
        "bytes": bytes_of_a_step(settings, precision),
        "format": precision,
        "memory": memory(),
    }


def bytes_of_a_step(settings, precision):
    """What a step must read at the least: each matrix once, without the keys and values of earlier steps."""
    from transformers import AutoConfig

    size = AutoConfig.from_pretrained(settings.musicgen_model).decoder
    layer = 6 * size.hidden_size**2 + 2 * size.hidden_size * size.ffn_dim
    weights = size.num_hidden_layers * layer + size.num_codebooks * size.vocab_size * size.hidden_size
    return weights * {"int8": 1, "bfloat16": 2, "float16": 2, "float32": 4}[precision]


def measure_errors(settings, precisions=("int8", "bfloat16")):
    """The relative error of the logits of 20 steps against float32 on the CPU; also OpenVINO's where it is chosen."""
    import torch

    from music_gen import musicgen, openvino_decoder, token_model

    folder = Path(settings.musicgen_model)
    decoder = musicgen.load_library(folder).decoder
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, decoder.config.vocab_size, (1, 4, 20), generator=generator)
    text = torch.randn(1, 12, decoder.config.hidden_size, generator=generator)

    @torch.inference_mode()
    def logits(model):
        decode = model.begin(text.to(model.dtype), torch.ones(1, 12, dtype=torch.bool), 20)
        return torch.stack([decode(tokens[..., at : at + 1], at).float() for at in range(20)])

    exact = logits(token_model.prepare(decoder, "float32"))
    found = {name: logits(token_model.prepare(decoder, name)) for name in precisions}
    if converted := openvino_decoder.chosen_folder(settings, folder):
        found["OpenVINO"] = logits(openvino_decoder.load(converted, decoder.config))
    return {name: ((one - exact).norm() / exact.norm()).item() for name, one in found.items()}
