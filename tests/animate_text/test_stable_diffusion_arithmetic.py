"""What is faster than the library's own pipeline gives the same."""

import pytest
import torch
from PIL import ImageChops

from animate_text import packed_layers, stable_diffusion
from animate_text.stable_diffusion import HEIGHT, WIDTH
from tests.stable_diffusion import NEGATIVE, PROMPT, distance, load_for_cpu
from tools.random_weights.stable_diffusion import TEXT_WIDTH

pytestmark = pytest.mark.usefixtures("one_thread")


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
        negative_prompt=NEGATIVE,
        latents=latents,
        generator=random,
        output_type="latent",
    ).images


def test_in_float32_the_latents_are_those_of_the_plain_pipeline(folders):
    import diffusers

    model = load_for_cpu(folders["plain"])
    ours = stable_diffusion.sample(model, PROMPT, NEGATIVE, seed=3)
    plain = diffusers.StableDiffusionPipeline.from_pretrained(folders["plain"])
    plain.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(plain.scheduler.config, use_karras_sigmas=True)
    assert distance(ours, plain_latents(plain, model.steps, model.guidance_scale, seed=3)) < 1e-4


def test_in_float32_the_few_steps_are_those_of_the_plain_pipeline_with_its_lora_beside(folders):
    import diffusers

    model = load_for_cpu(folders["plain"], fast=True, lora=folders["lora"])
    ours = stable_diffusion.sample(model, PROMPT, NEGATIVE, seed=3)
    plain = diffusers.StableDiffusionPipeline.from_pretrained(folders["plain"])
    plain.scheduler = diffusers.LCMScheduler.from_config(plain.scheduler.config)
    without = plain_latents(plain, model.steps, model.guidance_scale, seed=3)
    plain.load_lora_weights(folders["lora"])
    assert distance(ours, plain_latents(plain, model.steps, model.guidance_scale, seed=3)) < 1e-4
    assert distance(ours, without) > 1e-2


@pytest.mark.parametrize("small", [False, True])
def test_in_float32_the_decoded_picture_is_that_of_the_plain_decoder(folders, small):
    import diffusers

    model = load_for_cpu(folders["plain"], taesd=folders["taesd"] if small else None)
    kind, folder = (diffusers.AutoencoderTiny, "taesd") if small else (diffusers.AutoencoderKL, "plain")
    decoder = kind.from_pretrained(folders[folder], subfolder=None if small else "vae")
    latents = noise(seed=4)
    with torch.no_grad():
        theirs = decoder.decode(latents / decoder.config.scaling_factor).sample
    theirs = diffusers.image_processor.VaeImageProcessor().postprocess(theirs)[0]
    ours = stable_diffusion.decode_latents(model, latents)
    assert max(high for _, high in ImageChops.difference(ours, theirs).getextrema()) <= 1


def test_in_bfloat16_the_latents_stay_near_those_of_float32(folders):
    exact = stable_diffusion.sample(load_for_cpu(folders["plain"], steps=6), PROMPT, NEGATIVE, seed=3)
    short = stable_diffusion.sample(load_for_cpu(folders["plain"], "bfloat16", steps=6), PROMPT, NEGATIVE, seed=3)
    assert short.dtype == torch.float32
    assert distance(short, exact) < 0.03


def test_saving_memory_changes_the_latents_by_rounding_only(folders):
    whole = stable_diffusion.sample(load_for_cpu(folders["plain"], steps=2), PROMPT, NEGATIVE, seed=3)
    sliced = stable_diffusion.sample(load_for_cpu(folders["plain"], steps=2, low_memory=True), PROMPT, NEGATIVE, seed=3)
    assert distance(sliced, whole) < 1e-4


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_packed_layers_give_what_the_layers_gave(folders, dtype, error):
    import diffusers

    unet = diffusers.UNet2DConditionModel.from_pretrained(folders["plain"], subfolder="unet", dtype=dtype)
    inputs = noise(1).to(dtype), torch.tensor(500), torch.randn(1, 77, TEXT_WIDTH).to(dtype)
    with torch.no_grad():
        before = unet(*inputs).sample
        packed_layers.pack(unet)
        first, second = unet(*inputs).sample, unet(*inputs).sample
    assert distance(first.float(), before.float()) < error
    assert torch.equal(first, second)
