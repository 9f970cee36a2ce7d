"""How much text stands on the screen, where, and for how long."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from trend_insights.pace import count_words
from trend_insights.traits import Box, Span, Text

ROWS, COLUMNS = 16, 9  # fields of the map
MAX_WIDTH_WITHOUT = 0.02  # seconds between two texts that count as no gap


def measure(texts: Sequence[tuple[float, float, str, Box]] | None, seconds: float) -> Text:
    """The text on the screen of a clip that lasts `seconds`; `texts` are (start, end, text, box)."""
    if texts is None or not seconds:
        return Text(None, None, None, None, (), (), 0.0)
    shown = sorted((max(0.0, start), min(end, seconds), text, box) for start, end, text, box in texts)
    shown = [one for one in shown if one[1] > one[0]]
    if not shown:
        return Text(0.0, None, None, None, (), (), 0.8)
    spans = _united([(start, end) for start, end, _, _ in shown])
    words, sizes = _at_once(shown)
    return Text(
        share=round(sum(span.end - span.start for span in spans) / seconds, 3),
        first_at=spans[0].start,
        words=words,
        size=sizes,
        places=_map(shown, seconds),
        spans=spans,
        confidence=0.8,
    )


def common(places: Sequence[tuple[tuple[float, ...], ...]]) -> tuple[tuple[float, ...], ...]:
    """The mean of the maps of those clips that have text; empty where none has."""
    known = [rows for rows in places if rows]
    return tuple(tuple(round(float(value), 3) for value in row) for row in np.mean(known, axis=0)) if known else ()


def _united(spans):
    """Stretches of time without overlaps."""
    found: list[list[float]] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= MAX_WIDTH_WITHOUT:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return tuple(Span(round(start, 2), round(end, 2)) for start, end in found)


def _at_once(shown):
    """How many words stand there at once, and how high a line is: medians over the time in which there is text."""
    edges = sorted({moment for start, end, _, _ in shown for moment in (start, end)})
    words, sizes, lasting = [], [], []
    for begin, end in pairwise(edges):
        there = [(text, box) for first, last, text, box in shown if first <= begin and last >= end]
        if there:
            words.append(sum(count_words(text) for text, _ in there))
            sizes.append(float(np.median([box[3] - box[1] for _, box in there])))
            lasting.append(end - begin)
    return _median(words, lasting), round(_median(sizes, lasting), 3)


def _median(values, weights):
    """The value in whose favour half of the weight is."""
    order = np.argsort(values)
    reached = np.cumsum(np.array(weights)[order])
    return float(np.array(values)[order][np.searchsorted(reached, reached[-1] / 2)])


def _map(shown, seconds):
    """For each field of the frame, the share of the time in which text covers its middle."""
    fields = np.zeros((ROWS, COLUMNS))
    down, across = (np.arange(ROWS) + 0.5) / ROWS, (np.arange(COLUMNS) + 0.5) / COLUMNS
    for start, end, _, (left, top, right, bottom) in shown:
        # At least one field each way: a line may be thinner than the distance of two middles.
        rows = (down >= top) & (down <= bottom) | (np.abs(down - (top + bottom) / 2) <= 0.5 / ROWS)
        columns = (across >= left) & (across <= right) | (np.abs(across - (left + right) / 2) <= 0.5 / COLUMNS)
        fields[np.ix_(rows, columns)] += (end - start) / seconds
    return tuple(tuple(round(min(1.0, float(value)), 3) for value in row) for row in fields)
