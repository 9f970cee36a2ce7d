"""Draw a cover with Stable Diffusion 1.5, in this process: loaded once, drawn step by step, checked, and lettered.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022). The few steps of the profile
`fast` are those of Luo et al., "LCM-LoRA: A Universal Stable-Diffusion Acceleration Module" (2023).
"""

import functools
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

import utils
from animate_text import checkpoints, lettering, openvino_unet, packed_layers, prompt_fitting
from animate_text.colour import palette_of
from animate_text.picture import PictureRequest
from core import devices, engines
from core.loading import LoadOnce, building
from core.waiting import hold
from settings import Settings

log = logging.getLogger(__name__)

# Pixels, multiples of 64, so that all levels of the model have whole sizes. The model learnt at 512x512: this has 1.3
# times as many, and no side above 768, from where on it repeats its subject. Cut to 9:16 it loses 4 % of its width.
WIDTH, HEIGHT = 448, 768

QUALITY_STEPS, GUIDANCE_SCALE = 20, 7.5
FAST_STEPS = 4  # of LCM-LoRA, which has the guidance built in
FAST_GUIDED_STEPS = 10  # of the guided solver, for the profile `fast` where the weights of LCM-LoRA are not there

UNCHECKED = "Image: the model came without a safety checker, so nobody has checked the picture."


@dataclass(frozen=True)
class Model:
    """A loaded pipeline and how it is used. `guidance_scale` 1 means no guidance, which halves the work of a step."""

    pipeline: Any  # diffusers.StableDiffusionPipeline
    steps: int
    guidance_scale: float
    arithmetic: str  # of the U-Net: a dtype by torch's name, or "int8"
    # The scheduler and the pipeline keep the state of the picture they are at.
    lock: threading.Lock = field(default_factory=threading.Lock)


def missing(settings: Settings) -> str | None:
    """What must be set up first. Looks at files only: no model and no library of models is loaded."""
    if _folder(settings) is None:
        return f"The weights of {settings.stable_diffusion_model} are not here; run python init.py."
    return None


def draw(
    request: PictureRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Draw the prompt, set the title and the hashtags on it, and return the PNG file, 1080x1920, with warnings.

    The same arguments give the same bytes on the same device. Raises EngineError where the model cannot be used, the
    memory does not suffice or the safety checker blocks the picture.
    """
    report(0, 1, "Loading the image model")
    model = load.wait(lambda: report(0, 1, "Loading the image model"), settings)
    with hold(model.lock, lambda: report(0, 1, "Waiting for the image model")):
        picture, warnings = _picture(model, request.prompt, request.seed, settings, report)
    palette = palette_of(picture, [], request.seed, request.palette)
    cover = lettering.cover(picture, request.title, request.hashtags, palette, request.seed, request.text_places)
    report(1, 1, "The picture is done")
    return engines.EngineResult(cover, "stable-diffusion", warnings)


def _picture(model, prompt, seed, settings, report):
    """The picture, WIDTH x HEIGHT, and warnings."""
    prompt, warnings = _fitted(prompt, model)
    negative_prompt, _ = _fitted(settings.image_negative_prompt, model)
    if model.pipeline.safety_checker is None:
        warnings = (*warnings, UNCHECKED)

    def generate():
        latents = sample(model, prompt, negative_prompt, seed, report)
        report(model.steps, model.steps + 1, "Developing the picture")
        return decode_latents(model, latents)

    picture = devices.with_memory_saved(generate, functools.partial(_save_memory, model.pipeline))
    if picture is None:
        raise engines.EngineError("The picture was blocked by the safety checker; another search or seed may pass.")
    return picture, warnings


def _fitted(prompt, model):
    """A prompt within what the text encoder reads, and a warning where something of it had to go."""
    tokenizer = model.pipeline.tokenizer
    kept, dropped = prompt_fitting.fit(
        prompt, lambda text: len(tokenizer(text, verbose=False).input_ids), tokenizer.model_max_length
    )
    if not dropped:
        return kept, ()
    log.warning("the prompt is too long for the image model; dropped: %s", dropped[:200])
    return kept, ("Image: the description was too long for the model; its end was left out.",)


def sample(model: Model, prompt: str, negative_prompt: str, seed: int, report: engines.Report = engines.no_report):
    """Run the steps of the solver from the noise of a seed: latents, float32, shape (1, 4, HEIGHT / 8, WIDTH / 8).

    The noise is drawn on the CPU and the solver works in float32 whatever the model's dtype, so that a seed means about
    the same picture on all devices. `report` is called at each step and may raise Cancelled.
    """
    import torch

    pipeline = model.pipeline
    random = torch.Generator("cpu").manual_seed(seed % 2**63)
    scale = pipeline.vae_scale_factor
    noise = torch.randn((1, pipeline.unet.config.in_channels, HEIGHT // scale, WIDTH // scale), generator=random)

    def after_step(_pipeline, step, _timestep, values):
        report(step + 1, model.steps + 1, f"Painting: step {step + 1} of {model.steps}")
        return values

    report(0, model.steps + 1, f"Painting in {model.steps} steps")
    return pipeline(
        prompt,
        HEIGHT,
        WIDTH,
        num_inference_steps=model.steps,
        guidance_scale=model.guidance_scale,
        negative_prompt=negative_prompt,
        generator=random,
        latents=noise,
        output_type="latent",
        callback_on_step_end=after_step,
    ).images


def decode_latents(model: Model, latents) -> Image.Image | None:
    """Decode latents to a picture; None where the safety checker blocks it."""
    import torch

    pipeline = model.pipeline
    decoder, checker = pipeline.vae, pipeline.safety_checker
    with torch.no_grad():
        latents = (latents / decoder.config.scaling_factor).to(decoder.dtype)
        picture = decoder.decode(latents, return_dict=False)[0].float()
        blocked = checker and pipeline.run_safety_checker(picture.clone(), picture.device, checker.dtype)[1]
    return None if blocked and any(blocked) else pipeline.image_processor.postprocess(picture)[0]


def _save_memory(pipeline):
    pipeline.enable_attention_slicing()
    pipeline.vae.enable_slicing()
    pipeline.vae.enable_tiling()


def warm(settings: Settings) -> None:
    """Load the model, for a thread in the background when the server starts. What fails is left to the first search."""
    try:
        load(settings)
    except engines.EngineError as error:
        log.warning("Stable Diffusion could not be loaded: %s", error)


def check(settings: Settings) -> None:
    """Load the model and draw one picture. Raises EngineError where that fails."""
    model = load(settings)
    decode_latents(model, sample(model, "A calm sea at sunrise.", settings.image_negative_prompt, seed=0))


def _folder(settings):
    return checkpoints.folder_of(settings.stable_diffusion_model, checkpoints.STABLE_DIFFUSION)


def _load(settings: Settings) -> Model:
    """Load the model. Raises EngineError where the files cannot be read or the memory does not suffice."""
    folder = _folder(settings)
    if folder is None:
        raise engines.EngineError(missing(settings))
    found, fast = devices.accelerator(settings), _is_fast(settings)
    lora = _lora(settings)
    taesd = checkpoints.folder_of(settings.taesd_model, checkpoints.TAESD) if fast else None
    quantised = openvino_unet.chosen_file(settings, folder, lora) if found.device == "cpu" else None
    how = (folder, lora, taesd, fast, found.device, found.dtype, utils.low_memory(settings), quantised)
    return devices.with_memory_saved(lambda: load_from(*how), save=lambda: None)


def _is_fast(settings):
    on_processor = devices.accelerator(settings).device == "cpu"
    return settings.image_profile == "fast" or (settings.image_profile == "auto" and on_processor)


def _lora(settings):
    return checkpoints.folder_of(settings.lcm_lora_model, checkpoints.LCM_LORA) if _is_fast(settings) else None


def unet_sources(settings: Settings) -> tuple[Path, Path | None]:
    """The folders that the U-Net of these settings is made from: of the checkpoint, and of LCM-LoRA where it is used.

    Raises EngineError where the weights are not here.
    """
    folder = _folder(settings)
    if folder is None:
        raise engines.EngineError(missing(settings))
    return folder, _lora(settings)


def load_unet(settings: Settings) -> Any:
    """The U-Net of these settings as diffusers has it, in float32, with the LoRA in its weights."""
    return _pipeline(*unet_sources(settings), None, "float32").unet


# Settings do not change while a server runs, and a second model would not fit beside the first.
load = LoadOnce(
    _load,
    keep=1,
    imports=("torch", "transformers", "diffusers"),
    room=lambda settings: devices.room(settings, _folder(settings)),
)


def load_from(
    folder: Path,
    lora: Path | None,
    taesd: Path | None,
    fast: bool,
    device: str,
    dtype: str,
    low_memory: bool,
    quantised: Path | None = None,
) -> Model:
    """Load a pipeline for a device and a dtype by torch's names; `load` finds out the arguments from settings.

    With `fast`, LCM-LoRA is added to the weights from the folder `lora`, and the decoder of the folder `taesd` is used,
    as far as they are there. `quantised` is the file of a U-Net in 8 bits to use in place of the weights and the LoRA.
    """
    from safetensors import SafetensorError

    guided = lora is None
    try:
        unet = _quantised_unet(quantised, folder, guided) if quantised else None
        pipeline = _pipeline(folder, lora, taesd, dtype, unet)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        log.exception("the weights in %s could not be loaded", folder)
        raise engines.EngineError("The weights of the image model cannot be read; run python init.py again.") from error
    pipeline.vae.encoder = None  # pictures are only ever decoded
    if device == "cpu":
        _leave_files(pipeline)
    pipeline.to(device)
    _prepare(pipeline, device)
    if low_memory:
        _save_memory(pipeline)
    arithmetic = "int8" if quantised else dtype
    if not guided:
        return Model(pipeline, FAST_STEPS, 1.0, arithmetic)
    return Model(pipeline, FAST_GUIDED_STEPS if fast else QUALITY_STEPS, GUIDANCE_SCALE, arithmetic)


def _quantised_unet(file, folder, guided):
    """The U-Net of a file, for the latents of one picture; with guidance a step has two rows."""
    scale = 8  # of the decoder, as WIDTH and HEIGHT are multiples of 64
    return openvino_unet.load(file, folder / "unet", 2 if guided else 1, HEIGHT // scale, WIDTH // scale)


def _pipeline(folder, lora, taesd, dtype, unet=None):
    """The pipeline of a folder with the solver of the profile. Only safetensors are read: they cannot hold code."""
    import diffusers
    import torch
    import transformers

    diffusers.utils.logging.disable_progress_bar()  # bars would write to the terminal of every search
    transformers.utils.logging.disable_progress_bar()
    options = {"dtype": getattr(torch, dtype), "use_safetensors": True, "local_files_only": True}
    ready = {"unet": unet} if unet else {}
    with building:
        pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
            folder, variant=checkpoints.variant_of(folder), requires_safety_checker=False, **options, **ready
        )
    pipeline.set_progress_bar_config(disable=True)
    if lora:
        pipeline.scheduler = diffusers.LCMScheduler.from_config(pipeline.scheduler.config)
        if unet is None:
            pipeline.load_lora_weights(lora, weight_name=checkpoints.LCM_LORA.files[0], local_files_only=True)
            pipeline.fuse_lora()
            pipeline.unload_lora_weights()
    else:
        # "DPM-Solver++(2M)" of Lu et al. (2022), with the noise levels of Karras et al. (2022).
        solver = diffusers.DPMSolverMultistepScheduler
        pipeline.scheduler = solver.from_config(pipeline.scheduler.config, use_karras_sigmas=True)
    if taesd:
        with building:
            pipeline.vae = diffusers.AutoencoderTiny.from_pretrained(taesd, **options)
    return pipeline


def _leave_files(pipeline):
    """Copy the weights: as long as one is part of a mapped file, all of the file stays in memory."""
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.safety_checker):
        for weight in part.parameters() if part else ():
            weight.data = weight.data.clone()


def _prepare(pipeline, device):
    """Lay the weights out for the convolutions of the device, and let the solver work in float32."""
    import torch

    for model in (pipeline.unet, pipeline.vae):
        model.to(memory_format=torch.channels_last)
        if device == "cpu":
            packed_layers.pack(model)

    def lower(model, arguments):
        return arguments[0].to(model.dtype).contiguous(memory_format=torch.channels_last), *arguments[1:]

    pipeline.unet.register_forward_pre_hook(lower)
    pipeline.unet.register_forward_hook(lambda _model, _arguments, output: (output[0].float(),))
