"""The language model's part of `make bench-models`: `local` at full size with random weights, plain and ours.

Qwen3 1.7B, the default, is measured whole. Of Llama 3 8B, whose plain weights alone are 16 GB, 4 and 8 layers are: each
layer takes as long as every other, so the rest is computed from the difference.
"""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from settings import Settings
from tools.measuring import Limits, Row, give_back_memory, in_fresh_process, memory, seconds_of
from tools.random_weights.language_model import LLAMA3_8B, QWEN3_1_7B, save_language_model

WRITTEN = 48  # tokens
CLIP = {"spoken": "Bread needs flour, water, salt and time. Fold the dough, then let it rest and bake it hot. "}
CLIPS = 12  # whose words make the prompt
PARTS = (4, 8)  # layers of the 8 B model that are measured


def build(folder: Path) -> None:
    """Save the checkpoints with random weights: 3.4 and 5.6 GB."""
    save_language_model(folder / "small", sizes=QWEN3_1_7B, dtype="bfloat16")
    long, short = folder / f"large-{PARTS[1]}", folder / f"large-{PARTS[0]}"
    save_language_model(long, kind="Llama", sizes=LLAMA3_8B | {"num_hidden_layers": PARTS[1]}, dtype="bfloat16")
    shutil.copytree(long, short, copy_function=lambda source, target: Path(target).symlink_to(Path(source).resolve()))
    config = json.loads((long / "config.json").read_text()) | {"num_hidden_layers": PARTS[0]}
    (short / "config.json").unlink()
    (short / "config.json").write_text(json.dumps(config))


def use(settings: Settings, folder: Path) -> Settings:
    """Settings with which the default model in `folder` answers."""
    return replace(settings, local_llm_model=str(folder / "small"), summary_engines=("local",))


def warm(settings: Settings) -> None:
    """Load the model and have it write a few tokens."""
    from summariser import local

    local.check(settings)


def rows(settings: Settings, limits: Limits, _tokens: int, rounds: int) -> Iterator[Row]:
    """Measure; each row comes as soon as it is known."""
    yield from whole_rows(settings, limits, rounds)
    yield from part_rows(Path(settings.local_llm_model).parent, settings, limits, rounds)


def whole_rows(settings: Settings, limits: Limits, rounds: int) -> Iterator[Row]:
    """The default model, measured whole."""
    ours = in_fresh_process(measure_ours, settings, rounds)
    plain = in_fresh_process(measure_plain, settings, rounds)
    name = "Language model, 1.7 B"
    yield _writing(f"{name}: writing", ours, plain, limits.bandwidth / _bytes_of_a_step(QWEN3_1_7B, ours["format"]))
    yield Row(f"{name}: a prompt of {ours['prompt']} tokens", "s", ours["reading"], plain["reading"])
    yield Row(f"{name}: the same, asked again", "s", ours["again"], plain["reading"])
    yield Row(f"{name}: loading", "s", ours["loading"], plain["loading"])
    yield Row(f"{name}: memory when warm", "GiB", ours["memory"][0])
    yield Row(f"{name}: memory at the most", "GiB", ours["memory"][1], note=f"plain {plain['memory'][1]:.2f}")


def part_rows(folder: Path, settings: Settings, limits: Limits, rounds: int) -> Iterator[Row]:
    """The 8 B model, computed from some of its layers."""
    parts = [replace(settings, local_llm_model=str(folder / f"large-{layers}")) for layers in PARTS]
    ours = _whole(*(in_fresh_process(measure_ours, part, rounds) for part in parts))
    plain = _whole(*(in_fresh_process(measure_plain, part, rounds) for part in parts))
    note = f"computed from {PARTS[0]} and {PARTS[1]} layers of {LLAMA3_8B['num_hidden_layers']}"
    limit = limits.bandwidth / _bytes_of_a_step(LLAMA3_8B, ours["format"])
    yield _writing("Language model, 8 B: writing", ours, plain, limit, note)
    what = f"Language model, 8 B: a prompt of {ours['prompt']} tokens"
    yield Row(what, "s", ours["reading"], plain["reading"], note=note)


def _writing(what, ours, plain, limit, note=""):
    rate = 1 / ours["token"]
    return Row(what, "tokens/s", rate, 1 / plain["token"], rate / limit, f"{ours['format']} {note}".strip())


def _whole(few, more):
    """What the whole model takes, from what two numbers of its layers take."""

    def whole(name):
        layer = (more[name] - few[name]) / (PARTS[1] - PARTS[0])
        return more[name] + layer * (LLAMA3_8B["num_hidden_layers"] - PARTS[1])

    return more | {name: whole(name) for name in ("token", "reading")}


def _bytes_of_a_step(sizes, precision):
    """What a step must read at the least: each matrix once, without the keys and values of earlier steps."""
    width, heads = sizes["hidden_size"], sizes["head_dim"]
    attention = 2 * width * heads * (sizes["num_attention_heads"] + sizes["num_key_value_heads"])
    layer = attention + 3 * width * sizes["intermediate_size"]
    weights = sizes["num_hidden_layers"] * layer + sizes["vocab_size"] * width
    return weights * {"int8": 1, "bfloat16": 2, "float16": 2, "float32": 4}[precision]


def _messages():
    clips = "\n".join(json.dumps({"clip": number, **CLIP}) for number in range(CLIPS))
    return [{"role": "system", "content": "Write a brief."}, {"role": "user", "content": clips}]


def measure_plain(settings, rounds):
    """The library's own recipe: the checkpoint as it is, and `generate`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    import utils

    device, folder = utils.accelerator(settings).device, settings.local_llm_model
    loading, model = seconds_of(lambda: AutoModelForCausalLM.from_pretrained(folder).to(device))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template(
        _messages(), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    prompt = prompt.to(device)

    def generate(count):
        with torch.inference_mode():
            return model.generate(**prompt, do_sample=False, min_new_tokens=count, max_new_tokens=count).cpu()

    generate(1)  # warm
    reading = min(seconds_of(lambda: generate(1))[0] for _ in range(rounds))
    whole = min(seconds_of(lambda: generate(1 + WRITTEN))[0] for _ in range(rounds))
    return {"token": (whole - reading) / WRITTEN, "reading": reading, "loading": loading, "memory": memory()}


def measure_ours(settings, rounds):
    import torch

    import utils
    from core import int8
    from summariser import local

    found = utils.accelerator(settings)
    loading, model = seconds_of(lambda: local.MODEL(settings))
    give_back_memory()
    with torch.inference_mode():
        _answer(model, WRITTEN)  # warm
        fresh = []
        for _ in range(rounds):
            model.tokens, model.room = [], 0
            fresh.append(_answer(model, WRITTEN))
        again = _answer(model, WRITTEN)
    return {
        "token": min(token for _, token, _ in fresh),
        "reading": min(reading for reading, _, _ in fresh),
        "again": again[0],
        "prompt": again[2],
        "loading": loading,
        "format": "int8" if int8.is_fast(found.device) else found.dtype,
        "memory": memory(),
    }


def _answer(model, most):
    """Seconds to the first token, seconds for each of the others, and the tokens of the prompt."""
    from summariser import language_model

    told = []
    start = time.perf_counter()
    language_model.answer(model, _messages(), None, most, lambda text: told.append((time.perf_counter(), text)))
    times = [at for at, text in told if text]
    return times[0] - start, (times[-1] - times[0]) / (len(times) - 1), len(model.tokens) - len(times) + 1
