"""A language model in this process: messages in, an answer out whose form a JSON schema dictates.

Any instruct model of transformers will do. The form is kept by llguidance: at each token, what the schema does not
allow is masked out, and where it allows one token only, the model is not asked. What a prompt has in common with the
one before is not read again. On a CPU the weights are 8-bit.
"""

import functools
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import devices, int8
from core.engines import EngineError
from core.loading import building
from settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

PREFILL = 512  # tokens of a prompt that are read at once: between two, a search can be called off

# Own words in the form of what the model is asked and answers, to see which features of its layers are large.
CALIBRATION = """{"clip": 1, "spoken": "Here are three prompts that save me an hour each day. First I ask for a plan."}
{"clip": 2, "shown": "No gym? Try this at home. 20 squats, 10 push-ups, 1 minute plank."}
{"clip": 3, "spoken": "Hier zeige ich dir, wie das Brot gelingt. Primero mezcla la harina con agua y sal."}
Answer with one JSON object: summary, tags, ideas.
{"summary": "The clips show short routines that anyone can follow at home.", "tags": ["routine", "home workout"],
"ideas": [{"title": "One plan, one minute", "concept": "Film the plan first, then the result."}]}"""

Messages = Sequence[Mapping[str, str]]  # of a chat: "role" and "content"


@dataclass
class LanguageModel:
    """The loaded model. `lock` is held while it answers: its cache holds the tokens of the last prompt and answer."""

    tokenizer: Any  # transformers' fast tokenizer
    network: Any  # a causal language model of transformers
    grammar_tokenizer: Any  # the tokenizer as llguidance knows it
    device: str
    context: int  # tokens that it can read and write together
    lock: threading.Lock = field(default_factory=threading.Lock)
    cache: Any = None  # transformers' Cache
    room: int = 0  # tokens that it can hold
    tokens: list[int] = field(default_factory=list)  # that it holds


def load(folder: Path, settings: Settings) -> LanguageModel:
    """Load a checkpoint of transformers (config, tokenizer, safetensors) from a folder.

    Raises EngineError where it cannot be read or the memory does not suffice.
    """
    found = devices.accelerator(settings)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if size > found.free_memory:
        raise EngineError(f"There is not enough memory for {settings.local_llm_model}; choose a smaller one.")
    from safetensors import SafetensorError

    try:
        return _load(folder, found.device, found.dtype)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        log.warning("the language model could not be loaded", exc_info=error)
        raise EngineError("Its weights cannot be loaded; run python init.py to fetch them again.") from error


def _load(folder: Path, device: str, dtype: str) -> LanguageModel:
    import llguidance.hf
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would write to the terminal of every search
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    quantised = int8.is_fast(device)
    with building:
        network: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.bfloat16 if quantised else getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
        )
    network.eval().requires_grad_(False)
    if quantised:
        _quantise(network, tokenizer(CALIBRATION).input_ids)
    else:
        network.to(device)
    stops = network.generation_config.eos_token_id or tokenizer.eos_token_id
    return LanguageModel(
        tokenizer=tokenizer,
        network=network,
        grammar_tokenizer=llguidance.hf.from_tokenizer(tokenizer, network.config.vocab_size, stops),
        device=device,
        context=network.config.max_position_embeddings,
    )


def _quantise(network: Any, sample: Sequence[int]) -> None:
    """8-bit matrices; the rest in float32 but for the embeddings, of which a step reads one row."""
    import torch

    embeddings = network.get_input_embeddings()
    table = embeddings.weight.data.clone()  # no part of the mapped file, or all of that would stay in memory
    with torch.inference_mode():
        int8.replace_linears(network, lambda: network(torch.tensor([list(sample)])))
    embeddings.weight = None
    network.float()
    embeddings.forward = lambda tokens: torch.nn.functional.embedding(tokens, table).float()
    network.config.dtype = torch.float32


def answer(
    model: LanguageModel,
    messages: Messages,
    schema: Mapping[str, Any] | None,
    max_tokens: int,
    on_text: Callable[[str], None],
) -> str:
    """What the model answers, the likeliest token at each step: JSON that fits `schema`, or a text where there is none.

    `on_text` is told what is written so far at each token, "" while the prompt is read; what it raises goes through. To
    be called by one thread at a time: see `lock`. Raises EngineError where the prompt is too long, or an answer in JSON
    is not complete after `max_tokens`.
    """
    import torch

    prompt = _encode(model, messages)
    if len(prompt) + max_tokens > model.context:
        raise EngineError("The clips have more words than the language model can read.")
    grammar = _grammar(model, schema)
    written: list[int] = []
    with torch.inference_mode():
        logits = _read(model, prompt, len(prompt) + max_tokens, on_text)
        while not grammar.is_stopped():
            if len(written) >= max_tokens:
                if schema:
                    raise EngineError("The language model's answer did not come to its end.")
                break
            new = [_likeliest(logits, grammar)]
            grammar.consume_tokens(new)
            forced = grammar.compute_ff_tokens()  # where the form leaves no choice
            grammar.consume_tokens(forced)
            new += forced
            written += new
            on_text(_decode(model, written))
            if not grammar.is_stopped() and len(written) < max_tokens:
                logits = _step(model, new)
    return _decode(model, written)


def _grammar(model: LanguageModel, schema: Mapping[str, Any] | None) -> Any:
    from llguidance import LLMatcher

    if schema is None:
        form = LLMatcher.grammar_from_regex(r"(?s:.+)")
    else:
        form = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides={"whitespace_flexible": False})
    matcher = LLMatcher(model.grammar_tokenizer, form)
    if matcher.is_error():
        raise EngineError(f"The form of the answer cannot be enforced: {matcher.get_error()}")
    return matcher


def _decode(model: LanguageModel, tokens: Sequence[int]) -> str:
    return str(model.tokenizer.decode(tokens, skip_special_tokens=True))


def _encode(model: LanguageModel, messages: Messages) -> list[int]:
    """The tokens of a chat in the model's own template. Models that think aloud are asked not to."""
    encoded = model.tokenizer.apply_chat_template(
        list(messages), add_generation_prompt=True, enable_thinking=False, return_dict=True
    )
    return list(encoded["input_ids"])


def _read(model: LanguageModel, prompt: Sequence[int], room: int, on_text: Callable[[str], None]) -> "Tensor":
    """Read a prompt, but for what it has in common with what the cache holds; the logits after it."""
    common = next((n for n, (old, new) in enumerate(zip(model.tokens, prompt, strict=False)) if old != new), None)
    known = min(len(model.tokens), len(prompt) - 1) if common is None else common  # the last token gives the logits
    if model.room < room:
        model.cache, model.room, model.tokens, known = _init_cache(model.network, room), room, [], 0
    if known < len(model.tokens):
        model.cache.crop(known - len(model.tokens))
        model.tokens = model.tokens[:known]
    logits = None
    for start in range(known, len(prompt), PREFILL):
        on_text("")
        logits = _step(model, prompt[start : start + PREFILL])
    assert logits is not None  # noqa: S101 there is at least one token
    return logits


def _init_cache(network: Any, room: int) -> Any:
    """A cache of keys and values with memory for `room` tokens, taken once: transformers' own grows by copying all."""
    from transformers.cache_utils import Cache

    layer = _preallocated_layer()
    return Cache(layers=[layer(room) for _ in range(network.config.num_hidden_layers)])


@functools.cache
def _preallocated_layer() -> Any:
    from transformers.cache_utils import DynamicLayer

    class PreallocatedLayer(DynamicLayer):
        def __init__(self, room: int):
            super().__init__()
            self.room = room

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> Any:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                rows, heads, _steps, features = key_states.shape
                self.buffers = key_states.new_empty((2, rows, heads, self.room, features))
            begin = self.get_seq_length()
            end = begin + key_states.shape[-2]
            self.buffers[0, :, :, begin:end], self.buffers[1, :, :, begin:end] = key_states, value_states
            self.keys, self.values = self.buffers[0, :, :, :end], self.buffers[1, :, :, :end]
            return self.keys, self.values

    return PreallocatedLayer


def _step(model: LanguageModel, tokens: Sequence[int]) -> "Tensor":
    """The logits after some more tokens, float32, (vocabulary,)."""
    import torch

    inputs = torch.tensor([list(tokens)], device=model.device)
    logits = model.network(inputs, past_key_values=model.cache, logits_to_keep=1).logits[0, -1].float().cpu()
    model.tokens += tokens
    return logits


def _likeliest(logits: "Tensor", matcher: Any) -> int:
    """The likeliest of the tokens that the grammar allows."""
    import torch

    allowed = torch.frombuffer(bytearray(matcher.compute_bitmask()), dtype=torch.uint8)
    bits = torch.arange(8, dtype=torch.uint8)
    mask = ((allowed[:, None] >> bits) & 1).flatten()[: len(logits)].bool()
    return int(logits[: len(mask)].masked_fill(~mask, -torch.inf).argmax())
