"""MusicGen (Copet et al., "Simple and Controllable Music Generation", 2023) in this process.

The published weights are loaded once, in the background; pieces of one length that wait together are made together.
"""

import copy
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

import numpy as np

import utils
from engines import Cancelled, Engine, EngineError, Report, silent
from music_gen import codec, mastering, sampling, token_model
from music_gen.track import Track
from settings import Settings

log = logging.getLogger(__name__)

CHECKPOINT = utils.Checkpoint(
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
LONGEST_PROMPT = 256  # tokens that are read of a description
LARGEST_BATCH = 8  # pieces; more would each wait longer than they gain
FADE = (0.01, 0.25)  # seconds at either end: the piece is cut out of music that would go on
QUIETEST = 1e-4  # a piece that never rises above this is silence
DECODING = 10  # making the sound takes about a tenth of the time that drawing its codes takes
WAKE = 0.2  # seconds between two looks at whether a search that waits was called off


@dataclass(frozen=True)
class Call:
    """A piece that is asked for."""

    prompt: str
    seconds: int
    seed: int
    settings: Settings
    report: Report = silent


@dataclass(frozen=True)
class Model:
    """The loaded model: transformers' tokenizer and modules, and the decoder laid out for speed."""

    tokenizer: Callable
    text_encoder: Callable
    projection: Callable
    tokens: token_model.TokenModel
    codec: object  # an EncodecModel
    device: str


def has_weights(settings: Settings) -> bool:
    """Whether the weights are here, in the hub's cache or in a folder."""
    return utils.checkpoint_folder(settings.musicgen_model, CHECKPOINT) is not None


def missing(settings: Settings) -> str | None:
    """What must be set up first: the weights, and with `MUSIC_WAIT=0` also the loading."""
    if not has_weights(settings):
        return f"The weights of {settings.musicgen_model} are not here: run python init.py."
    if not settings.music_wait and _loaded(settings) is None:
        return "MusicGen is still being loaded."
    return None


def run(prompt: str, seconds: int, seed: int, settings: Settings, report: Report) -> Track:
    """Make one piece. Raises EngineError where the device or the weights fail; Cancelled goes through."""
    outcome = run_together([Call(prompt, seconds, seed, settings, report)])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def check(settings: Settings) -> None:
    """Load the model and make one second of music. Raises EngineError where that fails."""
    model, call = load(settings).result(), Call("A calm piano piece.", 5, 0, settings, silent)
    _make_sounds(model, [call], sampling.FRAMES, lambda *_: None, lambda *_: None)


ENGINE = Engine(missing=missing, run=run, check=check)


def run_together(calls: Sequence[Call]) -> list[Track | Exception]:
    """Make pieces of one length with the same settings: for each its Track, or the exception that it ended with.

    A piece that is called off costs the others nothing. In float32 each piece is the one that its seed makes alone; in
    other precisions the company shifts its roundings. Where memory runs out, they are made one after the other. Raises
    EngineError for what concerns all.
    """
    batches = [calls]

    def make():
        return [outcome for batch in batches for outcome in _make_batch(batch)]

    def take_turns():
        batches[:] = [[call] for call in calls]

    return utils.with_memory_saved(make, take_turns)


def most_together(seconds: int, settings: Settings) -> int:
    """How many pieces to make at once: what half of the free memory allows; one until the model is loaded."""
    model = _loaded(settings)
    if model is None or settings.low_memory:
        return 1
    frames = min(seconds * sampling.FRAMES, sampling.WINDOW)
    each = token_model.memory_of_a_step(model.tokens) * frames
    return min(LARGEST_BATCH, max(1, utils.accelerator(settings).free_memory // 2 // each))


def _make_batch(calls):
    outcomes = [None] * len(calls)
    seconds = calls[0].seconds
    frames = seconds * sampling.FRAMES
    total = frames + frames // DECODING

    def tell(done, what):
        for index, call in enumerate(calls):
            if outcomes[index] is None:
                try:
                    call.report(done, total, what)
                except Cancelled as error:
                    outcomes[index] = error
        if None not in outcomes:
            raise Cancelled

    def tell_drawn(done, _frames):
        tell(done, f"Making the music: {done / sampling.FRAMES:.1f} of {seconds} s")

    def tell_decoded(done, parts):
        tell(frames + (total - frames) * done // parts, "Turning the music into sound")

    try:
        model = _wait_for_model(calls[0].settings, lambda: tell(0, "Loading MusicGen"))
        sounds = _make_sounds(model, calls, frames, tell_drawn, tell_decoded)
    except Cancelled:
        return outcomes
    return [outcome or _finish(sound) for outcome, sound in zip(outcomes, sounds, strict=True)]


def _make_sounds(model, calls, frames, tell_drawn, tell_decoded):
    """The sound of each piece: float32, shape (pieces, samples, channels)."""
    import torch

    with torch.inference_mode():
        text, mask = _read(model, [call.prompt for call in calls])
        codes = sampling.draw(model.tokens, text, mask, frames, [call.seed for call in calls], tell_drawn)
        channels = model.tokens.delays.count(0)  # in stereo the first codebooks of both sides begin at once
        sides = torch.cat([codes[:, side::channels] for side in range(channels)])
        sound = codec.decode(model.codec, sides, tell_decoded)
    return np.moveaxis(sound.reshape(channels, len(calls), -1), 0, -1)


def _read(model, prompts):
    """The states of the descriptions' words, (pieces, words, features), and which words are none but padding."""
    tokens = model.tokenizer(
        [prompt.encode(errors="replace").decode() for prompt in prompts],  # a lone surrogate is no text to a tokenizer
        padding=True,
        truncation=True,
        max_length=LONGEST_PROMPT,
        return_tensors="pt",
    ).to(model.device)
    mask = tokens["attention_mask"]
    states = model.projection(model.text_encoder(**tokens).last_hidden_state) * mask[..., None]
    return states.to(model.tokens.embeddings.dtype), mask.bool()


def _finish(sound):
    if not np.isfinite(sound).all() or np.abs(sound).max() < QUIETEST:
        return EngineError("MusicGen made nothing that can be heard; try another seed.")
    for length, side in zip(FADE, (sound, sound[::-1]), strict=True):
        samples = int(length * mastering.RATE)
        side[:samples] *= np.linspace(0, 1, samples, dtype=np.float32)[:, None]
    return Track(mastering.write_wav(mastering.master(sound)))


_loads: dict[tuple[str, str], Future] = {}
_lock = threading.Lock()


def load(settings: Settings) -> Future:
    """Start to load the model in the background where that has not been done; the answer is the Future of a Model.

    A load that failed is tried again when it is next asked for.
    """
    key = settings.musicgen_model, settings.device
    with _lock:
        future = _loads.get(key)
        if future is None or (future.done() and future.exception()):
            future = _loads[key] = Future()
            threading.Thread(target=_load_into, args=(future, settings), name="musicgen", daemon=True).start()
    return future


def _loaded(settings):
    """The model if it is ready, else None."""
    future = _loads.get((settings.musicgen_model, settings.device))
    return future.result() if future and future.done() and not future.exception() else None


def _load_into(future, settings):
    try:
        model = _load(settings)
        utils.free_caches()  # of the library's modules, which refer to each other in circles
        future.set_result(model)
    except EngineError as error:
        future.set_exception(error)
    except Exception:
        log.exception("MusicGen could not be loaded")
        future.set_exception(EngineError("Its weights cannot be loaded; run python init.py to fetch them again."))


def _wait_for_model(settings, tell):
    future = load(settings)
    while not future.done():
        tell()
        wait([future], timeout=WAKE)
    return future.result()


def _load(settings):
    import torch
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would write to the terminal of every search
    found = utils.accelerator(settings)
    folder = utils.checkpoint_folder(settings.musicgen_model, CHECKPOINT)
    if folder is None:
        raise EngineError(missing(settings))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    # The text encoder and the codec stay in float32: they take little of the time, and T5 overflows in float16.
    whole = (
        MusicgenForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
        .eval()
        .requires_grad_(False)
    )
    if whole.config.sampling_rate != mastering.RATE:
        raise EngineError(f"{settings.musicgen_model} makes sound at {whole.config.sampling_rate} Hz, not 32000.")
    precision = token_model.best_precision(found.device, found.dtype)
    projection = getattr(whole, "enc_to_dec_proj", torch.nn.Identity())
    # Copies, since as long as one weight is part of the mapped file, all of the file stays in memory.
    return Model(
        tokenizer=tokenizer,
        text_encoder=copy.deepcopy(whole.text_encoder).to(found.device),
        projection=copy.deepcopy(projection).to(found.device),
        tokens=token_model.prepare(whole.decoder.to(found.device), precision),
        codec=_prepare_codec(copy.deepcopy(whole.audio_encoder)).to(found.device),
        device=found.device,
    )


def _prepare_codec(audio_encoder):
    """Drop the half that reads sound, and multiply out the weights that were normalised for training."""
    from torch.nn.utils import parametrize

    audio_encoder.encoder = None
    for module in audio_encoder.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return audio_encoder
