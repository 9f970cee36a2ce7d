"""How fast one speaks, and when one does not."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from trend_insights.loudness import STEP
from trend_insights.traits import Pace, Span

QUIET = 18.0  # LU under what is usual while one speaks, from which on one does not
LEAST_QUIET = 6.0  # the same where there is music: that far down is the way to its level at least
WAY_DOWN = 0.6  # of the way from the level while one speaks to that of the rest, at which one does not
ENOUGH_REST = 5  # blocks in which nobody speaks, that tell the level of the rest
SHORTEST_PAUSE = 0.3  # seconds, between words
SHORTEST_EDGE = 0.1  # seconds, before the first word of a phrase or after its last
FEW_WORDS = 12  # words from which on the pace is sure


def count_words(text: str) -> int:
    """Words as one says them: letters and digits with what joins them, "don't" and "8" being one each."""
    return len(re.findall(r"\w+(?:['’.,]\w+)*", text))


def measure(phrases: Sequence[tuple[float, float, str]], levels: np.ndarray) -> Pace:
    """The pace of `phrases`: (start, end, text), in seconds.

    `levels` is the momentary loudness each STEP, in LUFS: where it falls, a phrase has a pause that its times do not
    tell. Nothing said gives no words, not a pace of 0.
    """
    words = sum(count_words(text) for _, _, text in phrases)
    speech = _speech([(start, end) for start, end, text in phrases if count_words(text)], levels)
    if not (words and speech):
        return Pace(0, None, None, None, (), 1.0)
    first, last = speech[0].start, speech[-1].end
    gaps = [later.start - earlier.end for earlier, later in pairwise(speech)]
    return Pace(
        words=words,
        words_per_minute=round(60 * words / (last - first), 1) if last - first > 1 else None,
        first_word_at=round(first, 2),
        longest_silence=round(max([0.0, *gaps]), 2),
        speech=speech,
        confidence=round(min(1.0, words / FEW_WORDS) * 0.9, 2),
    )


def _speech(phrases, levels):
    """When one speaks: the phrases without the pauses in them."""
    times = (np.arange(len(levels)) + 2) * STEP  # the middle of each block of 400 ms
    spoken = np.zeros(len(levels), bool)
    for start, end in phrases:
        spoken |= (times >= start) & (times <= end)
    if not spoken.any():
        return tuple(Span(round(start, 2), round(end, 2)) for start, end in phrases)
    quiet = levels < _threshold(levels[spoken], levels[~spoken])
    found: list[tuple[float, float]] = []
    for start, end in phrases:
        inside = (times >= start) & (times <= end)
        found += _parts(start, end, times[inside], quiet[inside])
    return tuple(Span(round(float(start), 2), round(float(end), 2)) for start, end in found if end > start)


def _threshold(speech, rest):
    """The level under which nobody speaks, by those while one does and those of the rest, which may have music."""
    heard, rest = speech[np.isfinite(speech)], rest[np.isfinite(rest)]
    if not len(heard):
        return -np.inf
    usual = float(np.median(heard))
    if len(rest) < ENOUGH_REST:
        return usual - QUIET
    return usual - float(np.clip(WAY_DOWN * (usual - np.median(rest)), LEAST_QUIET, QUIET))


def _parts(start, end, times, quiet):
    """The stretch from `start` to `end` without what is quiet for long."""
    parts, begin = [], start
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        # A block counts as quiet only where all of its 400 ms are: the pause is that much longer.
        pause_start = start if first == 0 else times[first] - 2 * STEP
        pause_end = end if last == len(times) else times[last - 1] + 2 * STEP
        at_edge = first == 0 or last == len(times)
        if pause_end - pause_start >= (SHORTEST_EDGE if at_edge else SHORTEST_PAUSE):
            parts.append((begin, max(begin, pause_start)))
            begin = pause_end
    return [part for part in [*parts, (begin, end)] if part[1] - part[0] > 0.05]
