"""Where the weights for pictures are: in a folder that a setting names, or in the hub's own cache."""

import json
from pathlib import Path

from core.checkpoints import Checkpoint, checkpoint_folder
from settings import Settings

# Half precision is what is run on nearly every device, and what the model was published in for inference; the full
# weights are twice the size.
VARIANT = "fp16"
WEIGHTS = ("unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model")
SAFETY_CHECKER = (f"safety_checker/model.{VARIANT}.safetensors", "safety_checker/model.safetensors")
CONFIGURATION = ("model_index.json", "*/*config.json", "tokenizer/*.json", "tokenizer/merges.txt")

STABLE_DIFFUSION = Checkpoint(
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
    files=(*CONFIGURATION, *(f"{name}.{VARIANT}.safetensors" for name in WEIGHTS), SAFETY_CHECKER[0]),
    needed=(
        ("model_index.json",),
        ("tokenizer/vocab.json", "tokenizer/tokenizer.json"),
        *((f"{name}.{VARIANT}.safetensors", f"{name}.safetensors") for name in WEIGHTS),
    ),
    instead=tuple(
        (f"{name}.{VARIANT}.safetensors", f"{name}.safetensors") for name in (*WEIGHTS, "safety_checker/model")
    ),
)
LCM_LORA = Checkpoint(
    "latent-consistency/lcm-lora-sdv1-5",
    "cf2fced511dbe7e26c8d1d397e728fbab875db4b",
    files=("pytorch_lora_weights.safetensors",),
    needed=(("pytorch_lora_weights.safetensors",),),
)
TAESD = Checkpoint(
    "madebyollin/taesd",
    "614f76814bbe30edbe2e627ace1c2234c81a2c0e",
    files=("config.json", "diffusion_pytorch_model.safetensors"),
    needed=(("config.json",), ("diffusion_pytorch_model.safetensors",)),
)


def sources(settings: Settings) -> dict[str, Checkpoint]:
    """The three checkpoints by the settings that may put another repository or a folder in their place."""
    return {
        settings.stable_diffusion_model: STABLE_DIFFUSION,
        settings.lcm_lora_model: LCM_LORA,
        settings.taesd_model: TAESD,
    }


def folder_of(model: str, checkpoint: Checkpoint) -> Path | None:
    """The folder that holds all files needed of a model, given by hub id or local folder; None where there is none.

    A pipeline that names a safety checker needs the checker's weights too. Nothing is downloaded.
    """
    folder = checkpoint_folder(model, checkpoint)
    if folder is None or (_has_safety_checker(folder) and not _has_one(folder, SAFETY_CHECKER)):
        return None
    return folder


def _has_one(folder, names):
    return any((folder / name).is_file() for name in names)


def _has_safety_checker(folder):
    """Whether the index of a pipeline names a safety checker: an index without one says so with a null."""
    index = folder / "model_index.json"
    try:
        return index.is_file() and bool(json.loads(index.read_text()).get("safety_checker", [None])[0])
    except (ValueError, AttributeError, TypeError, LookupError):
        return False  # the loader will say what is wrong with it


def variant_of(folder: Path) -> str | None:
    """Which variant of the weights of Stable Diffusion a folder holds: "fp16", or None for the plain files."""
    halves = [(folder / f"{name}.{VARIANT}.safetensors").is_file() for name in WEIGHTS]
    return VARIANT if all(halves) else None
