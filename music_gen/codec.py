"""From codes to sound: EnCodec's decoder, a second or two at a time.

The weights and the arithmetic are those of transformers' EncodecModel (Défossez et al., "High Fidelity Neural Audio
Compression", 2022). The LSTM hands its state from one chunk to the next. The convolutions after it see less than
two frames to either side, so each chunk is given that much more: the same sound in a fraction of the memory.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 100  # frames decoded at once
MARGIN = 4  # frames on either side, more than the convolutions reach


def decode(codec, codes: "Tensor", on_progress: Callable[[int, int], None]) -> np.ndarray:
    """Decode codes of shape (pieces, codebooks, frames) to sound: float32, shape (pieces, samples).

    `codec` is an EncodecModel; a frame becomes `codec.config.hop_length` samples. `on_progress(done, total)` is
    called at each chunk.
    """
    import torch

    opening, recurrent, *convolutions = codec.decoder.layers
    dtype = next(codec.decoder.parameters()).dtype
    frames, hop = codes.shape[-1], codec.config.hop_length
    hidden = _run_lstm(recurrent.lstm, opening(codec.quantizer.decode(codes.transpose(0, 1)).to(dtype)), on_progress)
    sound = np.empty((len(codes), frames * hop), np.float32)
    for start, end in _chunks(frames):
        on_progress(frames + start, 2 * frames)
        before = min(MARGIN, start)
        chunk = hidden[..., start - before : end + MARGIN]
        for layer in convolutions:
            chunk = layer(chunk)
        inner = chunk[:, 0, before * hop : (before + end - start) * hop]
        sound[:, start * hop : end * hop] = inner.to(device="cpu", dtype=torch.float32).numpy()
    return sound


def _run_lstm(lstm, hidden, on_progress):
    """The LSTM with its shortcut, over (pieces, features, frames)."""
    import torch

    by_frame, state, parts = hidden.permute(2, 0, 1), None, []
    for start, end in _chunks(len(by_frame)):
        on_progress(start, 2 * len(by_frame))
        part, state = lstm(by_frame[start:end], state)
        parts.append(part)
    return (torch.cat(parts) + by_frame).permute(1, 2, 0)


def _chunks(frames):
    return [(start, min(start + CHUNK, frames)) for start in range(0, frames, CHUNK)]
