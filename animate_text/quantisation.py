"""Quantise the U-Net of Stable Diffusion to 8 bits, weights and activations, and judge what it costs; for init.py.

By NNCF with SmoothQuant (Xiao et al., "SmoothQuant", 2023), calibrated on what the U-Net of this very pipeline sees at
all steps of some prompts. The first and the last convolution and all that reads the time stay in float: they are a
hundredth of the arithmetic, and the error of each step goes through them ("Q-Diffusion", Li et al., 2023).
"""

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from animate_text import openvino_unet, stable_diffusion
from animate_text.openvino_unet import MIN_PSNR, MIN_SSIM, Measured
from core import devices, engines, openvino_models, picture_quality
from settings import Settings

log = logging.getLogger(__name__)

SAMPLES = 12  # calls of the U-Net to calibrate on, of all steps alike; each costs two passes in float
FLOAT_LAYERS = (r".*\.conv_in/.*", r".*\.conv_out/.*", r".*time_emb.*", r".*time_proj.*")
# Of the kinds that briefs ask for; those that are judged are not among those that are calibrated on.
CALIBRATED_ON = (
    "A calm sea at sunrise, soft light, wide view.",
    "Fresh pasta with basil on a wooden table, close up, warm kitchen light.",
    "A runner on a city bridge in the rain, motion blur, neon reflections.",
    "Portrait of an old fisherman, dramatic light, black background.",
)
JUDGED_ON = (
    "A lighthouse in a storm, high waves, dark clouds.",
    "Colourful vegetables at a street market, shallow depth of field.",
    "A dancer under a single lamp, long shadows.",
    "A paper city of skyscrapers, isometric, pastel colours.",
)


def prepare(settings: Settings, say: Callable[[str], object]) -> None:
    """Quantise once, where this processor has use for it, and tell `say` how near the pictures come.

    Whether 8 bits are then used is openvino_unet.chosen_file's choice. Raises EngineError where it fails.
    """
    if not suits(settings):
        return
    folder = openvino_unet.folder_for(settings, *stable_diffusion.unet_sources(settings))
    measured = openvino_models.read_measured(folder, Measured)
    if measured is None:
        say("Stable Diffusion: quantising to 8 bits, once (some minutes)")
        try:
            measured = _quantise_and_judge(settings, folder)
        except (RuntimeError, ValueError, OSError) as error:
            log.exception("the U-Net could not be quantised")
            raise engines.EngineError("The image model could not be quantised; it stays in float.") from error
        openvino_models.write_measured(folder, measured)
    say(verdict(measured, settings))


def suits(settings: Settings) -> bool:
    """Whether 8 bits can be of use here: instructions for them, OpenVINO and NNCF, and no setting against it."""
    wanted = settings.image_precision != "float" and devices.accelerator(settings).device == "cpu"
    return wanted and openvino_models.can_quantise()


def verdict(measured: Measured, settings: Settings) -> str:
    """What was measured, the limit, and what follows, in a sentence or two."""
    found = (
        f"Stable Diffusion in 8 bits: a step takes {measured.int8_step:.2f} s, in float {measured.float_step:.2f} s; "
        f"of {len(JUDGED_ON)} pictures SSIM {measured.ssim:.2f}, PSNR {measured.psnr:.1f} dB "
        f"(at least {MIN_SSIM:.2f} and {MIN_PSNR:.0f} dB are asked for)."
    )
    if settings.image_precision == "int8":
        return f"{found} IMAGE_PRECISION=int8: 8 bits are used."
    if measured.better:
        return f"{found} 8 bits are used."
    return f"{found} Float stays in use: {'it is no slower' if measured.near else 'the pictures differ too much'}."


def _quantise_and_judge(settings, folder):
    model = stable_diffusion.load(replace(settings, image_precision="float"))
    samples = record(model, CALIBRATED_ON)
    wanted, float_step = draw_all(model, JUDGED_ON)
    del model
    stable_diffusion.load.release()
    devices.free_caches()
    quantised = quantise(stable_diffusion.load_unet(settings), samples)
    openvino_models.save(folder, {openvino_unet.MODEL: quantised})
    del quantised
    devices.free_caches()
    pictures, int8_step = draw_all(stable_diffusion.load(replace(settings, image_precision="int8")), JUDGED_ON)
    both = [pair for pair in zip(wanted, pictures, strict=True) if None not in pair]  # None: blocked as unsafe
    greys = [tuple(np.asarray(picture.convert("L"), np.float32) for picture in pair) for pair in both]
    return Measured(
        int8_step,
        float_step,
        ssim=float(np.mean([picture_quality.ssim(*pair) for pair in greys])) if both else 0.0,
        psnr=float(np.mean([picture_quality.psnr(*pair) for pair in greys])) if both else 0.0,
    )


def record(model: stable_diffusion.Model, prompts: Sequence[str]) -> list[tuple[Any, ...]]:
    """What the U-Net is given while the prompts are drawn, one row at a time: (latents, time step, text) as NumPy.

    At most SAMPLES, spread evenly over all prompts and steps, and over rows with and without the prompt.
    """
    seen: list[tuple[Any, ...]] = []

    def note(_unet, arguments, options):
        latents, moment = arguments
        for row, text in zip(latents, options["encoder_hidden_states"], strict=True):
            arrays = (row[None], moment.reshape(1), text[None])
            seen.append(tuple(array.float().cpu().numpy() for array in arrays))

    hook = model.pipeline.unet.register_forward_pre_hook(note, prepend=True, with_kwargs=True)
    for seed, prompt in enumerate(prompts):
        stable_diffusion.sample(model, prompt, "", seed)
    hook.remove()
    picked = np.linspace(0, len(seen) - 1, min(SAMPLES, len(seen))).round().astype(int)
    return [seen[index] for index in picked]


def draw_all(model: stable_diffusion.Model, prompts: Sequence[str]) -> tuple[list[Any], float]:
    """The pictures of prompts, None where one is blocked, and the seconds of the fastest step."""
    pictures, steps = [], []
    for seed, prompt in enumerate(prompts):
        times: list[float] = []
        latents = stable_diffusion.sample(model, prompt, "", seed, lambda *_, at=times: at.append(time.perf_counter()))
        steps += np.diff(times).tolist()
        pictures.append(stable_diffusion.decode_latents(model, latents))
    return pictures, min(steps)


def quantise(unet: Any, samples: Sequence[tuple[Any, ...]]) -> Any:
    """A U-Net of diffusers, calibrated on `samples`, as a model of OpenVINO in 8 bits."""
    converted = convert(unet, samples[0])
    nncf = openvino_models.quantiser()
    with contextlib.redirect_stdout(io.StringIO()):  # bars
        return nncf.quantize(
            converted,
            nncf.Dataset(samples),
            subset_size=len(samples),
            model_type=nncf.ModelType.TRANSFORMER,  # SmoothQuant, and attention in float where it must be
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(patterns=list(FLOAT_LAYERS), validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
        )


def convert(unet: Any, example: tuple[Any, ...]) -> Any:
    """A U-Net of diffusers as a model of OpenVINO with the inputs `sample`, `timestep` and `text`, of any batch."""
    import torch

    openvino = openvino_models.package()

    class Noise(torch.nn.Module):
        """The U-Net with nothing but what a picture needs: what is traced has no room for options."""

        def __init__(self):
            super().__init__()
            self.unet = unet

        def forward(self, sample, timestep, text):
            return self.unet(sample, timestep, encoder_hidden_states=text, return_dict=False)[0]

    tensors = [torch.from_numpy(array) for array in example]
    shapes = [openvino.PartialShape([-1, *tensor.shape[1:]]) for tensor in tensors]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: what it takes for constant is constant for pictures of one size
        model = openvino_models.convert(Noise().eval(), tuple(tensors), shapes)
    for given, name in zip(model.inputs, ("sample", "timestep", "text"), strict=True):
        given.get_tensor().set_names({name})
    return model
