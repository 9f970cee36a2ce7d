"""How a clip wider than a frame is shown in it: the part with most to see, or all of it before a blurred copy."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from animate_text import saliency
from animate_text.framing import SAME_SHAPE
from core import encoding, ffmpeg

LOOKS = 5  # frames of a moment that are looked at
LARGEST = 640  # pixels: the longer side of such a frame
MOVING = 0.5  # of the interest: what moves most, beside what stands out most
ENOUGH = 0.66  # of the interest that a part holds, from which on it is shown alone
BLUR, DIM = 7.0, 0.7  # of the copy behind a whole picture: pixels at an eighth of the size, and what is left of light
STILL = 3.0  # of 255: what differs less than this does not move
ABOVE = 0.23  # of the height that a whole picture leaves free: what is above it, so that captions stand below it


def window(path: Path, shape: float, start: float, seconds: float, check: Callable[[object], None]) -> float | None:
    """Where the part of a clip is that a frame shows for a whole moment: from 0 (at the left or the top) to 1.

    `shape` is the width of the frame by its height. None where no part of this shape holds most of what is worth
    seeing, so that the clip is to be shown as a whole. One window serves all of the moment: nothing in it trembles.
    A clip that is not wider than the frame is cut about its middle. It may be hostile. Raises what `check` raises.
    """
    first = _glances(path, start, seconds, 1, check)
    if not first or shape * first[0].height / first[0].width >= SAME_SHAPE:
        return 0.5
    return place(_glances(path, start, seconds, LOOKS, check) or first, shape)


def place(looks: Sequence[Image.Image], shape: float) -> float | None:
    """The same as `window`, for frames of a moment that is wider than the frame."""
    where, held = saliency.window(_interest(looks), shape * looks[0].height / looks[0].width)
    return where if held >= ENOUGH else None


def graph(width: int, height: int, where: float | None, scaled: str) -> str:
    """The filters that make a picture fill a frame, as `window` says; `scaled` are the options of all scaling."""
    fill = f"force_original_aspect_ratio=increase:{scaled}"
    if where is not None:
        at = f"x='(iw-ow)*{where:.4f}':y='(ih-oh)*0.5'"
        return f"scale={width}:{height}:{fill},crop={width}:{height}:{at}"
    small = f"{_even(width / 8)}:{_even(height / 8)}"
    dim = f"lutyuv=y='16+(val-16)*{DIM}'"
    behind = (
        f"scale={small}:{fill},crop={small},gblur=sigma={BLUR * width / 1080:.3f},{dim},scale={width}:{height}:{scaled}"
    )
    whole = f"scale={width}:-2:{scaled}"
    over = f"overlay=x=0:y='2*trunc((H-h)*{ABOVE}/2)':format=yuv420"
    return f"format=yuv420p,split[far][near];[far]{behind}[behind];[near]{whole}[whole];[behind][whole]{over}"


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))


def _glances(
    path: Path, start: float, seconds: float, count: int, check: Callable[[object], None]
) -> list[Image.Image]:
    """Some small frames of a moment, upright; none where there is nothing to be seen."""
    rate = f"fps={count / seconds:.4f}," if count > 1 else ""
    small = f"scale={LARGEST}:{LARGEST}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    source = ffmpeg.source(path, ("-threads", "1", "-ss", f"{start:.4f}", "-t", f"{seconds:.4f}"))
    with tempfile.TemporaryDirectory(prefix="glance-") as folder:
        written = ("-map", "0:v:0", "-vf", f"{rate}scale=iw*sar:ih,setsar=1,{small}", "-frames:v", str(count))
        made = Path(folder, "glance%03d.bmp")
        try:
            encoding.encode([*source, *written, f"file:{made}"], check, limits=ffmpeg.LIMITS, seconds=ffmpeg.TIME_LIMIT)
        except encoding.EncodingFailed:
            return []
        return [Image.open(found).convert("RGB") for found in sorted(made.parent.glob("*.bmp"))]


def _interest(looks: Sequence[Image.Image]) -> np.ndarray:
    """How much there is to see in each column of a moment: what stands out, and what moves."""
    maps = [saliency.heat(look) for look in looks]
    heat = np.mean(maps, axis=0)
    moving = MOVING * _movement(looks, heat.shape)
    return saliency.interest([heat, moving], 0)


def _movement(looks: Sequence[Image.Image], shape: tuple[int, ...]) -> np.ndarray:
    """How much each field differs from what is usually there, from 0 to 1; 0 where nothing moves."""
    size = shape[1], shape[0]
    frames = np.stack([np.asarray(look.convert("L").resize(size, Image.Resampling.BOX), float) for look in looks])
    moved = np.abs(frames - np.median(frames, axis=0)).mean(axis=0)
    return moved / moved.max() if moved.max() > STILL else np.zeros(shape)
