"""The recipe of FastSD CPU, for a line of `make bench-models`: OpenVINO, four steps of LCM-LoRA, TAESD.

Written with the public libraries alone, after what its documentation says of itself; every part is compiled once and
stays warm, in the precision that OpenVINO chooses on this processor. It checks and letters nothing.
"""

from dataclasses import replace
from typing import Any

from animate_text import checkpoints, quantisation, stable_diffusion
from animate_text.stable_diffusion import FAST_STEPS, HEIGHT, WIDTH
from core import openvino_models
from settings import Settings
from tools.measuring import best

PROMPT = "a cat on a mat, warm light"
SCALE = 8  # pixels a latent


def measure(settings: Settings, rounds: int) -> dict[str, Any]:
    """The seconds of a picture from the prompt on, and OpenVINO's precision by its name."""
    import numpy as np
    import torch

    fast = replace(settings, image_profile="fast")
    taesd = checkpoints.folder_of(fast.taesd_model, checkpoints.TAESD)
    pipeline = stable_diffusion._pipeline(*stable_diffusion.unet_sources(fast), taesd, "float32")
    latents = np.random.default_rng(0).standard_normal((1, 4, HEIGHT // SCALE, WIDTH // SCALE), np.float32)
    words = _words(pipeline)
    text = torch.zeros(1, 77, pipeline.unet.config.cross_attention_dim).numpy()
    unet = _compile(quantisation.convert(pipeline.unet, (latents, np.float32([500]), text)), latents, [500], text)
    encode = _convert(pipeline.text_encoder, lambda encoder, ids: encoder(ids)[0], words)
    decode = _convert(pipeline.vae, lambda decoder, given: decoder.decode(given).sample, torch.from_numpy(latents))
    precision = str(unet.get_property("INFERENCE_PRECISION_HINT").to_string())

    def draw():
        states = encode([_words(pipeline).numpy()])[0]
        generator = torch.Generator().manual_seed(0)
        now = torch.randn(latents.shape, generator=generator)
        pipeline.scheduler.set_timesteps(FAST_STEPS)
        for moment in pipeline.scheduler.timesteps:
            noise = torch.from_numpy(unet([now.numpy(), np.float32([moment]), states])[0])
            now = pipeline.scheduler.step(noise, moment, now, generator=generator).prev_sample
        picture = torch.from_numpy(decode([now.numpy()])[0])
        return pipeline.image_processor.postprocess(picture)[0]

    draw()
    return {"picture": best(rounds, draw), "precision": precision}


def _words(pipeline):
    return pipeline.tokenizer(PROMPT, padding="max_length", truncation=True, return_tensors="pt").input_ids


def _convert(part, call, example):
    """What `call(part, tensor)` gives, compiled for tensors of the shape of `example`."""
    import torch

    class Part(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.part = part

        def forward(self, value):
            return call(self.part, value)

    with torch.no_grad():
        return _compile(openvino_models.package().convert_model(Part().eval(), example_input=example), example)


def _compile(model, *inputs):
    """A model for inputs of these shapes, compiled for latency."""
    import numpy as np

    openvino = openvino_models.package()
    model.reshape({given: list(np.shape(value)) for given, value in zip(model.inputs, inputs, strict=True)})
    return openvino.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
