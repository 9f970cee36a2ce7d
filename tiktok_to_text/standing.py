"""For how long the text that was read in some frames of a clip stands there."""

from collections.abc import Sequence

import numpy as np

from tiktok_to_text.frames import Frame, text_like
from tiktok_to_text.video_text import Box, ScreenText

SAME = 0.4  # of a text's strokes, beyond what chance gives, that another frame must have to show the same text
AS_MUCH = 0.4  # of a text's strokes, as many of which that stand in its place are some other text
FEWEST = 12  # strokes, in pixels of the small copy, that a text can be followed by


def follow(samples: Sequence[Frame], read: Sequence[tuple[float, str, Box]], step: float) -> tuple[ScreenText, ...]:
    """From when to when each text in `read` (time of its frame, text, box) stands in `samples`, `step` seconds apart.

    Where texts were read, and other strokes like text stand at another time, there is a text that nobody read: it is
    given as "".
    """
    at = {frame.at: number for number, frame in enumerate(samples)}
    wide = [frame.widened for frame in samples]
    like = [text_like(frame.strokes) for frame in samples]
    found, taken = [], np.zeros(len(samples), bool)
    for time, text, box in read:
        first, last = _span(at[time], box, like, wide)
        taken[first : last + 1] = True
        found.append(_stands(samples, first, last, step, text, box))
    for time, _, box in read:
        for first, last in _unread(at[time], box, like, wide, taken):
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


def _agreement(strokes, wide):
    """The share of some strokes that are in other, widened ones, less what chance would put there: 1 for all, 0 for it.

    Over a busy picture much of the place is covered by some stroke in every frame. (Cohen's kappa, in other words.)
    """
    count, chance = np.count_nonzero(strokes), np.mean(wide)
    return (np.count_nonzero(strokes & wide) / count - chance) / (1 - chance) if count and chance < 1 else 0.0


def _own(number, place, like, wide):
    """The strokes of a frame that are a text's: those that the neighbour more like it has too, if it stands."""
    strokes = like[number][place]
    beside = [n for n in (number - 1, number + 1) if 0 <= n < len(like)]
    best = max(beside, key=lambda n: _agreement(strokes, wide[n][place]), default=number)
    if _agreement(strokes, wide[best][place]) < SAME:
        return np.zeros_like(strokes)
    return strokes & wide[best][place]


def _span(number, box, like, wide):
    """The first and the last sample in a row, around the one that was read, that show the same text."""
    place = _place(box, like[number].shape[1:])
    strokes = _own(number, place, like, wide)
    if np.count_nonzero(strokes) < FEWEST:  # it was there for one sample
        return [number, number]
    ends = []
    for way in (-1, 1):
        last = number
        while 0 <= last + way < len(like):
            if _agreement(strokes, wide[last + way][place]) < SAME:
                break
            last += way
        ends.append(last)
    return ends


def _unread(number, box, like, wide, taken):
    """Rows of samples without any text so far that have as much like text in the place of a text, and that stands."""
    place = _place(box, like[number].shape[1:])
    count = np.count_nonzero(_own(number, place, like, wide))
    others = [np.count_nonzero(_own(n, place, like, wide)) for n in range(len(like))]
    there = [count >= FEWEST and other >= AS_MUCH * count for other in others] & ~taken
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(int), [0]])))
    return [(first, last - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]
