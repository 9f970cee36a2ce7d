"""At which height captions stand: where they usually do, or nearest to it where they cover no face."""

from collections.abc import Sequence

from animate_text.caption_pages import Box

SHARE = 0.86  # of the box's height: where the middle of the captions is, as far as they fit

Area = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the frame


def middle(box: Box, sizes: Sequence[tuple[float, float]], faces: Sequence[Area]) -> float:
    """The middle of captions, in pixels from the top of the frame; within the box, also when they move.

    `sizes` are the room that is wanted for them, width and height, and then their own, which must be in the box. Where
    every height covers a face, they stand where they usually do.
    """
    heights = [_free(box, *size, faces) for size in sizes]
    return next((y for y in heights if y is not None), _usual(box, sizes[-1][1]))


def _usual(box: Box, height: float) -> float:
    return max(min(box.top + SHARE * (box.bottom - box.top), box.bottom - height / 2), box.top + height / 2)


def _free(box: Box, width: float, height: float, faces: Sequence[Area]) -> float | None:
    """The middle nearest to the usual one at which something of this size covers no face."""
    usual, lowest, highest = _usual(box, height), box.bottom - height / 2, box.top + height / 2
    left, right = box.centre - width / 2, box.centre + width / 2
    taken = [(f[1] - height / 2, f[3] + height / 2) for f in faces if f[0] < right and f[2] > left]
    heights = [usual, *(edge for pair in taken for edge in pair)]
    free = [y for y in heights if highest <= y <= lowest and not any(top < y < bottom for top, bottom in taken)]
    return min(free, key=lambda y: abs(y - usual), default=None)
