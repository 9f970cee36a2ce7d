"""Linear layers with 8-bit weights, by the kernels of PyTorch that read them at the speed of memory.

Each row of a matrix is kept as integers with a scale of its own; each input is brought to 8 bits as it comes (dynamic
quantisation); sums are float32. A step of a decoder reads every weight once, so its time is that of the bytes: a
quarter of float32's.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

BLOCK = 2**23  # weights that are brought to 8 bits at once
MAX_PACKED = 4  # matrices side by side: the kernels pack each in one thread, and all of them take memory meanwhile
ENGINES = ("x86", "fbgemm")  # torch's kernels for dynamically quantised linear layers on Intel and AMD


def is_fast(device: str) -> bool:
    """Whether 8-bit weights are the fastest on a device: a CPU that torch has kernels for."""
    import torch

    return device == "cpu" and bool(set(ENGINES) & set(torch.backends.quantized.supported_engines))


def linear(*modules: Any, factors: "Tensor | None" = None) -> "Callable[[Tensor], Tensor]":
    """One quantised matrix for linear layers of the same input, whose outputs come side by side.

    The function takes and gives float32, (…, features). The modules are not changed, and nothing of them is kept.
    `factors` multiply the weights of each feature.
    """
    import torch

    biases = [module.bias for module in modules]
    bias = None
    if any(one is not None for one in biases):
        parts = zip(modules, biases, strict=True)
        bias = torch.cat([torch.zeros(len(of.weight)) if one is None else one.detach().float() for of, one in parts])
    packed = torch.ops.quantized.linear_prepack(_quantised([module.weight for module in modules], factors), bias)
    # Without the instructions that add products in 32 bits, inputs have 7 bits, or sums of two products overflow.
    seven_bits = not torch.cpu.get_capabilities().get("avx512_vnni")
    return lambda inputs: torch.ops.quantized.linear_dynamic(inputs, packed, seven_bits)


def _quantised(matrices: "Sequence[Tensor]", factors: "Tensor | None") -> "Tensor":
    """The matrices below each other, some rows at a time: whole ones in float32 would take much memory."""
    import warnings

    import torch

    integers = torch.empty((sum(map(len, matrices)), matrices[0].shape[1]), dtype=torch.int8)
    scales, first = torch.empty(len(integers), dtype=torch.double), 0
    for rows in _blocks(matrices):
        weight = rows.float() if factors is None else rows.float() * factors
        scale = weight.abs().amax(1).clamp(min=1e-8) / 127
        here = slice(first, first + len(rows))
        scales[here] = scale
        integers[here] = (weight / scale[:, None]).round_()  # torch's own quantiser takes seconds for it
        first += len(rows)
    with warnings.catch_warnings():
        # A later torch may drop quantised tensors; this one is pinned, and the kernel takes nothing else.
        warnings.filterwarnings("ignore", message=".*quantized tensor creation functions")
        zeros = torch.zeros(len(integers), dtype=torch.long)
        return torch._make_per_channel_quantized_tensor(integers, scales, zeros, 0)


def _blocks(matrices: "Sequence[Tensor]") -> "Iterator[Tensor]":
    for matrix in matrices:
        step = max(1, BLOCK // matrix.shape[1])
        yield from (matrix.detach()[first : first + step] for first in range(0, len(matrix), step))


def replace_linears(model: "Module", calibrate: Callable[[], object]) -> None:
    """Have every linear layer of a model compute with 8-bit weights, in place.

    `calibrate` runs the model on typical input. Where some features of a layer's input are far larger than the rest,
    8 bits would leave nothing of those: they are divided by a factor for each feature, and its weights multiplied by it
    (Xiao et al., "SmoothQuant", 2023, with migration strength 0.5).

    For inference on a CPU only: the weights can no longer be read, moved or saved. A weight that is shared with an
    embedding stays there.
    """
    import torch

    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    largest: dict[Module, Tensor] = {}

    def note(layer: "Module", inputs: "tuple[Tensor, ...]") -> None:
        seen = inputs[0].abs().flatten(0, -2).amax(0).float()
        largest[layer] = torch.maximum(largest[layer], seen) if layer in largest else seen

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    calibrate()
    for hook in hooks:
        hook.remove()
    with ThreadPoolExecutor(min(MAX_PACKED, os.cpu_count() or 1), "int8") as threads:
        list(threads.map(_replace, layers, map(largest.get, layers)))


def _replace(layer: Any, largest: "Tensor | None") -> None:
    """`largest` is the largest absolute value of each feature of the input, None where none was seen."""
    import torch

    if largest is None:
        layer.forward = linear(layer)
    else:
        weights = torch.stack([rows.float().abs().amax(0) for rows in _blocks([layer.weight])]).amax(0)
        factors = (largest.clamp(min=1e-5) / weights.clamp(min=1e-5)).sqrt().clamp(min=1e-4)
        multiply, shares = linear(layer, factors=factors), 1 / factors
        layer.forward = lambda inputs: multiply(inputs * shares)
    layer.weight = layer.bias = None
