"""Linear layers with 8-bit weights, by the kernels of PyTorch that read them at the speed of memory.

Each row of a matrix is kept as integers with a scale of its own; each input is brought to 8 bits as it comes (dynamic
quantisation); sums are float32. A step of a decoder reads every weight once, so its time is that of the bytes: a
quarter of float32's.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

ENGINES = ("x86", "fbgemm")  # torch's kernels for dynamically quantised linear layers on Intel and AMD


def is_fast(device: str) -> bool:
    """Whether 8-bit weights are the fastest on a device: a CPU that torch has kernels for."""
    import torch

    return device == "cpu" and bool(set(ENGINES) & set(torch.backends.quantized.supported_engines))


def linear(*modules: Any) -> "Callable[[Tensor], Tensor]":
    """One quantised matrix for linear layers of the same input, whose outputs come side by side.

    The function takes and gives float32, (…, features). The modules are not changed, and nothing of them is kept.
    """
    import torch

    weight = torch.cat([module.weight.detach() for module in modules]).float()
    biases = [module.bias for module in modules]
    bias = None
    if any(one is not None for one in biases):
        zeros = (torch.zeros(module.weight.shape[0]) for module in modules)
        bias = torch.cat([zero if one is None else one.float() for one, zero in zip(biases, zeros, strict=True)])
    packed = torch.ops.quantized.linear_prepack(_quantised(weight), bias)
    # Without the instructions that add products in 32 bits, inputs have 7 bits, or sums of two products overflow.
    seven_bits = not torch.cpu.get_capabilities().get("avx512_vnni")
    return lambda inputs: torch.ops.quantized.linear_dynamic(inputs, packed, seven_bits)


def _quantised(weight: "Tensor") -> "Tensor":
    import warnings

    import torch

    scales = weight.abs().amax(1).clamp(min=1e-8) / 127
    integers = (weight / scales[:, None]).round_().to(torch.int8)  # torch's own quantiser takes seconds for it
    with warnings.catch_warnings():
        # A later torch may drop quantised tensors; this one is pinned, and the kernel takes nothing else.
        warnings.filterwarnings("ignore", message=".*quantized tensor creation functions")
        zeros = torch.zeros(len(weight), dtype=torch.long)
        return torch._make_per_channel_quantized_tensor(integers, scales.double(), zeros, 0)


def replace_linears(model: "Module", calibrate: Callable[[], object]) -> None:
    """Have every linear layer of a model compute with 8-bit weights, in place, one after the other.

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
    for layer in layers:
        _replace(layer, largest.get(layer))


def _replace(layer: Any, largest: "Tensor | None") -> None:
    """`largest` is the largest absolute value of each feature of the input, None where none was seen."""
    import torch

    if largest is None:
        layer.forward = linear(layer)
    else:
        weights = layer.weight.detach().float()
        factors = (largest.clamp(min=1e-5) / weights.abs().amax(0).clamp(min=1e-5)).sqrt().clamp(min=1e-4)
        smoothed: Any = torch.nn.Linear(1, 1, bias=False)
        smoothed.weight, smoothed.bias = torch.nn.Parameter(weights * factors, requires_grad=False), layer.bias
        multiply, shares = linear(smoothed), 1 / factors
        layer.forward = lambda inputs: multiply(inputs * shares)
    layer.weight = layer.bias = None
