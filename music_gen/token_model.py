"""MusicGen's decoder, laid out for one step at a time: the tokens of a step in, the logits of the next one out.

The weights and the arithmetic are those of transformers' MusicgenForCausalLM (Copet et al., "Simple and Controllable
Music Generation", 2023). What differs is what a step costs: keys and values go to memory taken once, those of the
description are computed once, projections of the same input are one matrix, and rows without a description (of
classifier-free guidance) leave out the attention to it, which gives zeros there. On a CPU the matrices are 8-bit
integers: a step reads every weight once, so its time is that of the bytes.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

INT8_ENGINES = ("x86", "fbgemm")  # torch's kernels for dynamically quantised linear layers on Intel and AMD


@dataclass(frozen=True)
class Layer:
    """A layer's functions, each from (rows, steps, features) to (rows, steps, features)."""

    attention_norm: Callable
    queries_keys_values: Callable
    attention_out: Callable
    text_norm: Callable
    text_queries: Callable
    text_keys_values: Callable
    text_out: Callable
    widening_norm: Callable
    widen: Callable
    activate: Callable
    narrow: Callable


@dataclass(frozen=True)
class TokenModel:
    """The decoder. `embeddings` holds those of all codebooks one after the other, `offsets` where each begins."""

    layers: tuple[Layer, ...]
    embeddings: "Tensor"  # (codebooks * (vocabulary + 1), features)
    offsets: "Tensor"  # (codebooks, 1)
    positions: "Tensor"  # (steps, features)
    norm: Callable
    heads: Callable  # to (codebooks * vocabulary)
    attention_heads: int
    delays: tuple[int, ...]  # how many steps late each codebook runs
    pad: int  # the token before a codebook begins and after it ends


@dataclass(frozen=True)
class Memory:
    """What the steps so far left for the next one: keys and values of each layer."""

    own: tuple[tuple["Tensor", "Tensor"], ...]  # (2 * pieces, attention heads, steps, features of a head)
    text: tuple[tuple["Tensor", "Tensor"], ...]  # (pieces, attention heads, words, features of a head)
    text_mask: "Tensor | None"  # (pieces, 1, 1, words), where descriptions differ in length


def best_precision(device: str, dtype: str) -> str:
    """What the weights are kept in: "int8" on a CPU that torch has fast kernels for, else `dtype`."""
    import torch

    return "int8" if device == "cpu" and set(INT8_ENGINES) & set(torch.backends.quantized.supported_engines) else dtype


def prepare(decoder, precision: str) -> TokenModel:
    """Lay out a MusicgenForCausalLM in float32, of which nothing is kept. `precision` is "int8" or the name of a dtype.

    "int8" keeps each row of a matrix as integers with a scale of its own, and brings each input to 8 bits as it comes
    (dynamic quantisation); norms, attention and sums stay in float32.
    """
    import torch

    if precision != "int8":
        decoder = decoder.to(getattr(torch, precision))
    core, config = decoder.model.decoder, decoder.config
    linear = _int8_linear if precision == "int8" else _linear
    embeddings = torch.cat([table.weight for table in core.embed_tokens])
    first_rows = torch.arange(config.num_codebooks, device=embeddings.device) * core.embed_tokens[0].num_embeddings
    return TokenModel(
        layers=tuple(_prepare_layer(layer, linear) for layer in core.layers),
        embeddings=embeddings,
        offsets=first_rows[:, None],
        positions=core.embed_positions.weights.to(embeddings),
        norm=copy.deepcopy(core.layer_norm),
        heads=linear(*decoder.lm_heads),
        attention_heads=config.num_attention_heads,
        delays=tuple(codebook // config.audio_channels for codebook in range(config.num_codebooks)),
        pad=config.pad_token_id,
    )


def _prepare_layer(layer, linear):
    own, text = layer.self_attn, layer.encoder_attn
    return Layer(
        attention_norm=copy.deepcopy(layer.self_attn_layer_norm),
        queries_keys_values=linear(own.q_proj, own.k_proj, own.v_proj),
        attention_out=linear(own.out_proj),
        text_norm=copy.deepcopy(layer.encoder_attn_layer_norm),
        text_queries=linear(text.q_proj),
        text_keys_values=linear(text.k_proj, text.v_proj),
        text_out=linear(text.out_proj),
        widening_norm=copy.deepcopy(layer.final_layer_norm),
        widen=linear(layer.fc1),
        activate=layer.activation_fn,
        narrow=linear(layer.fc2),
    )


def _linear(*modules):
    """One matrix for the linear layers of one input; their outputs come side by side."""
    import torch

    weight = torch.cat([module.weight for module in modules])
    return lambda inputs: torch.nn.functional.linear(inputs, weight)


def _int8_linear(*modules):
    """The same with torch's dynamically quantised kernel, the only one that reads 8-bit weights at memory's speed."""
    import warnings

    import torch

    weight = torch.cat([module.weight for module in modules]).float()
    scales = weight.abs().amax(1).clamp(min=1e-8) / 127
    integers = (weight / scales[:, None]).round_().to(torch.int8)  # torch's own quantiser takes seconds for it
    with warnings.catch_warnings():
        # A later torch may drop quantised tensors; this one is pinned, and the kernel takes nothing else.
        warnings.filterwarnings("ignore", message=".*quantized tensor creation functions")
        zeros = torch.zeros(len(weight), dtype=torch.long)
        quantised = torch._make_per_channel_quantized_tensor(integers, scales.double(), zeros, 0)
    packed = torch.ops.quantized.linear_prepack(quantised, None)
    # Without the instructions that add products in 32 bits, inputs have 7 bits, or sums of two products overflow.
    seven_bits = not torch.cpu.get_capabilities().get("avx512_vnni")
    return lambda inputs: torch.ops.quantized.linear_dynamic(inputs, packed, seven_bits)


def remember(model: TokenModel, text: "Tensor", mask: "Tensor", steps: int) -> Memory:
    """Take memory for `steps` steps of a piece for each description, and of its unguided twin.

    `text` holds the states of the descriptions' words, shape (pieces, words, features); `mask` is True where a word
    is one, shape (pieces, words).
    """
    import torch

    pieces, words, features = text.shape
    shape = (2 * pieces, model.attention_heads, steps, features // model.attention_heads)
    # Zeros, since what a mask hides is still multiplied, and memory as it comes may hold what is no number.
    own = tuple((text.new_zeros(shape), text.new_zeros(shape)) for _ in model.layers)
    described = []
    for layer in model.layers:
        both = layer.text_keys_values(text).view(pieces, words, 2, model.attention_heads, -1)
        described.append(tuple(both.permute(2, 0, 3, 1, 4).contiguous().unbind()))
    return Memory(own, tuple(described), None if torch.all(mask) else mask[:, None, None, :])


def memory_of_a_step(model: TokenModel) -> int:
    """The bytes that a step of one piece takes: two rows, keys and values of each layer."""
    return 2 * 2 * len(model.layers) * model.embeddings.shape[-1] * model.embeddings.element_size()


def step(model: TokenModel, tokens: "Tensor", start: "int | Tensor", memory: Memory) -> "Tensor":
    """The logits for the step after `tokens`: shape (2 * pieces, codebooks, vocabulary).

    `tokens`, shape (pieces, codebooks, steps), follow on `start` earlier steps that `memory` holds; several steps at
    once are only for the beginning. The second half of the rows are the unguided twins, without a description.
    With `start` a tensor of one number, every step has the same shapes, as a CUDA graph needs them.
    """
    from torch.nn.functional import embedding, scaled_dot_product_attention

    pieces, _, steps = tokens.shape
    recall, at = _recalling(start, steps, memory)
    hidden = embedding(tokens + model.offsets, model.embeddings).sum(1) + model.positions[at]
    hidden = hidden.repeat(2, 1, 1)
    for layer, own, (text_keys, text_values) in zip(model.layers, memory.own, memory.text, strict=True):
        mixed = layer.queries_keys_values(layer.attention_norm(hidden))
        query, key, value = mixed.view(2 * pieces, steps, 3, model.attention_heads, -1).permute(2, 0, 3, 1, 4).unbind()
        keys, values, seen = recall(*own, key, value)
        heard = scaled_dot_product_attention(query, keys, values, attn_mask=seen, is_causal=steps > 1)
        hidden += layer.attention_out(_side_by_side(heard))

        described = hidden[:pieces]
        query = layer.text_queries(layer.text_norm(described))
        query = query.view(pieces, steps, model.attention_heads, -1).transpose(1, 2)
        read = scaled_dot_product_attention(query, text_keys, text_values, attn_mask=memory.text_mask)
        described += layer.text_out(_side_by_side(read))

        hidden += layer.narrow(layer.activate(layer.widen(layer.widening_norm(hidden))))
    return model.heads(model.norm(hidden[:, -1])).view(2 * pieces, len(model.delays), -1)


def _recalling(start, steps, memory):
    """How a layer puts away keys and values and gets all so far, with a mask where some are still to come."""
    import torch

    if isinstance(start, int):
        now, so_far = slice(start, start + steps), slice(start + steps)

        def recall(keys, values, key, value):
            keys[:, :, now], values[:, :, now] = key, value
            return keys[:, :, so_far], values[:, :, so_far], None

        return recall, now

    seen = torch.arange(memory.own[0][0].shape[2], device=start.device) <= start

    def recall_all(keys, values, key, value):
        return keys.index_copy_(2, start, key), values.index_copy_(2, start, value), seen[None, None, None]

    return recall_all, start


def stepper(model: TokenModel, memory: Memory, pieces: int) -> Callable[["Tensor", int], "Tensor"]:
    """A function of (tokens of one step, start) that does what `step` does; on CUDA it replays a recorded graph.

    A recorded step costs one launch in place of some five hundred. The logits are overwritten by the next one.
    """
    import torch

    if model.embeddings.device.type != "cuda":
        return lambda tokens, start: step(model, tokens, start, memory)
    tokens = torch.full((pieces, len(model.delays), 1), model.pad, device=model.embeddings.device)
    # What is written at the last step while recording is written again before anything reads it.
    start = torch.tensor([memory.own[0][0].shape[2] - 1], device=tokens.device)
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # the libraries set themselves up, which a graph cannot hold
        for _ in range(3):
            step(model, tokens, start, memory)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        logits = step(model, tokens, start, memory)

    def replay(new_tokens, new_start):
        tokens.copy_(new_tokens)
        start.fill_(new_start)
        graph.replay()
        return logits

    return replay


def _side_by_side(heads):
    """(rows, attention heads, steps, features of a head) to (rows, steps, features)."""
    return heads.transpose(1, 2).flatten(2)
