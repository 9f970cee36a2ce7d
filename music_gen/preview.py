"""The first parts of a piece, to be heard while the rest is still being made.

They are near the finished piece, not equal to it: no limiter has seen them, and they keep MusicGen's own tempo.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.engines import TakeSound
from music_gen import codec, mastering

if TYPE_CHECKING:
    from torch import Tensor

LOUDNESS = -14.0  # LUFS of the first part, as of the finished piece
HIGHEST = 0.9  # of full scale, that the first part may reach

OnCodes = Callable[["Tensor"], None]


def teller(model_codec: object, channels: int, takers: Sequence[TakeSound | None]) -> OnCodes | None:
    """What to call with the codes so far, shape (pieces, codebooks, frames), each time there are more of them.

    Of each piece, the sound that is new goes as a whole WAV file to its one of `takers`, looked at each time anew.
    None where nobody takes any.
    """
    if not any(takers):
        return None
    decode, gains, number = codec.continued(model_codec), [0.0] * len(takers), 0

    def tell(codes: "Tensor") -> None:
        nonlocal number
        sides = decode(codec.by_side(codes, channels))
        sounds = np.moveaxis(sides.reshape(channels, len(takers), -1), 0, -1)
        for index, (taker, sound) in enumerate(zip(takers, sounds, strict=True)):
            gains[index] = gains[index] or _gain(sound)
            if taker:
                stereo = np.broadcast_to(sound * gains[index], (len(sound), 2))
                taker(number, mastering.write_wav(stereo))
        number += 1

    return tell


def _gain(sound: np.ndarray) -> float:
    """By how much to multiply a piece that begins with `sound`."""
    peak = float(np.abs(sound).max(initial=0.0))
    loudness = mastering.loudness(np.broadcast_to(sound, (len(sound), 2)))
    if not peak or not np.isfinite(loudness):
        return 1.0
    return float(min(10 ** ((LOUDNESS - loudness) / 20), HIGHEST / peak))
