"""A video file in, what it is made of out, in plain numbers; and what several clips share."""

import tempfile
from math import gcd
from pathlib import Path

import numpy as np

from core import ffmpeg, tempo
from core.engines import Report
from settings import Settings
from trend_insights import cache, colour, cuts, footage, form, hook, key, loudness, pace, sound, speech, text
from trend_insights.insights import CommonTempo, Shared, as_clip, common_tempo, compare
from trend_insights.moments import moments
from trend_insights.traits import MeasureRequest, Sound, Traits

__all__ = [
    "CommonTempo",
    "MeasureRequest",
    "Shared",
    "Traits",
    "as_clip",
    "beats",
    "common_tempo",
    "compare",
    "measure",
    "moments",
]

LEVELS_EVERY = 0.5  # seconds
LEAST_MUSIC = 0.1  # of the time, from which on a key is looked for
PICTURES_EVERY = 0.5  # seconds between the pictures whose colours are looked at


def measure(request: MeasureRequest, settings: Settings, report: Report) -> Traits:
    """Measure a clip, or take what is known of it from the cache.

    What cannot be told is None, never a guess. Raises EngineError where the file is no clip that can be read, and
    Cancelled when `report` does.
    """
    entry = cache.entry(request, settings)
    known = cache.load(entry, settings)
    if known:
        return known
    traits = _measure(request, report)
    cache.save(entry, traits, settings)
    return traits


def beats(samples: np.ndarray, rate: int) -> tuple[float, ...]:
    """When the beats of a piece of music fall, in seconds; empty where none is clear. `samples` are mono."""
    from scipy.signal import resample_poly

    common = gcd(rate, tempo.RATE)
    return tempo.measure(resample_poly(samples, tempo.RATE // common, rate // common).astype(np.float32))[1]


def _measure(request, report):
    path = Path(request.path)
    found = ffmpeg.probe(path)
    seconds = min(found.seconds, ffmpeg.MAX_SECONDS)
    with tempfile.TemporaryDirectory(prefix="trendtok-") as folder:
        watch, pictures = _watch(path, Path(folder), found, report)
        seconds = max(seconds, watch.seconds())  # a probe does not count how long the last frame stands
        report(3, 4, "measuring the sound")
        steps = loudness.energies(sound.chunks(Path(folder) / footage.SOUND))
        samples = sound.mono(Path(folder) / footage.SOUND)
    shots = cuts.measure(watch, seconds)
    spoken = pace.measure(request.phrases, loudness.momentary(steps))
    motion = cuts.motion_until(watch, shots.times, hook.SECONDS)
    size = (found.width, found.height) if found.has_picture else None
    return Traits(
        form=form.measure(seconds, size, watch.at, request.phrases, request.texts, shots.times),
        pace=spoken,
        cuts=shots,
        hook=hook.measure(request.phrases, request.texts, motion, steps),
        text=text.measure(request.texts if found.has_picture else None, seconds),
        sound=_hear(samples, steps, spoken.speech, seconds, shots.times),
        colour=colour.measure(pictures),
    )


def _watch(path, folder, found, report):
    """Look at every frame once; keep a picture each PICTURES_EVERY."""
    watch, pictures = cuts.Watch(found.frames_per_second or cuts.USUAL_RATE), []
    with footage.frames(path, folder, found) as frames:
        for picture in frames:
            if watch.count % 100 == 0:
                report(min(int(2 * watch.count / max(1, found.seconds * watch.fps)), 2), 4, "measuring the picture")
            if watch.count % max(1, round(PICTURES_EVERY * watch.fps)) == 0:
                pictures.append(picture)
            watch.see(picture)
    watch.end(footage.times(folder))
    return watch, pictures


def _hear(samples, steps, spoken, seconds, shots):
    heard = speech.measure(samples, steps, spoken, seconds)
    beat, beats = tempo.measure(samples)
    on_beats, follow = cuts.on_beats(shots, beats, beat)
    return Sound(
        tempo=beat,
        beats=beats,
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
