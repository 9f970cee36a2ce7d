"""MusicGen's decoder, laid out for one step at a time: the tokens of a step in, the logits of the next one out.

The weights and the arithmetic are those of transformers' MusicgenForCausalLM (Copet et al., "Simple and Controllable
Music Generation", 2023). What differs is what a step costs: the cache of keys and values is allocated once, those of
the description are computed once, projections of the same input are one matrix, and rows without a description (of
classifier-free guidance) leave out the attention to it, which gives zeros there. On a CPU the matrices are 8-bit
integers: a step reads every weight once, so its time is that of the bytes.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import int8

if TYPE_CHECKING:
    from torch import Tensor, dtype

Function = Callable[..., "Tensor"]


@dataclass(frozen=True)
class Layer:
    """A layer's functions, each from (rows, steps, features) to (rows, steps, features)."""

    self_attention_norm: Function
    self_attention_qkv: Function
    self_attention_out: Function
    cross_attention_norm: Function
    cross_attention_q: Function
    cross_attention_kv: Function
    cross_attention_out: Function
    final_norm: Function
    fc1: Function
    activation: Function
    fc2: Function


@dataclass(frozen=True)
class TokenModel:
    """The decoder. `embeddings` holds those of all codebooks one after the other, `offsets` where each begins."""

    layers: tuple[Layer, ...]
    embeddings: "Tensor"  # (codebooks * (vocabulary + 1), features)
    offsets: "Tensor"  # (codebooks, 1)
    positions: "Tensor"  # (steps, features)
    norm: Function
    lm_heads: Function  # to (codebooks * vocabulary)
    attention_heads: int
    delays: tuple[int, ...]  # how many steps late each codebook runs
    pad: int  # the token before a codebook begins and after it ends

    @property
    def dtype(self) -> "dtype":
        """What the states of a description are to be in."""
        return self.embeddings.dtype

    @property
    def cache_bytes_per_step(self) -> int:
        """The bytes that a step of one piece takes in the cache: two rows, keys and values of each layer."""
        return 2 * 2 * len(self.layers) * self.embeddings.shape[-1] * self.embeddings.element_size()

    def begin(self, text: "Tensor", mask: "Tensor", steps: int) -> Callable[["Tensor", int], "Tensor"]:
        """A function of (tokens, start) to logits, as `step`, for pieces of at most `steps` steps from the first on.

        `text` and `mask` are as in init_cache. The logits are overwritten by the next call's.
        """
        cache = init_cache(self, text, mask, steps)
        one: Callable[[Tensor, int], Tensor] | None = None

        def decode(tokens: "Tensor", start: int) -> "Tensor":
            nonlocal one
            if start == 0:
                return step(self, tokens, start, cache)
            one = one or make_step(self, cache, len(tokens))
            return one(tokens, start)

        return decode


@dataclass(frozen=True)
class KVCache:
    """Keys and values of each layer: of the steps so far, and of the description's words."""

    self_attention: tuple[tuple["Tensor", "Tensor"], ...]  # (2 * pieces, attention heads, steps, features of a head)
    cross_attention: tuple[tuple["Tensor", "Tensor"], ...]  # (pieces, attention heads, words, features of a head)
    cross_attention_mask: "Tensor | None"  # (pieces, 1, 1, words), where descriptions differ in length


def best_precision(device: str, dtype: str) -> str:
    """What the weights are kept in: "int8" on a CPU that torch has fast kernels for, else `dtype`."""
    return "int8" if int8.is_fast(device) else dtype


def prepare(decoder, precision: str) -> TokenModel:
    """Lay out a MusicgenForCausalLM in float32, of which nothing is kept. `precision` is "int8" or the name of a dtype.

    "int8" keeps each row of a matrix as integers with a scale of its own, and brings each input to 8 bits as it comes
    (dynamic quantisation); norms, attention and sums stay in float32.
    """
    import torch

    if precision != "int8":
        decoder = decoder.to(getattr(torch, precision))
    core, config = decoder.model.decoder, decoder.config
    linear = int8.linear if precision == "int8" else _linear
    embeddings = torch.cat([table.weight for table in core.embed_tokens])
    first_rows = torch.arange(config.num_codebooks, device=embeddings.device) * core.embed_tokens[0].num_embeddings
    return TokenModel(
        layers=tuple(_prepare_layer(layer, linear) for layer in core.layers),
        embeddings=embeddings,
        offsets=first_rows[:, None],
        positions=core.embed_positions.weights.to(embeddings),
        norm=copy.deepcopy(core.layer_norm),
        lm_heads=linear(*decoder.lm_heads),
        attention_heads=config.num_attention_heads,
        delays=tuple(codebook // config.audio_channels for codebook in range(config.num_codebooks)),
        pad=config.pad_token_id,
    )


def _prepare_layer(layer, linear):
    own, text = layer.self_attn, layer.encoder_attn
    return Layer(
        self_attention_norm=copy.deepcopy(layer.self_attn_layer_norm),
        self_attention_qkv=linear(own.q_proj, own.k_proj, own.v_proj),
        self_attention_out=linear(own.out_proj),
        cross_attention_norm=copy.deepcopy(layer.encoder_attn_layer_norm),
        cross_attention_q=linear(text.q_proj),
        cross_attention_kv=linear(text.k_proj, text.v_proj),
        cross_attention_out=linear(text.out_proj),
        final_norm=copy.deepcopy(layer.final_layer_norm),
        fc1=linear(layer.fc1),
        activation=layer.activation_fn,
        fc2=linear(layer.fc2),
    )


def _linear(*modules):
    """One matrix for the linear layers of one input; their outputs come side by side."""
    import torch

    weight = torch.cat([module.weight for module in modules])
    return lambda inputs: torch.nn.functional.linear(inputs, weight)


def init_cache(model: TokenModel, text: "Tensor", mask: "Tensor", steps: int) -> KVCache:
    """Allocate the cache of `steps` steps, conditional and unconditional, of a piece for each description.

    `text` holds the states of the descriptions' words, shape (pieces, words, features); `mask` is True where a word
    is one, shape (pieces, words).
    """
    import torch

    pieces, words, features = text.shape
    shape = (2 * pieces, model.attention_heads, steps, features // model.attention_heads)
    # Zeros, since what a mask hides is still multiplied, and memory as it comes may hold what is no number.
    self_attention = tuple((text.new_zeros(shape), text.new_zeros(shape)) for _ in model.layers)
    cross_attention = []
    for layer in model.layers:
        both = layer.cross_attention_kv(text).view(pieces, words, 2, model.attention_heads, -1)
        keys, values = both.permute(2, 0, 3, 1, 4).contiguous().unbind()
        cross_attention.append((keys, values))
    return KVCache(self_attention, tuple(cross_attention), None if torch.all(mask) else mask[:, None, None, :])


def step(model: TokenModel, tokens: "Tensor", start: "int | Tensor", cache: KVCache) -> "Tensor":
    """The logits for the step after `tokens`: shape (2 * pieces, codebooks, vocabulary).

    `tokens`, shape (pieces, codebooks, steps), follow on `start` earlier steps that `cache` holds; several steps at
    once are only for the beginning. The first half of the rows is conditional, the second unconditional: without a
    description. With `start` a tensor of one number, every step has the same shapes, as a CUDA graph needs them.
    """
    from torch.nn.functional import embedding, scaled_dot_product_attention

    pieces, _, steps = tokens.shape
    update, at = _cache_update(start, steps, cache)
    hidden = embedding(tokens + model.offsets, model.embeddings).sum(1) + model.positions[at]
    hidden = hidden.repeat(2, 1, 1)
    for layer, own, (text_keys, text_values) in zip(
        model.layers, cache.self_attention, cache.cross_attention, strict=True
    ):
        qkv = layer.self_attention_qkv(layer.self_attention_norm(hidden))
        query, key, value = qkv.view(2 * pieces, steps, 3, model.attention_heads, -1).permute(2, 0, 3, 1, 4).unbind()
        keys, values, mask = update(*own, key, value)
        attended = scaled_dot_product_attention(query, keys, values, attn_mask=mask, is_causal=steps > 1)
        hidden += layer.self_attention_out(_merge_heads(attended))

        cond = hidden[:pieces]
        query = layer.cross_attention_q(layer.cross_attention_norm(cond))
        query = query.view(pieces, steps, model.attention_heads, -1).transpose(1, 2)
        attended = scaled_dot_product_attention(query, text_keys, text_values, attn_mask=cache.cross_attention_mask)
        cond += layer.cross_attention_out(_merge_heads(attended))

        hidden += layer.fc2(layer.activation(layer.fc1(layer.final_norm(hidden))))
    return model.lm_heads(model.norm(hidden[:, -1])).view(2 * pieces, len(model.delays), -1)


def _cache_update(start, steps, cache):
    """How a layer puts away keys and values and gets all so far, with a mask where some are still to come."""
    import torch

    if isinstance(start, int):
        now, so_far = slice(start, start + steps), slice(start + steps)

        def update(keys, values, key, value):
            keys[:, :, now], values[:, :, now] = key, value
            return keys[:, :, so_far], values[:, :, so_far], None

        return update, now

    mask = (torch.arange(cache.self_attention[0][0].shape[2], device=start.device) <= start)[None, None, None]

    def update_fixed(keys, values, key, value):
        return keys.index_copy_(2, start, key), values.index_copy_(2, start, value), mask

    return update_fixed, start


def make_step(model: TokenModel, cache: KVCache, pieces: int) -> Callable[["Tensor", int], "Tensor"]:
    """A function of (tokens of one step, start) that does what `step` does; on CUDA it replays a recorded graph.

    A recorded step costs one launch in place of some five hundred. The logits are overwritten by the next one.
    """
    import torch

    if model.embeddings.device.type != "cuda":
        return lambda tokens, start: step(model, tokens, start, cache)
    tokens = torch.full((pieces, len(model.delays), 1), model.pad, device=model.embeddings.device)
    # What is written at the last step while recording is written again before anything reads it.
    start = torch.tensor([cache.self_attention[0][0].shape[2] - 1], device=tokens.device)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # the libraries set themselves up, which a graph cannot hold
        for _ in range(3):
            step(model, tokens, start, cache)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        logits = step(model, tokens, start, cache)

    def replay(new_tokens, new_start):
        tokens.copy_(new_tokens)
        start.fill_(new_start)
        graph.replay()
        return logits

    return replay


def _merge_heads(heads):
    """(rows, attention heads, steps, features of a head) to (rows, steps, features)."""
    return heads.transpose(1, 2).flatten(2)
