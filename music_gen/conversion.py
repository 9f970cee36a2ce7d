"""Convert MusicGen's decoder for OpenVINO, with 8-bit weights, and measure whether that is faster; for init.py."""

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core import checkpoints, devices, engines, openvino_models
from music_gen import musicgen, openvino_decoder, sampling
from music_gen.openvino_decoder import STEP, TEXT, Measured
from settings import Settings

log = logging.getLogger(__name__)

TRIED_ON = "A calm piano piece."
TRIED_FRAMES = 50


def prepare(settings: Settings, say: Callable[[str], object]) -> None:
    """Convert once, where this processor has use for it, and tell `say` which library is faster.

    Which is then used is openvino_decoder.chosen_folder's choice. Raises EngineError where it fails.
    """
    weights = checkpoints.checkpoint_folder(settings.musicgen_model, musicgen.CHECKPOINT)
    wanted = settings.music_runtime != "pytorch" and devices.accelerator(settings).device == "cpu"
    if weights is None or not wanted or not openvino_models.can_quantise():
        return
    folder = openvino_decoder.folder_for(settings, weights)
    measured = openvino_models.read_measured(folder, openvino_decoder.Measured)
    if measured is None:
        say("MusicGen: converting the decoder for OpenVINO, once")
        try:
            openvino_models.save(folder, convert(musicgen.load_library(weights).decoder))
            by = {name: _rate(replace(settings, music_runtime=name)) for name in ("pytorch", "openvino")}
        except (RuntimeError, ValueError, OSError) as error:
            log.exception("MusicGen's decoder could not be converted")
            raise engines.EngineError("The decoder could not be converted; PyTorch stays in use.") from error
        measured = Measured(**by)
        openvino_models.write_measured(folder, measured)
    used = "OpenVINO" if openvino_decoder.chosen_folder(settings, weights) else "PyTorch"
    rates = f"{measured.openvino:.1f} tokens a second by OpenVINO, {measured.pytorch:.1f} by PyTorch"
    say(f"MusicGen: {rates}; {used} is used")


def _rate(settings):
    """Tokens a second of a loaded model, the first ones left out."""
    import torch

    model, times = musicgen.load(settings), []
    with torch.inference_mode():
        text, mask = musicgen._encode_text(model, [TRIED_ON])
        sampling.sample(model.tokens, text, mask, TRIED_FRAMES, [0], lambda *_: times.append(time.perf_counter()))
    musicgen.load.release()
    devices.free_caches()
    return (len(times) - 10) / (times[-1] - times[9])


def convert(decoder: Any) -> dict[str, Any]:
    """A MusicgenForCausalLM in float32 as the two models of an OpenVinoDecoder, by file name."""
    import torch

    config, layers = decoder.config, decoder.model.decoder.layers
    heads, features = config.num_attention_heads, config.hidden_size
    words = torch.randn(1, 3, features)
    text = _convert(_text_module(decoder), (words,), ["text"], _names("text_key", "text_value", layers))
    state = [torch.randn(2, heads, 2, features // heads) for _ in range(2 * len(layers))]
    texts = [torch.randn(1, heads, 3, features // heads) for _ in range(2 * len(layers))]
    tokens = torch.zeros(1, config.num_codebooks, 2, dtype=torch.long)
    rest = (torch.tensor([2, 3]), torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 1, 3), torch.arange(2))
    before, after = _names("key", "value", layers), _names("new_key", "new_value", layers)
    names = ["tokens", "positions", "mask", "text_mask", "rows", *_names("text_key", "text_value", layers), *before]
    step = _convert(_step_module(decoder), (tokens, *rest, *texts, *state), names, ["logits", *after])
    from openvino._offline_transformations import apply_make_stateful_transformation

    apply_make_stateful_transformation(step, dict(zip(before, after, strict=True)))
    return {TEXT: _compressed(text), STEP: _compressed(step)}


def _names(key, value, layers):
    return [f"{name}_{index}" for name in (key, value) for index in range(len(layers))]


def _text_module(decoder):
    import torch

    class Text(torch.nn.Module):
        """Keys and values of the description's words for each layer, (pieces, heads, words, features of a head)."""

        def __init__(self):
            super().__init__()
            self.layers, self.heads = decoder.model.decoder.layers, decoder.config.num_attention_heads

        def forward(self, text):
            own = [layer.encoder_attn for layer in self.layers]
            return tuple(
                _split(project(text), self.heads) for one in ("k_proj", "v_proj") for project in _each(own, one)
            )

    return Text()


def _each(modules, name):
    return [getattr(module, name) for module in modules]


def _split(states, heads):
    """(rows, steps, features) to (rows, heads, steps, features of a head)."""
    return states.unflatten(-1, (heads, states.shape[-1] // heads)).transpose(1, 2)


def _step_module(decoder):
    import torch
    from torch.nn.functional import embedding, scaled_dot_product_attention

    core, config = decoder.model.decoder, decoder.config
    heads, count = config.num_attention_heads, len(core.layers)
    tables = torch.cat([table.weight for table in core.embed_tokens])
    offsets = torch.arange(config.num_codebooks)[:, None] * core.embed_tokens[0].num_embeddings
    places = core.embed_positions.weights.float()

    def merge(attended):
        return attended.transpose(1, 2).flatten(2)

    class Step(torch.nn.Module):
        """token_model.step with the cache of keys and values as inputs and outputs."""

        def __init__(self):
            super().__init__()
            self.core, self.heads = core, decoder.lm_heads

        def forward(self, tokens, positions, mask, text_mask, rows, *cached):
            text_keys, text_values, keys, values = (cached[at * count : (at + 1) * count] for at in range(4))
            pieces, new = tokens.shape[0], []
            hidden = embedding(tokens + offsets, tables).sum(1) + places[positions]
            hidden = torch.cat([hidden, hidden])
            for at, layer in enumerate(self.core.layers):
                own, other = layer.self_attn, layer.encoder_attn
                states = layer.self_attn_layer_norm(hidden)
                query, key, value = (_split(one(states), heads) for one in (own.q_proj, own.k_proj, own.v_proj))
                key, value = (
                    torch.cat([past.index_select(0, rows), now], 2)
                    for past, now in ((keys[at], key), (values[at], value))
                )
                new.append((key, value))
                hidden = hidden + own.out_proj(merge(scaled_dot_product_attention(query, key, value, attn_mask=mask)))
                cond = hidden[:pieces]
                query = _split(other.q_proj(layer.encoder_attn_layer_norm(cond)), heads)
                attended = scaled_dot_product_attention(query, text_keys[at], text_values[at], attn_mask=text_mask)
                hidden = torch.cat([cond + other.out_proj(merge(attended)), hidden[pieces:]])
                hidden = hidden + layer.fc2(layer.activation_fn(layer.fc1(layer.final_layer_norm(hidden))))
            last = self.core.layer_norm(hidden[:, -1])
            logits = torch.cat([head(last) for head in self.heads], -1)
            return (logits, *(key for key, _ in new), *(value for _, value in new))

    return Step()


def _convert(module, example, inputs, outputs):
    """A model of OpenVINO with named inputs and outputs, every size but those of heads and features open."""
    import torch

    openvino = openvino_models.package()
    shapes = [openvino.PartialShape([-1] * len(value.shape)) for value in example]
    for shape, value in zip(shapes, example, strict=True):
        if value.is_floating_point() and len(shape) == 4 and value.shape[1] > 1:  # keys and values
            shape[1], shape[3] = value.shape[1], value.shape[3]
        elif len(shape) == 3:  # tokens have a number of codebooks, states one of features
            size = 2 if value.is_floating_point() else 1
            shape[size] = value.shape[size]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing
        model = openvino_models.convert(module.eval(), example, shapes)
    for ports, names in ((model.inputs, inputs), (model.outputs, outputs)):
        for port, name in zip(ports, names, strict=True):
            port.get_tensor().set_names({name})
    return model


def _compressed(model):
    """The same with the weights of its matrices in 8 bits, a scale for each row; embeddings stay as they are."""
    nncf = openvino_models.quantiser()
    with contextlib.redirect_stdout(io.StringIO()):  # bars
        return nncf.compress_weights(
            model,
            mode=nncf.CompressWeightsMode.INT8_SYM,
            ignored_scope=nncf.IgnoredScope(types=["Gather"], validate=False),
        )
