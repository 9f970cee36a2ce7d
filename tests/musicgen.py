"""What the tests of MusicGen have in common."""

import io
import wave

import numpy as np

from core.loading import LoadOnce
from music_gen import musicgen, sampling, token_model

PROMPTS = ["warm slow piano chords with soft drums", "techno", "a"]
SEED = 7


def forget_loaded(monkeypatch):
    """Have the model loaded anew until the end of the test."""
    key = lambda settings: (settings.musicgen_model, settings.device, settings.music_runtime)  # noqa: E731
    monkeypatch.setattr(musicgen, "load", LoadOnce(musicgen._load, key))


def in_precision(settings, precision, monkeypatch):
    monkeypatch.setattr(token_model, "best_precision", lambda *_: precision)
    forget_loaded(monkeypatch)
    return settings


def library(folder):
    from transformers import AutoProcessor, MusicgenForConditionalGeneration

    model = MusicgenForConditionalGeneration.from_pretrained(folder, local_files_only=True).eval()
    return AutoProcessor.from_pretrained(folder, local_files_only=True), model


def generate_plainly(folder, prompt, frames, seed=SEED, start=None):
    """The library's codes, shape (codebooks, frames of `start` and `frames` more), and sound, (channels, samples)."""
    import torch

    processor, model = library(folder)
    heard = []
    decode = model.audio_encoder.decode
    model.audio_encoder.decode = lambda codes, **options: heard.append(codes[0, 0]) or decode(codes, **options)
    codebooks, channels = model.decoder.num_codebooks, model.decoder.config.audio_channels
    begin = {} if start is None else {"decoder_input_ids": start}
    torch.manual_seed(seed)
    sound = model.generate(
        **processor(text=[prompt], padding=True, return_tensors="pt"),
        **begin,
        do_sample=True,
        top_k=250,
        guidance_scale=3.0,
        max_new_tokens=frames + codebooks // channels - 1,
    )
    codes = torch.stack(heard, dim=1).flatten(0, 1) if channels == 2 else heard[0]
    return codes, sound[0].numpy()


def sample_codes(settings, prompts, frames, seeds=None, on_progress=lambda *_: None):
    import torch

    model = musicgen.load(settings)
    with torch.inference_mode():
        text, mask = musicgen._encode_text(model, prompts)
        return sampling.sample(model.tokens, text, mask, frames, seeds or [SEED] * len(prompts), on_progress)


def samples(track):
    with wave.open(io.BytesIO(track.wav)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (32000, 2, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768
