"""Stable Diffusion on tiny checkpoints of the real classes: loading, painting, checking, and what is faster than the
library's own pipeline but must give the same."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import diffusers
import models_sd
import pytest
import torch
from PIL import Image, ImageChops

import animate_text
from animate_text import checkpoints, packed_layers, stable_diffusion
from animate_text.prompt_fitting import fit
from animate_text.stable_diffusion import HEIGHT, WIDTH
from engines import Cancelled, EngineError
from settings import ROOT

PROMPT = "a cat on a mat, warm light"
UNWANTED = "blurry"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tensors this small are no faster on several processors, and far slower where those are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny checkpoints, by name."""
    base = tmp_path_factory.mktemp("checkpoints")
    return {
        "plain": models_sd.save_stable_diffusion(base / "plain"),
        "half": models_sd.save_stable_diffusion(base / "half", variant="fp16"),
        "blocking": models_sd.save_stable_diffusion(base / "blocking", threshold=models_sd.BLOCKING),
        "unchecked": models_sd.save_stable_diffusion(base / "unchecked", threshold=None),
        "lora": models_sd.save_lcm_lora(base / "lora"),
        "taesd": models_sd.save_taesd(base / "taesd"),
    }


@pytest.fixture
def painting(settings, folders):
    """Settings with the tiny checkpoint, and nothing but what it holds."""

    def painting(model="plain", profile="fast", **others):
        chosen = {"stable_diffusion_model": str(folders[model]), "lcm_lora_model": "", "taesd_model": ""}
        return replace(settings, device="cpu", image_profile=profile, **{**chosen, **others})

    return painting


@pytest.fixture
def with_lora(painting, folders):
    return painting(lcm_lora_model=str(folders["lora"]), taesd_model=str(folders["taesd"]))


def generate(settings, prompt=PROMPT, seed=1):
    return animate_text.generate(prompt, "A cat", ["cats"], [], seed, settings)


def distance(ours, theirs):
    """The relative error of latents."""
    return ((ours - theirs).norm() / theirs.norm()).item()


def load_for_cpu(folder, dtype="float32", fast=False, lora=None, taesd=None, steps=None, low_memory=False):
    painter = stable_diffusion.load_from(folder, lora, taesd, fast, "cpu", dtype, low_memory)
    return replace(painter, steps=steps) if steps else painter


def noise(seed):
    return torch.randn((1, 4, HEIGHT // 8, WIDTH // 8), generator=torch.Generator().manual_seed(seed))


def plain_latents(pipeline, steps, guidance, seed):
    """What the library's own pipeline makes of the same noise."""
    pipeline.set_progress_bar_config(disable=True)
    random = torch.Generator().manual_seed(seed)
    latents = torch.randn((1, 4, HEIGHT // 8, WIDTH // 8), generator=random)
    return pipeline(
        PROMPT,
        HEIGHT,
        WIDTH,
        num_inference_steps=steps,
        guidance_scale=guidance,
        negative_prompt=UNWANTED,
        latents=latents,
        generator=random,
        output_type="latent",
    ).images


# Loading


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists a process's mapped files")
def test_a_loaded_model_keeps_no_file_of_weights_in_memory(tmp_path):
    folder = models_sd.save_stable_diffusion(tmp_path / "own")
    painter = load_for_cpu(folder, steps=1)
    stable_diffusion.develop(painter, stable_diffusion.sample(painter, PROMPT, "", seed=1))
    assert str(folder) not in Path("/proc/self/maps").read_text()


# A whole picture


def test_a_picture_is_painted_and_lettered_by_the_loaded_model(with_lora):
    answer = generate(with_lora)
    picture = Image.open(io.BytesIO(answer.value.png))
    assert (answer.engine, answer.warnings) == ("stable-diffusion", ())
    assert (picture.format, picture.size) == ("PNG", (1080, 1920))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(with_lora):
    first, again, other = (generate(with_lora, seed=seed).value.png for seed in (5, 5, 6))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "prompt", ["", "\x00\ud800", "<|endoftext|>" * 50, "猫がマットの上に座る" * 40, "word " * 100_000]
)
def test_any_prompt_gives_a_picture(with_lora, prompt):
    assert generate(with_lora, prompt).engine == "stable-diffusion"


def test_the_prompt_decides_on_the_picture(folders):
    painter = load_for_cpu(folders["plain"], steps=2)
    cat, dog = (stable_diffusion.sample(painter, prompt, UNWANTED, seed=1) for prompt in ("a cat", "ten red dogs"))
    assert distance(cat, dog) > 1e-3


def test_the_negative_prompt_decides_too(folders):
    painter = load_for_cpu(folders["plain"], steps=2)
    one, other = (stable_diffusion.sample(painter, PROMPT, unwanted, seed=1) for unwanted in ("", "text and letters"))
    assert distance(one, other) > 1e-3


# The safety checker


def test_a_blocked_picture_is_said_and_the_next_engine_draws(painting):
    answer = generate(painting("blocking"))
    assert answer.engine == "poster"
    assert "blocked by the safety checker" in answer.warnings[0]


def test_a_checkpoint_without_a_safety_checker_is_used_and_warned_of(painting):
    answer = generate(painting("unchecked"))
    assert (answer.engine, answer.warnings) == ("stable-diffusion", (stable_diffusion.UNCHECKED,))


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


# Loading


def test_the_model_is_loaded_once_even_when_ten_threads_ask_at_once(painting):
    settings = painting("unchecked")
    stable_diffusion._load.cache_clear()
    with ThreadPoolExecutor(10) as threads:
        painters = list(threads.map(lambda _: stable_diffusion.load(settings), range(10)))
    assert stable_diffusion._load.cache_info().misses == 1
    assert all(painter is painters[0] for painter in painters)


def test_warming_up_leaves_the_model_loaded_and_never_raises(painting, settings):
    stable_diffusion._load.cache_clear()
    animate_text.warm(painting())
    assert stable_diffusion._load.cache_info().currsize == 1
    animate_text.warm(replace(settings, stable_diffusion_model="/nowhere"))
    animate_text.warm(painting(image_engines=("poster",)))
    assert stable_diffusion._load.cache_info().misses == 1


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
    painter = stable_diffusion.load(painting(profile=profile, lcm_lora_model=str(folders["lora"]) if lora else ""))
    assert (painter.steps, painter.guidance > 1) == (steps, guided)


def test_the_small_decoder_is_used_in_the_fast_profile_only(painting, folders):
    decoders = [
        stable_diffusion.load(painting(profile=profile, taesd_model=str(folders["taesd"]))).pipeline.vae
        for profile in ("fast", "quality")
    ]
    assert [type(decoder).__name__ for decoder in decoders] == ["AutoencoderTiny", "AutoencoderKL"]


# Progress


def test_every_step_is_reported_in_order(with_lora):
    seen = []
    stable_diffusion.draw(PROMPT, "", [], [], 1, with_lora, lambda done, total, what: seen.append((done / total, what)))
    assert [what for _, what in seen if what.startswith("Painting: step")] == [
        f"Painting: step {step} of 4" for step in (1, 2, 3, 4)
    ]
    assert [part for part, _ in seen] == sorted(part for part, _ in seen)
    assert seen[-1] == (1, "The picture is done")


def test_a_cancelled_search_stops_at_the_next_step_and_the_model_stays_usable(with_lora):
    steps = []

    def cancel_after_two(_done, _total, what):
        steps.append(what)
        if "step 2" in what:
            raise Cancelled

    with pytest.raises(Cancelled):
        animate_text.generate(PROMPT, "", [], [], 1, with_lora, cancel_after_two)
    assert "step 2" in steps[-1]
    assert generate(with_lora).engine == "stable-diffusion"


def test_a_search_that_waits_for_another_one_can_be_cancelled(with_lora):
    painting, go_on = threading.Event(), threading.Event()

    def slow(_done, _total, what):
        if "step 1" in what:
            painting.set()
            go_on.wait(60)

    def give_up(_done, _total, what):
        if what.startswith("Waiting"):
            raise Cancelled

    stable_diffusion.load(with_lora)
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(stable_diffusion.draw, PROMPT, "", [], [], 1, with_lora, slow)
        assert painting.wait(60)
        with pytest.raises(Cancelled):
            stable_diffusion.draw(PROMPT, "", [], [], 1, with_lora, give_up)
        go_on.set()
        assert other.result().engine == "stable-diffusion"


# The same as the library's own pipeline


def test_in_float32_the_latents_are_those_of_the_plain_pipeline(folders):
    painter = load_for_cpu(folders["plain"])
    ours = stable_diffusion.sample(painter, PROMPT, UNWANTED, seed=3)
    plain = diffusers.StableDiffusionPipeline.from_pretrained(folders["plain"])
    plain.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(plain.scheduler.config, use_karras_sigmas=True)
    assert distance(ours, plain_latents(plain, painter.steps, painter.guidance, seed=3)) < 1e-4


def test_in_float32_the_few_steps_are_those_of_the_plain_pipeline_with_its_lora_beside(folders):
    painter = load_for_cpu(folders["plain"], fast=True, lora=folders["lora"])
    ours = stable_diffusion.sample(painter, PROMPT, UNWANTED, seed=3)
    plain = diffusers.StableDiffusionPipeline.from_pretrained(folders["plain"])
    plain.scheduler = diffusers.LCMScheduler.from_config(plain.scheduler.config)
    without = plain_latents(plain, painter.steps, painter.guidance, seed=3)
    plain.load_lora_weights(folders["lora"])
    assert distance(ours, plain_latents(plain, painter.steps, painter.guidance, seed=3)) < 1e-4
    assert distance(ours, without) > 1e-2


@pytest.mark.parametrize("small", [False, True])
def test_in_float32_the_decoded_picture_is_that_of_the_plain_decoder(folders, small):
    painter = load_for_cpu(folders["plain"], taesd=folders["taesd"] if small else None)
    kind, folder = (diffusers.AutoencoderTiny, "taesd") if small else (diffusers.AutoencoderKL, "plain")
    decoder = kind.from_pretrained(folders[folder], subfolder=None if small else "vae")
    latents = noise(seed=4)
    with torch.no_grad():
        theirs = decoder.decode(latents / decoder.config.scaling_factor).sample
    theirs = diffusers.image_processor.VaeImageProcessor().postprocess(theirs)[0]
    ours = stable_diffusion.develop(painter, latents)
    assert max(high for _, high in ImageChops.difference(ours, theirs).getextrema()) <= 1


def test_in_bfloat16_the_latents_stay_near_those_of_float32(folders):
    exact = stable_diffusion.sample(load_for_cpu(folders["plain"], steps=6), PROMPT, UNWANTED, seed=3)
    short = stable_diffusion.sample(load_for_cpu(folders["plain"], "bfloat16", steps=6), PROMPT, UNWANTED, seed=3)
    assert short.dtype == torch.float32
    assert distance(short, exact) < 0.03


def test_saving_memory_changes_the_latents_by_rounding_only(folders):
    whole = stable_diffusion.sample(load_for_cpu(folders["plain"], steps=2), PROMPT, UNWANTED, seed=3)
    sliced = stable_diffusion.sample(load_for_cpu(folders["plain"], steps=2, low_memory=True), PROMPT, UNWANTED, seed=3)
    assert distance(sliced, whole) < 1e-4


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_packed_layers_give_what_the_layers_gave(folders, dtype, error):
    unet = diffusers.UNet2DConditionModel.from_pretrained(folders["plain"], subfolder="unet", dtype=dtype)
    inputs = noise(1).to(dtype), torch.tensor(500), torch.randn(1, 77, models_sd.TEXT_WIDTH).to(dtype)
    with torch.no_grad():
        before = unet(*inputs).sample
        packed_layers.pack(unet)
        first, second = unet(*inputs).sample, unet(*inputs).sample
    assert distance(first.float(), before.float()) < error
    assert torch.equal(first, second)


# The prompt


def count_letters(text):
    return len(text)


@pytest.mark.parametrize(
    ("prompt", "kept", "dropped"),
    [
        ("a cat", "a cat", ""),
        ("  a \n cat ", "a cat", ""),
        ("a cat, on a mat, in the warm light", "a cat, on a mat", "in the warm light"),
        ("A cat sits. On a mat. In the light", "A cat sits.", "On a mat. In the light"),
        ("a very long clause without any end", "a very long clause", "without any end"),
        ("pneumonoultramicroscopicosis", "", "pneumonoultramicroscopicosis"),
        ("", "", ""),
    ],
)
def test_the_end_of_a_prompt_is_dropped_by_clauses_then_by_words(prompt, kept, dropped):
    assert fit(prompt, count_letters, 20) == (kept, dropped)


def test_no_prompt_has_more_tokens_than_the_text_encoder_reads(folders):
    tokenizer = load_for_cpu(folders["plain"]).pipeline.tokenizer

    def count(text):
        return len(tokenizer(text, verbose=False).input_ids)

    kept, dropped = fit("a cat on a mat, " * 20, count, 77)
    assert 60 < count(kept) <= 77
    assert f"{kept}, {dropped}" == ("a cat on a mat, " * 20).strip()


def test_a_prompt_that_is_too_long_is_said(with_lora):
    assert "its end was left out" in generate(with_lora, "a cat on a mat, " * 20).warnings[0]


def test_what_is_downloaded_is_what_is_needed(folders):
    """The patterns of a download cover a whole pipeline in half precision, and no weights twice."""
    there = [path.relative_to(folders["half"]) for path in folders["half"].rglob("*") if path.is_file()]
    wanted = [path for path in there if any(path.match(pattern) for pattern in checkpoints.STABLE_DIFFUSION.files)]
    weights = [path for path in wanted if path.suffix == ".safetensors"]
    assert len(weights) == len({path.parent for path in weights}) == 4
    index = json.loads((folders["half"] / "model_index.json").read_text())
    parts = {name for name, value in index.items() if isinstance(value, list) and value[0]}
    assert {path.parts[0] for path in wanted} - {"model_index.json"} == parts


def test_memory_that_does_not_suffice_is_said(painting, monkeypatch):
    settings = painting()
    monkeypatch.setattr(
        stable_diffusion.load(settings).pipeline.unet,
        "forward",
        lambda *_arguments, **_names: (_ for _ in ()).throw(RuntimeError("DefaultCPUAllocator: can't allocate memory")),
    )
    with pytest.raises(EngineError, match="not enough memory"):
        stable_diffusion.draw(PROMPT, "", [], [], 1, settings)
    stable_diffusion._load.cache_clear()
