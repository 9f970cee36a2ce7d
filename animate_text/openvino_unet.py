"""Run the U-Net of Stable Diffusion with 8-bit weights and activations, by OpenVINO.

`python init.py` makes the file once (animate_text/quantisation.py) and writes beside it what it measured. OpenVINO is
an optional package: without it, or without the file, the weights are run by PyTorch.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animate_text import checkpoints
from core import openvino_models
from settings import Settings

if TYPE_CHECKING:
    from torch.nn import Module

log = logging.getLogger(__name__)

MODEL = "unet.xml"
# What the four pictures of init.py must keep of the float ones, on average, for 8 bits to be used unasked.
MIN_SSIM, MIN_PSNR = 0.80, 22.0  # the second in dB


@dataclass(frozen=True)
class Measured:
    """8 bits beside float on this machine: seconds of a step, and how near the pictures come."""

    int8_step: float
    float_step: float
    ssim: float  # the mean over the pictures, 1 at most
    psnr: float  # dB, the mean over the pictures

    @property
    def near(self) -> bool:
        return self.ssim >= MIN_SSIM and self.psnr >= MIN_PSNR

    @property
    def better(self) -> bool:
        """Whether 8 bits are to be used unasked: they are faster, and the pictures are near enough."""
        return self.int8_step < self.float_step and self.near


def folder_for(settings: Settings, weights: Path, lora: Path | None) -> Path:
    """Where the quantised U-Net of a checkpoint with its LoRA lies or will lie."""
    files = [*weights.glob("unet/*.safetensors"), *(lora.glob(checkpoints.LCM_LORA.files[0]) if lora else ())]
    return openvino_models.folder_for(settings, files)


def chosen_file(settings: Settings, weights: Path, lora: Path | None) -> Path | None:
    """The file to run in place of the weights, or None: `IMAGE_PRECISION` and what init.py measured decide."""
    if settings.image_precision == "float" or not openvino_models.is_installed():
        return None
    folder = folder_for(settings, weights, lora)
    file, measured = folder / MODEL, openvino_models.read_measured(folder, Measured)
    if settings.image_precision == "int8":
        if not file.is_file():
            log.warning("IMAGE_PRECISION=int8, but there is no quantised model: run python init.py")
        return file if file.is_file() else None
    return file if measured and measured.better and file.is_file() else None


def load(file: Path, config: Path, batch: int, height: int, width: int) -> "Module":
    """A U-Net of diffusers whose forward pass OpenVINO computes, for a batch of latents of one size.

    `file` is mapped; `config` is the folder with the U-Net's config.json. The rest of a pipeline sees a
    UNet2DConditionModel in float32 that has no weights. Raises ValueError where the file cannot be read.
    """
    import torch
    from diffusers import UNet2DConditionModel

    core = openvino_models.package().Core()
    try:
        model = core.read_model(file)
        channels, text = model.input("sample").partial_shape[1], model.input("text").partial_shape[1:]
        model.reshape({"sample": [batch, channels, height, width], "timestep": [1], "text": [batch, *text]})
    except RuntimeError as error:
        raise ValueError(f"{file} cannot be read") from error
    compiled = core.compile_model(model, "CPU", openvino_models.options())

    def forward(sample: Any, timestep: Any, encoder_hidden_states: Any, **_unused: Any) -> tuple[Any]:
        inputs = (sample, timestep.reshape(1), encoder_hidden_states)
        noise = compiled([one.float().contiguous().numpy() for one in inputs])[0]
        return (torch.from_numpy(noise),)

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(config))
    for name, _ in list(unet.named_children()):
        delattr(unet, name)
    unet.register_buffer("for_its_dtype", torch.empty(0), persistent=False)
    unet.forward = forward
    return unet
