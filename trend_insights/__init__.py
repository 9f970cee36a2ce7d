"""A video file in, what it is made of out, in plain numbers; and what several clips share."""

from importlib import import_module
from math import gcd
from pathlib import Path

import numpy as np

from core import tempo
from core.engines import Report
from settings import Settings
from trend_insights import cache, cuts, form, hook, key, loudness, pace, speech, text
from trend_insights.insights import CommonTempo, Shared, as_clip, common_tempo, compare
from trend_insights.moments import moments
from trend_insights.observed import Observed, observe
from trend_insights.traits import MeasureRequest, Sound, Traits

__all__ = [
    "CommonTempo",
    "MeasureRequest",
    "Observed",
    "Shared",
    "Traits",
    "as_clip",
    "beats",
    "common_tempo",
    "compare",
    "measure",
    "moments",
    "observe",
    "warm",
]

LIBRARIES = ("cv2", "scenedetect", "scipy.cluster.vq", "scipy.ndimage", "scipy.signal", "scipy.stats")
LEVELS_EVERY = 0.5  # seconds
LEAST_MUSIC = 0.1  # of the time, from which on a key is looked for


def measure(request: MeasureRequest, settings: Settings, report: Report, observed: Observed | None = None) -> Traits:
    """Measure a clip, or take what is known of it from the cache. `observed` is what `observe` gave, if it was asked.

    What cannot be told is None, never a guess. Raises EngineError where the file is no clip that can be read, and
    Cancelled when `report` does.
    """
    entry = cache.entry(request, settings)
    known = cache.load(entry, settings)
    if known:
        return known
    traits = _measure(request, observed or observe(Path(request.path), report))
    cache.save(entry, traits, settings)
    return traits


def warm() -> None:
    """Import what measuring takes from others, which takes a second or two."""
    for name in LIBRARIES:
        import_module(name)


def beats(samples: np.ndarray, rate: int) -> tuple[float, ...]:
    """When the beats of a piece of music fall, in seconds; empty where none is clear. `samples` are mono."""
    from scipy.signal import resample_poly

    common = gcd(rate, tempo.RATE)
    return tempo.measure(resample_poly(samples, tempo.RATE // common, rate // common).astype(np.float32))[1]


def _measure(request, observed):
    shots, watch, steps = observed.shots, observed.watch, observed.steps
    spoken = pace.measure(request.phrases, loudness.momentary(steps))
    motion = cuts.motion_until(watch, shots.times, hook.SECONDS)
    size, seconds = observed.size, observed.seconds
    return Traits(
        form=form.measure(seconds, size, watch.at, request.phrases, request.texts, shots.times),
        pace=spoken,
        cuts=shots,
        hook=hook.measure(request.phrases, request.texts, motion, steps, spoken.first_word_at),
        text=text.measure(request.texts if size else None, seconds),
        sound=_hear(observed, spoken.speech),
        colour=observed.colour,
    )


def _hear(observed, spoken):
    samples, steps = observed.samples, observed.steps
    heard = speech.measure(samples, steps, spoken, observed.seconds, observed.playing)
    on_beats, follow = cuts.on_beats(observed.shots.times, observed.beats, observed.beat)
    return Sound(
        tempo=observed.beat,
        beats=observed.beats,
        key=key.measure(samples) if (heard.music_share or 0) > LEAST_MUSIC else None,
        loudness_lufs=loudness.integrated(steps),
        levels=loudness.levels(steps, LEVELS_EVERY),
        speech_share=heard.speech_share,
        music_share=heard.music_share,
        speech_over_music=heard.speech_over_music,
        cuts_on_beats=on_beats,
        cuts_follow_beats=follow,
        confidence=heard.confidence,
    )
