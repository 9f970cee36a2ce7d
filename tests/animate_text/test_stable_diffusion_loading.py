"""Stable Diffusion's weights: which count as there, and that they are loaded once."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import animate_text
from animate_text import checkpoints, stable_diffusion
from settings import ROOT
from tests.stable_diffusion import PROMPT, generate, load_for_cpu
from tools.random_weights.stable_diffusion import save_stable_diffusion

pytestmark = pytest.mark.usefixtures("one_thread")


# What is there and what is not


def test_without_weights_the_next_engine_draws_without_a_warning(settings):
    unset = replace(settings, stable_diffusion_model=str(settings.data_dir / "nothing"))
    assert "python init.py" in stable_diffusion.missing(unset)
    assert (generate(unset).engine, generate(unset).warnings) == ("poster", ())


@pytest.mark.parametrize(
    "lost",
    ["unet/*.safetensors", "vae/*.safetensors", "safety_checker/*.safetensors", "tokenizer/*", "model_index.json"],
)
def test_a_checkpoint_that_lacks_a_part_counts_as_missing(painting, folders, tmp_path, lost):
    partial = shutil.copytree(folders["plain"], tmp_path / "partial")
    for path in partial.glob(lost):
        path.unlink()
    assert stable_diffusion.missing(painting(stable_diffusion_model=str(partial)))


def test_pickled_weights_are_never_read(painting, folders, tmp_path):
    pickled = shutil.copytree(folders["plain"], tmp_path / "pickled")
    torch.save({}, pickled / "unet" / "diffusion_pytorch_model.bin")
    (pickled / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert stable_diffusion.missing(painting(stable_diffusion_model=str(pickled)))


@pytest.mark.parametrize("damage", [b"", b"not a safetensors file", b"\xff" * 64])
def test_damaged_weights_are_said_and_the_next_engine_draws(painting, folders, tmp_path, damage):
    damaged = shutil.copytree(folders["plain"], tmp_path / "damaged")
    (damaged / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(damage)
    answer = generate(painting(stable_diffusion_model=str(damaged)))
    assert answer.engine == "poster"
    assert "cannot be read; run python init.py again" in answer.warnings[0]


def test_half_precision_weights_are_used_where_only_they_are_there(painting):
    assert generate(painting("half")).engine == "stable-diffusion"


def in_the_cache(cache, repository, revision, source):
    """Lay a checkpoint out as the hub's own cache does."""
    folder = cache / ("models--" + repository.replace("/", "--"))
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(revision)
    shutil.copytree(source, folder / "snapshots" / revision)


@pytest.mark.parametrize(
    ("model", "revision", "there"),
    [
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", checkpoints.STABLE_DIFFUSION.revision, True),
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", "0" * 40, False),
        ("somebody/tuned", "0" * 40, True),
    ],
)
def test_the_cache_of_the_hub_is_searched_without_loading_torch(folders, tmp_path, model, revision, there):
    in_the_cache(tmp_path, model, revision, folders["half"])
    code = (
        "import sys, settings; from animate_text import stable_diffusion;"
        f"print(stable_diffusion.missing(settings.Settings.read({{'STABLE_DIFFUSION_MODEL': {model!r}}})));"
        "print('torch' in sys.modules)"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    found, torch_loaded = done.stdout.split("\n")[:2]
    assert (found == "None", torch_loaded) == (there, "False")


@pytest.mark.parametrize("name", ["", "..", "no such/model/at all", "/nowhere", "bad\x00name", "a" * 5000])
def test_a_name_that_is_no_model_counts_as_missing(painting, name):
    assert stable_diffusion.missing(painting(stable_diffusion_model=name))


def test_what_is_downloaded_is_what_is_needed(folders):
    """The patterns of a download cover a whole pipeline in half precision, and no weights twice."""
    there = [path.relative_to(folders["half"]) for path in folders["half"].rglob("*") if path.is_file()]
    wanted = [path for path in there if any(path.match(pattern) for pattern in checkpoints.STABLE_DIFFUSION.files)]
    weights = [path for path in wanted if path.suffix == ".safetensors"]
    assert len(weights) == len({path.parent for path in weights}) == 4
    index = json.loads((folders["half"] / "model_index.json").read_text())
    parts = {name for name, value in index.items() if isinstance(value, list) and value[0]}
    assert {path.parts[0] for path in wanted} - {"model_index.json"} == parts


# Loading


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists a process's mapped files")
def test_a_loaded_model_keeps_no_file_of_weights_in_memory(tmp_path):
    folder = save_stable_diffusion(tmp_path / "own")
    model = load_for_cpu(folder, steps=1)
    stable_diffusion.decode_latents(model, stable_diffusion.sample(model, PROMPT, "", seed=1))
    assert str(folder) not in Path("/proc/self/maps").read_text()


@pytest.fixture
def loads(monkeypatch):
    """The arguments of each load from here on; nothing is loaded yet."""
    stable_diffusion.load.clear()
    loads, load_from = [], stable_diffusion.load_from
    monkeypatch.setattr(
        stable_diffusion, "load_from", lambda *arguments: loads.append(arguments) or load_from(*arguments)
    )
    return loads


def test_the_model_is_loaded_once_even_when_ten_threads_ask_at_once(painting, loads):
    settings = painting("unchecked")
    with ThreadPoolExecutor(10) as threads:
        loaded = list(threads.map(lambda _: stable_diffusion.load(settings), range(10)))
    assert len(loads) == 1
    assert all(model is loaded[0] for model in loaded)


def test_warming_up_leaves_the_model_loaded_and_never_raises(painting, settings, loads):
    animate_text.warm(painting())
    assert stable_diffusion.load.loaded(painting()) is not None
    animate_text.warm(replace(settings, stable_diffusion_model="/nowhere"))
    animate_text.warm(painting(image_engines=("poster",)))
    assert len(loads) == 1


@pytest.mark.parametrize(
    ("profile", "lora", "steps", "guided"),
    [
        ("quality", True, 20, True),
        ("fast", True, 4, False),
        ("auto", True, 4, False),
        ("fast", False, 10, True),
    ],
)
def test_the_profile_decides_on_steps_and_guidance(painting, folders, profile, lora, steps, guided):
    model = stable_diffusion.load(painting(profile=profile, lcm_lora_model=str(folders["lora"]) if lora else ""))
    assert (model.steps, model.guidance_scale > 1) == (steps, guided)


def test_the_small_decoder_is_used_in_the_fast_profile_only(painting, folders):
    decoders = [
        stable_diffusion.load(painting(profile=profile, taesd_model=str(folders["taesd"]))).pipeline.vae
        for profile in ("fast", "quality")
    ]
    assert [type(decoder).__name__ for decoder in decoders] == ["AutoencoderTiny", "AutoencoderKL"]
