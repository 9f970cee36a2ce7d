"""A clip as a whole: its length and shape, its parts, and what it asks for."""

import math
import re
from collections.abc import Sequence

import numpy as np

from core.sentences import spans
from trend_insights.traits import Box, Form, Moment, Section

USUAL_ASPECTS = ((9, 16), (4, 5), (3, 4), (1, 1), (4, 3), (16, 9))
NEAR = 0.02  # how far a shape may be from a usual one and still is it
UNEVEN = 0.2  # from which share of the mean on frames that differ in length make a variable rate
LATEST_INTRO = 0.3  # of the clip: the first sentence or shot, if it ends by then, is the introduction
EARLIEST_ENDING = 0.6  # of the clip: what asks for something from then on begins the ending
SHORTEST = 6.0  # seconds of a clip that has parts
ASKING = re.compile(
    r"\b(?:follow (?:me|us|for|along|to)|subscribe|(?:hit|smash|tap) (?:the )?(?:like|follow|bell)|like and"
    r"|like this video"
    r"|(?:leave|drop) (?:me )?a comment|comment (?:below|your|if|which|what)|(?:let me know|tell me|tell us)"
    r"|save (?:this|it|the video)|share (?:this|it|with)|send this|tag (?:a|your|someone)"
    r"|link in (?:my |the )?(?:bio|profile)"
    r"|sign up|download (?:the|my|our|it)|swipe up|check (?:it )?out|shop (?:now|the)|buy (?:it )?now"
    r"|order (?:now|yours)"
    r"|book (?:now|your)|join (?:me|us)|try (?:it|this)|stay tuned|part (?:two|2)\b.*\b(?:follow|soon))\b",
    re.IGNORECASE,
)


def measure(
    seconds: float,
    size: tuple[int, int] | None,
    times: np.ndarray,
    phrases: Sequence[tuple[float, float, str]],
    texts: Sequence[tuple[float, float, str, Box]] | None,
    cuts: Sequence[float],
) -> Form:
    """The form of a clip: `size` in pixels, `times` of its frames and its `cuts` in seconds."""
    rate, variable = _rate(times)
    asked = _call_to_action(phrases, texts or ())
    width, height = size or (None, None)
    return Form(
        seconds=round(seconds, 2),
        width=width,
        height=height,
        aspect=_aspect(*size) if size else None,
        frames_per_second=rate,
        variable_rate=variable,
        sections=_sections(seconds, phrases, cuts, asked),
        call_to_action=asked,
        confidence=0.6,
    )


def _rate(times):
    """Frames a second, and whether they are uneven; None where there are too few frames to tell."""
    lengths = np.diff(times)
    if len(lengths) < 2 or lengths.sum() <= 0:
        return None, False
    mean = lengths.mean()
    return round(float(1 / mean), 2), bool(np.mean(np.abs(lengths - mean)) > UNEVEN * mean)


def _aspect(width, height):
    for across, down in USUAL_ASPECTS:
        if abs(width / height * down / across - 1) < NEAR:
            return f"{across}:{down}"
    divisor = math.gcd(width, height)
    return f"{width // divisor}:{height // divisor}"


def _call_to_action(phrases, texts):
    """What the clip asks for last: of what is said, else of what stands on the screen."""
    for moments in (_sentences(phrases), [(start, text) for start, _, text, _ in texts]):
        asking = [Moment(round(at, 2), text) for at, text in moments if ASKING.search(text)]
        if asking:
            return asking[-1]
    return None


def _sentences(phrases):
    """Each sentence with its time, as if the letters of a phrase took equally long."""
    for start, end, text in phrases:
        for first, after in spans(text):
            if any(map(str.isalnum, text[first:after])):
                yield start + (end - start) * first / len(text), text[first:after]


def _sections(seconds, phrases, cuts, asked):
    """Introduction, body and ending; none where the clip is too short to have parts."""
    if seconds < SHORTEST:
        return ()
    sentences = [at for at, _ in _sentences(phrases)]
    body = next((at for at in [*sentences[1:2], *cuts] if 1 <= at <= LATEST_INTRO * seconds), None)
    late = [at for at in [*sentences[-1:], *cuts[-1:]] if at >= EARLIEST_ENDING * seconds]
    ending = asked.at if asked and asked.at >= EARLIEST_ENDING * seconds else min(late, default=None)
    edges = [("intro", 0.0)] if body else []
    edges.append(("body", body or 0.0))
    edges += [("ending", ending)] if ending else []
    ends = [start for _, start in edges[1:]] + [seconds]
    return tuple(Section(name, round(start, 2), round(end, 2)) for (name, start), end in zip(edges, ends, strict=True))
