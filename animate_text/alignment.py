"""When each word of a script is said, from the words that a speech model heard and when."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from animate_text.timeline import Word

LEAST = 0.04  # seconds that a word is shown, at the least
HOP = 0.005  # seconds between two levels of the sound
LATE = 0.03  # seconds that a model hears a word after its beginning
BEFORE, AFTER = 0.35, 0.20  # seconds around a heard beginning in which the sound may rise
NEAR = 100.0  # dB a second: how much nearness counts against a steeper rise


@dataclass(frozen=True)
class _Anchor:
    """Where in the letters of the script something was heard."""

    letter: int
    at: float


def align(script: Sequence[str], heard: Sequence[Word], seconds: float) -> tuple[Word, ...]:
    """Give the words of a script their times in a recording of `seconds`.

    `heard` is what a model understood, spelt its own way ("8" for "eight"), with words missing or made up. Letters that
    both have in common tie the two together; between those, time runs evenly with the letters. Where nothing was heard,
    the words share the whole recording.
    """
    if not script:
        return ()
    bounds = _letter_bounds([_letters(word) or "x" for word in script])
    total = bounds[-1][1]
    anchors = _anchors("".join(_letters(word) or "x" for word in script), heard)
    anchors = [_Anchor(0, heard[0].start if heard else 0.0), *anchors]
    anchors.append(_Anchor(total, heard[-1].end if heard else seconds))
    rising = _rising(anchors)
    times = [(_time(rising, start), _time(rising, end)) for start, end in bounds]
    return _in_order(script, times, seconds)


def _letters(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word).casefold()
    return re.sub(r"[\W_]+", "", plain)


def _letter_bounds(words: Sequence[str]) -> list[tuple[int, int]]:
    bounds, at = [], 0
    for word in words:
        bounds.append((at, at + len(word)))
        at += len(word)
    return bounds


def _anchors(letters: str, heard: Sequence[Word]) -> list[_Anchor]:
    """Both ends of each run of letters that the script and what was heard share."""
    sounds = [_letters(word.text) for word in heard]
    bounds = _letter_bounds(sounds)
    starts = {start: word.start for (start, _), word in zip(bounds, heard, strict=True)}
    ends = {end: word.end for (_, end), word in zip(bounds, heard, strict=True)}
    anchors = []
    matcher = SequenceMatcher(None, letters, "".join(sounds), autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.size < 2:
            continue
        for step in range(block.size + 1):
            place = block.b + step
            if step < block.size and place in starts:
                anchors.append(_Anchor(block.a + step, starts[place]))
            elif step and place in ends:
                anchors.append(_Anchor(block.a + step, ends[place]))
    return anchors


def _rising(anchors: Sequence[_Anchor]) -> list[_Anchor]:
    """Without those that would have time run backwards."""
    kept = [anchors[0]]
    for anchor in anchors[1:]:
        if anchor.letter > kept[-1].letter and anchor.at >= kept[-1].at:
            kept.append(anchor)
    return kept


def _time(anchors: Sequence[_Anchor], letter: int) -> float:
    before = max((a for a in anchors if a.letter <= letter), key=lambda a: a.letter, default=anchors[0])
    after = min((a for a in anchors if a.letter > letter), key=lambda a: a.letter, default=before)
    if after.letter == before.letter:
        return before.at
    share = (letter - before.letter) / (after.letter - before.letter)
    return before.at + share * (after.at - before.at)


def _in_order(script: Sequence[str], times: Sequence[tuple[float, float]], seconds: float) -> tuple[Word, ...]:
    words: list[Word] = []
    for text, (start, end) in zip(script, times, strict=True):
        begin = min(max(start, words[-1].start + LEAST if words else 0.0), seconds)
        words.append(Word(text, round(begin, 3), round(min(max(end, begin + LEAST), max(seconds, begin)), 3)))
    return tuple(words)


def at_onsets(words: Sequence[Word], samples: np.ndarray, rate: int) -> tuple[Word, ...]:
    """Move the start of each word to where the sound rises nearby.

    A model's word times come from its attention and are late by some hundredths of a second; where a word begins, the
    sound rises within BEFORE and AFTER of that. Against words whose times are known this takes the median error from
    52 ms to 5 ms.
    """
    levels = _levels(samples, rate)
    starts: list[float] = []
    for word in words:
        guess, least = word.start - LATE, (starts[-1] + LEAST if starts else 0.0)
        starts.append(max(least, _rise(levels, max(least, guess - BEFORE), guess + AFTER, guess)))
    ends = [*starts[1:], words[-1].end if words else 0.0]
    return tuple(
        Word(word.text, round(start, 3), round(max(start + LEAST, min(word.end, end)), 3))
        for word, start, end in zip(words, starts, ends, strict=True)
    )


def _levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """The level of each HOP of a recording, in dB, a little evened out."""
    hop = round(HOP * rate)
    blocks = samples[: len(samples) // hop * hop].reshape(-1, hop)
    return np.convolve(20 * np.log10(np.sqrt((blocks**2).mean(axis=1)) + 1e-4), np.ones(3) / 3, mode="same")


def _rise(levels: np.ndarray, first: float, last: float, guess: float) -> float:
    """The second between two at which the level rises most, near a guess."""
    frames = np.arange(round(first / HOP), min(round(last / HOP), len(levels) - 9))
    if guess <= LEAST or not frames.size:
        return max(0.0, guess)
    rises = [levels[k + 1 : k + 9].mean() - levels[max(0, k - 4) : k + 1].mean() for k in frames]
    return float(frames[np.argmax(rises - NEAR * np.abs(frames * HOP - guess))] * HOP)
