"""Which moments of a clip are worth showing again: its hook, then its longest shots, then where it is spoken."""

from itertools import pairwise

from trend_insights.traits import Traits

APART = 1.5  # seconds between two moments, at the least
AFTER_CUT = 0.1  # seconds after a cut: a transition may take some frames
PARTS = 6  # of a clip without cuts, at whose beginnings there is a moment
MOST = 12


def moments(traits: Traits) -> tuple[float, ...]:
    """Seconds of a clip, the best first, none closer than APART to another. The first is that of its hook."""
    seconds, cuts = traits.form.seconds, traits.cuts.times
    edges = [0.0, *cuts, seconds]
    longest = sorted(pairwise(edges), key=lambda shot: shot[0] - shot[1])
    shots = [start + AFTER_CUT for start, _ in longest if start]
    speech = [span.start for span in traits.pace.speech]
    parts = [seconds * part / PARTS for part in range(PARTS)]
    found: list[float] = []
    for at in [traits.hook.at or 0.0, *shots, 0.0, *speech, *parts]:
        if 0 <= at < seconds - APART and all(abs(at - other) >= APART for other in found):
            found.append(round(at, 2))
    return tuple(found[:MOST])
