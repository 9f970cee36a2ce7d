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


def by_side(codes: "Tensor", channels: int) -> "Tensor":
    """The codes of the left sides, then those of the right ones, which take turns in a piece; one piece where mono."""
    import torch

    return torch.cat([codes[:, side::channels] for side in range(channels)])


def continued(codec) -> Callable[["Tensor"], np.ndarray]:
    """A function that decodes codes which grow: called with all so far, it returns the sound that is new.

    It is that of `decode`, but for roundings. The last MARGIN frames of each call are heard at the next one, since what
    follows them changes their sound.
    """
    import torch

    opening, recurrent, *convolutions = codec.decoder.layers
    dtype, hop = next(codec.decoder.parameters()).dtype, codec.config.hop_length
    heard, seen, state, hidden = 0, 0, None, None  # frames that were returned, and that the LSTM has seen

    def decode_new(codes: "Tensor") -> np.ndarray:
        nonlocal heard, seen, state, hidden
        begin, end = max(0, seen - MARGIN), codes.shape[-1] - MARGIN
        opened = opening(codec.quantizer.decode(codes[..., begin:].transpose(0, 1)).to(dtype))
        fresh = opened[..., seen - begin : end - begin].permute(2, 0, 1)
        part, state = recurrent.lstm(fresh, state)
        part = (part + fresh).permute(1, 2, 0)
        chunk = part if hidden is None else torch.cat([hidden, part], dim=-1)
        first, seen, until = seen - (chunk.shape[-1] - part.shape[-1]), end, end - MARGIN
        hidden = chunk[..., max(0, until - MARGIN - first) :]
        for layer in convolutions:
            chunk = layer(chunk)
        sound = chunk[:, 0, (heard - first) * hop : (until - first) * hop]
        heard = until
        return sound.to(device="cpu", dtype=torch.float32).numpy()

    return decode_new


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
