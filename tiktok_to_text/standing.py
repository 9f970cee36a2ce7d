"""For how long the text that was read in some frames of a clip stands there."""

from collections.abc import Sequence

import numpy as np

from tiktok_to_text.frames import Frame, text_like, widened
from tiktok_to_text.video_text import Box, ScreenText

SAME = 0.6  # of a text's strokes that another frame must have in their place to show the same text
AS_MUCH = 0.6  # of a text's strokes, as many of which in its place are some other text
FEWEST = 12  # strokes, in pixels of the small copy, that a text can be followed by


def follow(samples: Sequence[Frame], read: Sequence[tuple[float, str, Box]], step: float) -> tuple[ScreenText, ...]:
    """From when to when each text in `read` (time of its frame, text, box) stands in `samples`, `step` seconds apart.

    Where texts were read, and other strokes like text stand at another time, there is a text that nobody read: it is
    given as "".
    """
    at = {frame.at: number for number, frame in enumerate(samples)}
    wide = [widened(frame.strokes) for frame in samples]
    like = [text_like(frame.strokes) for frame in samples]
    found, taken = [], np.zeros(len(samples), bool)
    for time, text, box in read:
        first, last = _span(at[time], box, like, wide)
        taken[first : last + 1] = True
        found.append(_stands(samples, first, last, step, text, box))
    for time, _, box in read:
        for first, last in _unread(at[time], box, like, taken):
            taken[first : last + 1] = True
            found.append(_stands(samples, first, last, step, "", box))
    return tuple(sorted(found, key=lambda one: one.start))


def _stands(samples, first, last, step, text, box):
    # ffmpeg's fps filter gives the picture of half a step later than the frame's time.
    return ScreenText(round(samples[first].at, 3), round(samples[last].at + step, 3), text, box)


def _place(box, shape):
    """The part of a mask that a box covers."""
    (left, top, right, bottom), (height, width) = box, shape
    return np.s_[:, int(top * height) : int(bottom * height) + 1, int(left * width) : int(right * width) + 1]


def _span(number, box, like, wide):
    """The first and the last sample in a row, around the one that was read, that show the same text."""
    place = _place(box, like[number].shape[1:])
    strokes = like[number][place]
    count = np.count_nonzero(strokes)
    ends = []
    for way in (-1, 1):
        last = number
        while count >= FEWEST and 0 <= last + way < len(like):
            if np.count_nonzero(strokes & wide[last + way][place]) < SAME * count:
                break
            last += way
        ends.append(last)
    return ends


def _unread(number, box, like, taken):
    """Rows of samples without any text so far that have as much like text in the place of a text."""
    place = _place(box, like[number].shape[1:])
    count = np.count_nonzero(like[number][place])
    there = [count >= FEWEST and np.count_nonzero(marks[place]) >= AS_MUCH * count for marks in like] & ~taken
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(int), [0]])))
    return [(first, last - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]
