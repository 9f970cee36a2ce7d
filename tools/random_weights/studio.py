"""A studio whose brief, music and cover models make: tiny ones of random weights."""

from pathlib import Path

from tools.random_weights.language_model import save_language_model
from tools.random_weights.musicgen import save_musicgen
from tools.random_weights.stable_diffusion import save_stable_diffusion, save_taesd


def tiny_models(folder: Path) -> dict[str, object]:
    """Save the models into `folder`; the settings with which they answer first."""
    return {
        "LOCAL_LLM_MODEL": save_language_model(folder / "llm"),
        "MUSICGEN_MODEL": save_musicgen(folder / "musicgen"),
        "STABLE_DIFFUSION_MODEL": save_stable_diffusion(folder / "diffusion"),
        "TAESD_MODEL": save_taesd(folder / "taesd"),
        "SUMMARY_ENGINES": "local,extractive",
        "MUSIC_ENGINES": "musicgen,composer",
        "IMAGE_ENGINES": "stable-diffusion,poster",
        "DEVICE": "cpu",
    }
