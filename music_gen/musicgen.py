"""MusicGen (Copet et al., "Simple and Controllable Music Generation", 2023) in this process.

The published weights are loaded once, in the background; pieces of one length are made in a batch.
"""

import copy
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import checkpoints, devices
from core.engines import Cancelled, Engine, EngineError, EngineResult, Report, no_report, sound_taker
from core.loading import LoadOnce, building
from core.text import replace_surrogates
from music_gen import codec, following, mastering, openvino_decoder, preview, sampling, token_model
from music_gen.track import MusicRequest, Track
from settings import Settings

log = logging.getLogger(__name__)

CHECKPOINT = checkpoints.Checkpoint(
    "facebook/musicgen-small",
    "4c8334b02c6ec4e8664a91979669a501ec497792",
    files=("*config.json", "model.safetensors", "tokenizer.json", "special_tokens_map.json", "spiece.model"),
    needed=(
        ("config.json",),
        ("tokenizer.json", "spiece.model"),
        ("model.safetensors", "model.safetensors.index.json"),
    ),
    instead=(  # the larger ones are in several files
        ("model.safetensors", "model.safetensors.index.json"),
        ("model.safetensors", "model-*.safetensors"),
    ),
)
MAX_PROMPT_TOKENS = 256
MAX_BATCH = 8  # pieces; more would each wait longer than they gain
FADE = (0.01, 0.25)  # seconds at either end: the piece is cut out of music that would go on
MIN_PEAK = 1e-4  # a piece that never rises above this is silence
DECODING = 10  # making the sound takes about a tenth of the time that drawing its codes takes


@dataclass(frozen=True)
class Call:
    """A piece that is asked for, and who is told how far it is."""

    request: MusicRequest
    settings: Settings
    report: Report = no_report


@dataclass(frozen=True)
class Model:
    """The loaded model: transformers' tokenizer and modules, and the decoder laid out for speed."""

    tokenizer: Callable[..., Any]
    text_encoder: Callable[..., Any]
    projection: Callable[..., Any]
    tokens: token_model.TokenModel | openvino_decoder.OpenVinoDecoder
    codec: object  # an EncodecModel
    device: str


def has_weights(settings: Settings) -> bool:
    """Whether the weights are here, in the hub's cache or in a folder."""
    return checkpoints.checkpoint_folder(settings.musicgen_model, CHECKPOINT) is not None


def missing(settings: Settings) -> str | None:
    """What must be set up first: the weights, and with `MUSIC_WAIT=0` also the loading."""
    if not has_weights(settings):
        return f"The weights of {settings.musicgen_model} are not here: run python init.py."
    if not settings.music_wait and load.loaded(settings) is None:
        return "MusicGen is still being loaded."
    return None


def run(request: MusicRequest, settings: Settings, report: Report) -> Track | EngineResult:
    """Make one piece, with a warning where it does not follow the tempo that is asked for.

    Raises EngineError where the device or the weights fail; Cancelled goes through.
    """
    outcome = run_batch([Call(request, settings, report)])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def check(settings: Settings) -> None:
    """Load the model and make one second of music. Raises EngineError where that fails."""
    model, call = load(settings), Call(MusicRequest("A calm piano piece.", 5, 0), settings)
    _generate_audio(model, [call], sampling.FRAMES, lambda *_: None, lambda *_: None, [None])


ENGINE = Engine(missing=missing, run=run, check=check)


def run_batch(calls: Sequence[Call]) -> list[Track | EngineResult | Exception]:
    """Make pieces of one length with the same settings: for each what `run` gives, or the exception that it ended with.

    A piece that is called off costs the others nothing. In float32 each piece is the one that its seed makes alone; in
    other precisions the rest of the batch shifts its roundings. Where memory runs out, they are made one after the
    other. Raises EngineError for what concerns all.
    """
    batches = [calls]

    def make():
        return [outcome for batch in batches for outcome in _run_batch(batch)]

    def take_turns():
        batches[:] = [[call] for call in calls]

    return devices.with_memory_saved(make, take_turns)


def max_batch_size(seconds: int, settings: Settings) -> int:
    """How many pieces to make at once: what half of the free memory allows; one until the model is loaded."""
    model = load.loaded(settings)
    if model is None or settings.low_memory:
        return 1
    frames = min(seconds * sampling.FRAMES, sampling.MAX_FRAMES)
    piece = model.tokens.cache_bytes_per_step * frames
    return min(MAX_BATCH, max(1, devices.accelerator(settings).free_memory // 2 // piece))


def _run_batch(calls):
    outcomes: list[Any] = [None] * len(calls)
    takers = [sound_taker(call.report) for call in calls]
    seconds = max(following.seconds_needed(call.request) for call in calls)
    frames = math.ceil(seconds * sampling.FRAMES)
    total = frames + frames // DECODING

    def report(done, what):
        for index, call in enumerate(calls):
            if outcomes[index] is None:
                try:
                    call.report(done, total, what)
                except Cancelled as error:
                    outcomes[index], takers[index] = error, None
        if None not in outcomes:
            raise Cancelled

    def report_codes(done, _frames):
        report(done, f"Making the music: {done / sampling.FRAMES:.1f} of {seconds:.0f} s")

    def report_sound(done, parts):
        report(frames + (total - frames) * done // parts, "Turning the music into sound")

    try:
        model = load.wait(lambda: report(0, "Loading MusicGen"), calls[0].settings)
        sounds = _generate_audio(model, calls, frames, report_codes, report_sound, takers)
    except Cancelled:
        return outcomes
    return [outcome or _to_track(sound, call) for outcome, sound, call in zip(outcomes, sounds, calls, strict=True)]


def _generate_audio(model, calls, frames, report_codes, report_sound, takers):
    """The sound of each piece: float32, shape (pieces, samples, channels)."""
    import torch

    with torch.inference_mode():
        asked = [call.request for call in calls]
        text, mask = _encode_text(model, [following.described(one.prompt, one.tempo, one.key) for one in asked])
        channels = model.tokens.delays.count(0)  # in stereo the first codebooks of both sides begin at once
        on_codes = preview.teller(model.codec, channels, takers)
        seeds = [call.request.seed for call in calls]
        codes = sampling.sample(model.tokens, text, mask, frames, seeds, report_codes, on_codes)
        sound = codec.decode(model.codec, codec.by_side(codes, channels), report_sound)
    return np.moveaxis(sound.reshape(channels, len(calls), -1), 0, -1)


def _encode_text(model, prompts):
    """The states of the descriptions' words, (pieces, words, features), and which words are none but padding."""
    tokens = model.tokenizer(
        [replace_surrogates(prompt) for prompt in prompts],
        padding=True,
        truncation=True,
        max_length=MAX_PROMPT_TOKENS,
        return_tensors="pt",
    ).to(model.device)
    mask = tokens["attention_mask"]
    states = model.projection(model.text_encoder(**tokens).last_hidden_state) * mask[..., None]
    return states.to(model.tokens.dtype), mask.bool()


def _to_track(sound, call):
    if not np.isfinite(sound).all() or np.abs(sound).max() < MIN_PEAK:
        return EngineError("MusicGen made nothing that can be heard; try another seed.")
    request, kept, problem = call.request, None, None
    if request.tempo:
        sound, kept, problem = following.follow(sound, request.tempo)
    sound = sound[: request.seconds * mastering.RATE].copy()
    for length, side in zip(FADE, (sound, sound[::-1]), strict=True):
        samples = int(length * mastering.RATE)
        side[:samples] *= np.linspace(0, 1, samples, dtype=np.float32)[:, None]
    track = Track(mastering.write_wav(mastering.master(sound)), tempo=kept)
    return EngineResult(track, "musicgen", (f"Music: {problem}",)) if problem else track


def _load(settings: Settings) -> Model:
    try:
        model = _load_model(settings)
        devices.free_caches()  # of the library's modules, which refer to each other in circles
        return model
    except EngineError:
        raise
    except Exception as error:
        log.exception("MusicGen could not be loaded")
        raise EngineError("Its weights cannot be loaded; run python init.py to fetch them again.") from error


load = LoadOnce(
    _load,
    key=lambda settings: (settings.musicgen_model, settings.device, settings.music_runtime),
    imports=("torch", "transformers"),
    room=lambda settings: devices.room(settings, checkpoints.checkpoint_folder(settings.musicgen_model, CHECKPOINT)),
)


def _load_model(settings):
    import torch
    from transformers import AutoTokenizer

    found = devices.accelerator(settings)
    folder = checkpoints.checkpoint_folder(settings.musicgen_model, CHECKPOINT)
    if folder is None:
        raise EngineError(missing(settings))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    whole = load_library(folder)
    if whole.config.sampling_rate != mastering.RATE:
        raise EngineError(f"{settings.musicgen_model} makes sound at {whole.config.sampling_rate} Hz, not 32000.")
    projection = getattr(whole, "enc_to_dec_proj", torch.nn.Identity())
    # Copies, since as long as one weight is part of the mapped file, all of the file stays in memory.
    return Model(
        tokenizer=tokenizer,
        text_encoder=copy.deepcopy(whole.text_encoder).to(found.device),
        projection=copy.deepcopy(projection).to(found.device),
        tokens=_prepare_decoder(whole.decoder, found, settings, folder),
        codec=_prepare_codec(copy.deepcopy(whole.audio_encoder)).to(found.device),
        device=found.device,
    )


def load_library(folder: Path) -> Any:
    """The checkpoint in a folder as transformers has it.

    All in float32: the text encoder and the codec take little of the time, and T5 overflows in float16.
    """
    import torch
    from transformers import MusicgenForConditionalGeneration
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would write to the terminal of every search
    with building:
        whole = MusicgenForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    return whole.eval().requires_grad_(False)


def _prepare_decoder(decoder, found, settings, folder):
    converted = openvino_decoder.chosen_folder(settings, folder) if found.device == "cpu" else None
    if converted:
        return openvino_decoder.load(converted, decoder.config)
    precision = token_model.best_precision(found.device, found.dtype)
    return token_model.prepare(decoder.to(found.device), precision)


def _prepare_codec(audio_encoder):
    """Drop the half that reads sound, and multiply out the weights that were normalised for training."""
    from torch.nn.utils import parametrize

    audio_encoder.encoder = None
    for module in audio_encoder.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return audio_encoder
