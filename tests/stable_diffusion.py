"""What the tests of Stable Diffusion have in common."""

from dataclasses import replace

import animate_text
from animate_text import PictureRequest, stable_diffusion

PROMPT = "a cat on a mat, warm light"
NEGATIVE = "blurry"


def generate(settings, prompt=PROMPT, seed=1):
    return animate_text.generate(PictureRequest(prompt, "A cat", ("cats",), (), seed), settings)


def distance(ours, theirs):
    """The relative error of latents."""
    return ((ours - theirs).norm() / theirs.norm()).item()


def load_for_cpu(folder, dtype="float32", fast=False, lora=None, taesd=None, steps=None, low_memory=False):
    model = stable_diffusion.load_from(folder, lora, taesd, fast, "cpu", dtype, low_memory)
    return replace(model, steps=steps) if steps else model
