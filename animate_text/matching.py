"""Which picture or moment goes with which line of a script: one where the same was said or shown, or nearly so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from animate_text.storyboard import Footage, Moment, in_turn
from core import embeddings
from core.engines import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLEAR = 0.35  # cosine of two sentences, from which on they speak of the same: unlike ones of one topic stay below


def pairs(lines: Sequence[str], said: Sequence[Sequence[str]]) -> dict[int, int]:
    """For each line that something clearly goes with, its number; nothing goes with two lines, the nearest come first.

    `said` has the sentences that go with each thing: what counts is the nearest of them.
    """
    near = _nearness(lines, said)
    found: dict[int, int] = {}
    nearest_first = sorted((-cosine, line, thing) for line in near for thing, cosine in near[line].items())
    for _, line, thing in nearest_first:
        if line not in found and thing not in found.values():
            found[line] = thing
    return found


def pictures_for(lines: Sequence[str], said: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The name of a picture for each line: the one that suits it, else the one that was not shown for longest.

    None is shown more than twice in a row. The first line has the first picture: a draft opens with it.
    """
    names, order = tuple(said), list[str]()
    near = _nearness(lines, list(said.values()))
    for line in range(len(lines) if names else 0):
        shown = {name: number for number, name in enumerate(order)}
        free = [name for name in names if order[-2:] != [name, name]] or list(names)
        suiting = [name for name in free if line and names.index(name) in near.get(line, {})]
        nearest = max(suiting, key=lambda name: near[line][names.index(name)], default="")
        order.append(nearest or min(free, key=lambda name: shown.get(name, -1)))
    return tuple(order)


def moments_for(lines: Sequence[str], footage: Sequence[Footage]) -> tuple[Moment | None, ...]:
    """The moment of a clip with which each line begins, None where none is left; none is shown twice.

    A line that no moment suits has the one whose turn it is.
    """
    usual = in_turn(footage)
    said = {(clip.name, at): words for clip in footage for at, words in zip(clip.moments, clip.said, strict=False)}
    suits = pairs(lines, [said.get(moment, ()) for moment in usual])
    free = iter([moment for number, moment in enumerate(usual) if number not in suits.values()])
    return tuple(usual[suits[line]] if line in suits else next(free, None) for line in range(len(lines)))


def _nearness(lines: Sequence[str], said: Sequence[Sequence[str]]) -> dict[int, dict[int, float]]:
    """How near each line and each thing are to one another, where they clearly are."""
    sentences = [sentence for there in said for sentence in there]
    if not sentences or not lines:
        return {}
    try:
        vectors = embeddings.embed([*lines, *sentences])
    except EngineError:  # no model: pictures come in their turn
        return {}
    cosines: NDArray[np.float32] = vectors[: len(lines)] @ vectors[len(lines) :].T
    near: dict[int, dict[int, float]] = {line: {} for line in range(len(lines))}
    first = 0
    for thing, there in enumerate(said):
        last = first + len(there)
        for line in range(len(lines)) if there else ():
            nearest = float(cosines[line, first:last].max())
            if nearest >= CLEAR:
                near[line][thing] = nearest
        first = last
    return near
