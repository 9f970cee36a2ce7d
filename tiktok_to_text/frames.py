"""Takes frames out of a clip and chooses among them: those that hold all its text, and those that are good stills."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from core import ffmpeg
from core.picture_quality import clipped_share, laplacian
from core.tee import Tee

SAMPLES_A_SECOND = 3
MAX_SAMPLES = 48  # a clip; bounds the memory to 150 MB, at 1080 pixels wide
WIDEST = 1080  # pixels

SMALL_WIDTH = 270  # pixels, of the copy on which text is looked for
STROKE_CONTRAST = 34  # grey levels by which a stroke differs from what is around it
STROKE_REACH = 9  # pixels of the small copy: about the width of a letter
NEW_STROKES = 150  # pixels of the small copy: about two letters
LETTERS = (31, 9)  # pixels of the small copy, width and height: two or three letters of a caption
ALTERNATION = 0.24  # changes a pixel from which on strokes count as letters; drawn shapes and photos have less


@dataclass(frozen=True)
class Frame:
    """`at` is the time in seconds, `planes` the picture in YUV 4:2:0, shape (height * 3 / 2, width)."""

    at: float
    planes: np.ndarray
    small: np.ndarray = field(repr=False)  # a copy in grey, SMALL_WIDTH wide where the picture is wider

    @cached_property
    def strokes(self) -> np.ndarray:
        """Where the small copy has thin lines, bright and dark: see _strokes."""
        return _strokes(self.small)

    @cached_property
    def widened(self) -> np.ndarray:
        """The strokes and the points next to them."""
        import cv2

        wide = [cv2.dilate(plane.view(np.uint8), np.ones((3, 3), np.uint8)) for plane in self.strokes]
        return np.stack(wide).view(bool)

    def colours(self) -> np.ndarray:
        """The picture as BGR, shape (height, width, 3)."""
        import cv2

        return cv2.cvtColor(self.planes, cv2.COLOR_YUV2BGR_I420)


def step(seconds: float) -> float:
    """The seconds between two of the frames that are taken of a clip of so many seconds."""
    return max(1 / SAMPLES_A_SECOND, seconds / MAX_SAMPLES)


def filters(seconds: float) -> str:
    """ffmpeg's filters that take frames of a clip that lasts `seconds`, evenly spread, at most WIDEST pixels wide."""
    size = f"scale='max(2,trunc(min({WIDEST},iw)/2)*2)':'max(2,trunc(ow/a/2)*2)':flags=area"
    return f"fps={1 / step(seconds):.4f}:eof_action=pass,{size},format=yuv420p"


def sample(path: Path, seconds: float, tee: Tee | None = None) -> Iterator[Frame]:
    """Yield frames of the clip at `path`, which lasts `seconds`, evenly spread, at most MAX_SAMPLES.

    They are those that somebody else's pass over the clip has written for a tee of `filters`, where it could. Else one
    run of ffmpeg decodes the clip; it skips the frames on which no other frame is built, which halves its time.
    """
    with _written(tee) or _decoded(path, seconds) as stream:
        width, height = _size(stream.readline())
        for number in range(MAX_SAMPLES):
            content = stream.read(width * height * 3 // 2) if stream.readline().startswith(b"FRAME") else b""
            if not content or len(content) < width * height * 3 // 2:
                return
            planes = np.frombuffer(content, np.uint8).reshape(height * 3 // 2, width)
            yield Frame(number * step(seconds), planes, _small(planes[:height]))


def _written(tee):
    return tee.file.open("rb") if tee and tee.written.result() else None


def _decoded(path, seconds):
    wanted = ("-map", "0:v:0", "-an", "-vf", filters(seconds), "-f", "yuv4mpegpipe", "-")
    return ffmpeg.pipe(path, ("-threads", "1", "-skip_frame", "noref"), wanted)


def _size(header):
    """Width and height from the first line of a YUV4MPEG2 stream (see yuv4mpeg(5))."""
    sizes = {word[:1]: word[1:] for word in header.split()[1:]}
    return int(sizes.get(b"W", 0)), int(sizes.get(b"H", 0))


def _small(grey):
    import cv2

    height, width = grey.shape
    small_size = (min(width, SMALL_WIDTH), max(1, round(height * min(1, SMALL_WIDTH / width))))
    return cv2.resize(grey, small_size, interpolation=cv2.INTER_AREA)


def _strokes(small):
    """Mark what differs much from its surroundings, as letters do, on a grey picture: shape (2, height, width).

    Bright and dark marks are kept apart, since letters with an outline would otherwise fill their line.
    """
    import cv2

    around = cv2.blur(small, (STROKE_REACH, STROKE_REACH))
    return np.stack([cv2.subtract(small, around), cv2.subtract(around, small)]) > STROKE_CONTRAST


def with_all_text(samples: list[Frame], most: int) -> list[Frame]:
    """Choose at most `most` frames, in order of time, that together show all the text in `samples`.

    The frame with most text that no chosen frame has is taken, again and again, until what is left is a letter or two.
    """
    if not samples:
        return []
    texts = np.stack([np.packbits(text_like(strokes)) for strokes in _standing(samples)])
    unseen = _marks(texts)
    chosen: list[int] = []
    while len(chosen) < min(most, len(samples)):
        best = int(np.argmax(unseen))
        if chosen and unseen[best] < NEW_STROKES:
            break
        chosen.append(best)
        # What is left of a frame is what its most similar chosen frame lacks, not what all of them lack together:
        # two captions in the same place share many pixels with a third.
        unseen = np.minimum(unseen, _marks(texts & ~texts[best]))
    return [samples[index] for index in sorted(chosen)]


def _marks(bits):
    """How many bits are set in each row of bytes."""
    return np.bitwise_count(bits).sum(axis=1, dtype=np.int64)


def _standing(samples):
    """Of each frame, the strokes that both its neighbours have in the same place, since text stands for a moment."""
    for index, frame in enumerate(samples):
        neighbours = samples[max(0, index - 1) : index] + samples[index + 1 : index + 2]
        yield np.logical_and.reduce([frame.strokes, *(other.widened for other in neighbours)])


def text_like(strokes: np.ndarray) -> np.ndarray:
    """The `strokes` of a frame where bright and dark alternate fast from left to right, as along a line of letters."""
    import cv2

    changes = np.zeros(strokes.shape[1:], np.uint8)
    bright, dark = (strokes[:, :, 1:] ^ strokes[:, :, :-1]).view(np.uint8)
    changes[:, 1:] = bright + dark
    around = cv2.boxFilter(changes, cv2.CV_16U, LETTERS, normalize=False)
    return strokes & (around > ALTERNATION * LETTERS[0] * LETTERS[1])


def stills(samples: list[Frame], text_areas: list[tuple[float, float, float, float]], most: int) -> list[bytes]:
    """Choose at most `most` frames for a cover and return them as JPEG, those with the least text first.

    `text_areas` are left, top, right and bottom of where text was found in any frame, from 0 to 1. Sharp and well
    exposed frames are preferred, and the second one is taken from another part of the clip.
    """
    if not samples:
        return []
    merits = [_merit(frame, text_areas) for frame in samples]
    apart = (samples[-1].at - samples[0].at) / 4
    chosen: list[int] = []
    for index in sorted(range(len(samples)), key=lambda index: -merits[index]):
        if all(abs(samples[index].at - samples[other].at) > apart for other in chosen):
            chosen.append(index)
        if len(chosen) == most:
            break
    return [_jpeg(samples[index]) for index in chosen]


def _merit(frame, text_areas):
    """How well a frame serves as a cover: its sharpness times its exposure, much less where text covers it."""
    import cv2

    small = frame.small
    height, width = small.shape
    text = np.zeros((height, width), bool)
    for left, top, right, bottom in text_areas:
        text[int(top * height) : int(bottom * height) + 1, int(left * width) : int(right * width) + 1] = True
    covered = np.mean(frame.strokes & text)
    _, deviation = cv2.meanStdDev(laplacian(small), mask=(~text).view(np.uint8))
    sharpness = np.log1p(float(deviation[0, 0]) ** 2)
    exposure = max(0.05, 1 - abs(small.mean() - 120) / 120 - clipped_share(small, 12, 243))
    return (0.1 + sharpness) * exposure / (1 + 100 * covered)


def _jpeg(frame):
    import cv2

    return cv2.imencode(".jpg", frame.colours(), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
