"""Run the layers of Stable Diffusion on a CPU with weights laid out once for oneDNN, and with fused operations.

PyTorch lays the weights of a convolution out anew at each call, which costs as much as the arithmetic where the
picture is small and the channels are many. `torch.compile` avoids that with the same operators as here, but needs a
compiler and minutes (see "Inductor CPU backend" and `torch/_inductor/fx_passes/mkldnn_fusion.py`).
"""

import functools


def pack(model) -> None:
    """Replace what the layers of a U-Net or a decoder of diffusers do, in place. The results stay within rounding.

    For inference on a CPU only: the weights of what is packed can no longer be read, moved or saved.
    """
    import torch
    from diffusers.models.activations import GEGLU
    from diffusers.models.resnet import ResnetBlock2D
    from diffusers.models.transformers.transformer_2d import Transformer2DModel

    if not torch.backends.mkldnn.is_available():
        return
    model.to(memory_format=torch.channels_last)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros":
            _pack_convolution(layer)
        elif isinstance(layer, GEGLU):
            _pack_geglu(layer)
        elif isinstance(layer, Transformer2DModel) and not layer.use_linear_projection:
            layer._get_output_for_continuous_inputs = functools.partial(_project_out, layer)
        elif isinstance(layer, ResnetBlock2D) and _is_plain(layer):
            _pack_block(layer)


def _is_plain(block):
    """Whether a residual block does what those of Stable Diffusion 1.5 do, and no more."""
    return (
        block.upsample is None
        and block.downsample is None
        and block.output_scale_factor == 1
        and block.time_embedding_norm == "default"
        and not block.skip_time_act
        and block.nonlinearity.__class__.__name__ == "SiLU"
    )


def _pack_convolution(layer):
    """Lay the weight out at the first call, when the size of the picture is known: the best layout depends on it."""
    import torch

    shape = layer.padding, layer.stride, layer.dilation
    packed = None

    def forward(picture, added=None):
        nonlocal packed
        picture = picture.contiguous(memory_format=torch.channels_last)
        if packed is None:
            packed = torch.ops.mkldnn._reorder_convolution_weight(layer.weight.data, *shape, 1, list(picture.shape))
            layer.weight = None  # two copies would not fit
        rest = (packed, layer.bias, *shape, 1)
        if added is None:
            return torch.ops.mkldnn._convolution_pointwise(picture, *rest, "none", [], "")
        return torch.ops.mkldnn._convolution_pointwise.binary(picture, added, *rest, "add", None, None, [], None)

    layer.forward = forward


def _project_out(layer, hidden_states, residual, batch_size, height, width, inner_dim):
    """From tokens back to a picture: in the layout of channels last that is a view, where diffusers copies."""
    picture = hidden_states.view(batch_size, height, width, inner_dim).permute(0, 3, 1, 2)
    return layer.proj_out.forward(picture, residual)


def _pack_block(block):
    """A residual block whose last convolution adds the input, and which writes its activations in place."""
    from torch.nn.functional import silu

    def forward(picture, time=None, *_unused):
        hidden = block.conv1(silu(block.norm1(picture), inplace=True))
        if time is not None:
            hidden += block.time_emb_proj(silu(time))[:, :, None, None]
        hidden = silu(block.norm2(hidden), inplace=True)
        return block.conv2.forward(hidden, block.conv_shortcut(picture) if block.conv_shortcut else picture)

    block.forward = forward


def _pack_geglu(layer):
    """GEGLU as two products: one ends in the activation, the other in the multiplication by it."""
    import torch

    values, gates = layer.proj.weight.data.chunk(2)
    value_bias, gate_bias = (part.clone() for part in layer.proj.bias.data.chunk(2))
    values, gates = (torch.ops.mkldnn._reorder_linear_weight(part.contiguous(), None) for part in (values, gates))
    del layer.proj

    def forward(tokens):
        product = torch.ops.mkldnn._linear_pointwise
        gate = product(tokens, gates, gate_bias, "gelu", [], "none")
        return product.binary(tokens, gate, values, value_bias, "mul")

    layer.forward = forward
