"""Which engine is a trained model, and which one: for what a file says of how it was made."""

import music_gen.musicgen
import summariser.local
from animate_text import checkpoints
from core.checkpoints import Checkpoint
from core.manifest import Input
from core.provenance import Maker, Origin
from settings import Settings

# The names that are written into files, and whether it is a trained model that makes what comes out.
ENGINES = {
    "llama": ("a chat model", True),
    "local": ("a language model", True),
    "extractive": ("TrendTok extractive summariser", False),  # every sentence was said by a person
    "musicgen": ("MusicGen", True),
    "composer": ("TrendTok composer", False),
    "stable-diffusion": ("Stable Diffusion", True),
    "poster": ("TrendTok poster maker", False),
    "hibari": ("hibari, a voice", True),
    "openai": ("a voice service", True),
    "espeak-ng": ("espeak-ng, a voice", False),
    "none": ("TrendTok video maker", False),
}


def of(engine: str | None, seed: int, inputs: tuple[Input, ...], prompt: str, settings: Settings) -> Origin:
    """Where something comes from that this engine made. One that is not known here counts as a trained model."""
    return Origin((maker(engine or "", settings),), seed, inputs, prompt)


def maker(engine: str, settings: Settings) -> Maker:
    """An engine by its name in the settings, with the model that it runs and that model's revision."""
    name, trained = ENGINES.get(engine, (engine, True))
    models: dict[str, tuple[str, Checkpoint | None]] = {
        "llama": (settings.llama_model, None),
        "local": (settings.local_llm_model, summariser.local.CHECKPOINT),
        "musicgen": (settings.musicgen_model, music_gen.musicgen.CHECKPOINT),
        "stable-diffusion": (settings.stable_diffusion_model, checkpoints.STABLE_DIFFUSION),
    }
    model, checkpoint = models.get(engine, ("", None))
    tested = checkpoint is not None and model == checkpoint.repository
    return Maker(name, trained, model, checkpoint.revision if checkpoint and tested else "")
