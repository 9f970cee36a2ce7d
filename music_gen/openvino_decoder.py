"""MusicGen's decoder by OpenVINO: with 8-bit weights, all operations of a step in one call, the cache inside the model.

What it computes is what token_model.step computes. `python init.py` writes it once (music_gen/conversion.py); OpenVINO
is an optional package.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import openvino_models
from settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

TEXT, STEP = "text.xml", "step.xml"
# Sums, norms and the cache stay in float32, as by PyTorch; inputs come in 8 bits with a scale for each 32 features.
PRECISION = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "32",
}


@dataclass(frozen=True)
class Measured:
    """Tokens a second on this machine, by either library."""

    openvino: float
    pytorch: float


@dataclass(frozen=True)
class OpenVinoDecoder:
    """Two compiled models: of the description's keys and values, and of a step; and what sampling asks of a decoder."""

    text: Any
    step: Any
    layers: int
    attention_heads: int
    features: int
    delays: tuple[int, ...]
    pad: int

    @property
    def dtype(self) -> Any:
        """What the states of a description are to be in."""
        import torch

        return torch.float32

    @property
    def cache_bytes_per_step(self) -> int:
        """The bytes that a step of one piece takes in the cache: two rows, keys and values of each layer, float32."""
        return 2 * 2 * self.layers * self.features * 4

    def begin(self, text: "Tensor", mask: "Tensor", _steps: int) -> Callable[["Tensor", int], "Tensor"]:
        """A function of (tokens, start) to logits with a cache of its own; see token_model.TokenModel.begin."""
        import torch

        openvino, request = openvino_models.package(), self.step.create_infer_request()
        pieces, heads = len(text), self.attention_heads
        for output, value in self.text([text.numpy()]).to_dict().items():
            request.set_tensor(output.get_any_name(), openvino.Tensor(value))
        hidden = np.where(mask.numpy(), 0, np.finfo(np.float32).min).astype(np.float32)
        request.set_tensor("text_mask", openvino.Tensor(hidden[:, None, None, :]))
        request.set_tensor("rows", openvino.Tensor(np.arange(2 * pieces)))
        for state in request.query_state():
            state.state = openvino.Tensor(np.zeros((2 * pieces, heads, 0, self.features // heads), np.float32))

        def decode(tokens: "Tensor", start: int) -> "Tensor":
            count = tokens.shape[-1]
            later = np.triu(np.full((count, start + count), np.finfo(np.float32).min, np.float32), start + 1)
            request.set_tensor("tokens", openvino.Tensor(tokens.contiguous().numpy()))
            request.set_tensor("positions", openvino.Tensor(np.arange(start, start + count)))
            request.set_tensor("mask", openvino.Tensor(later[None, None]))
            request.infer()
            logits = torch.from_numpy(request.get_tensor("logits").data.copy())
            return logits.view(2 * pieces, len(self.delays), -1)

        return decode


def folder_for(settings: Settings, weights: Path) -> Path:
    """Where the converted decoder of a checkpoint lies or will lie."""
    return openvino_models.folder_for(settings, weights.glob("*.safetensors"))


def chosen_folder(settings: Settings, weights: Path) -> Path | None:
    """The folder to load in place of the checkpoint's decoder, or None: `MUSIC_RUNTIME` and what init.py measured."""
    if settings.music_runtime == "pytorch" or not openvino_models.is_installed():
        return None
    folder = folder_for(settings, weights)
    if not (folder / STEP).is_file():
        if settings.music_runtime == "openvino":
            log.warning("MUSIC_RUNTIME=openvino, but there is no converted model: run python init.py")
        return None
    measured = openvino_models.read_measured(folder, Measured)
    faster = measured is not None and measured.openvino > measured.pytorch
    return folder if faster or settings.music_runtime == "openvino" else None


def load(folder: Path, config: Any) -> OpenVinoDecoder:
    """Load what lies in a folder; `config` is the decoder's. Raises ValueError where it cannot be read."""
    core = openvino_models.package().Core()
    try:
        text, step = (core.read_model(folder / name) for name in (TEXT, STEP))
    except RuntimeError as error:
        raise ValueError(f"what lies in {folder} cannot be read") from error
    options = {**openvino_models.options(), **PRECISION}
    return OpenVinoDecoder(
        text=core.compile_model(text, "CPU", options),
        step=core.compile_model(step, "CPU", options),
        layers=config.num_hidden_layers,
        attention_heads=config.num_attention_heads,
        features=config.hidden_size,
        delays=tuple(codebook // config.audio_channels for codebook in range(config.num_codebooks)),
        pad=config.pad_token_id,
    )
