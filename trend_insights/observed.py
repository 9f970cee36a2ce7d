"""What a clip shows and how it sounds: all that can be measured before anybody knows what is said in it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import ffmpeg, tempo
from core.engines import Report
from core.tee import Tee
from core.tempo import Tempo
from trend_insights import colour, cuts, footage, loudness, sound, speech
from trend_insights.traits import Colour, Cuts

PICTURES_EVERY = 0.5  # seconds between the pictures whose colours are looked at
MAX_TEED = 120  # seconds of a clip; who reads a longer one does not wait until all of it was seen


@dataclass(frozen=True, eq=False)
class Observed:
    """`steps` are the sound's loudness.energies, `samples` its mono at core.tempo.RATE, `playing` speech.playing's."""

    seconds: float
    size: tuple[int, int] | None  # pixels; None without a picture
    watch: cuts.Watch
    shots: Cuts
    colour: Colour
    steps: np.ndarray
    samples: np.ndarray
    playing: np.ndarray
    beat: Tempo | None
    beats: tuple[float, ...]


def observe(path: Path, report: Report, tee: Tee | None = None) -> Observed:
    """Look at every frame of the clip at `path` and listen to all of it, in one pass of ffmpeg.

    What the tee wants is written meanwhile, if there is room for it; whoever waits for it is told in any case. Raises
    EngineError where the file is no clip that can be read, and Cancelled when `report` does.
    """
    try:
        found = ffmpeg.probe(path)
        if tee and (found.seconds > MAX_TEED or not tee.has_room()):
            tee.written.set_result(False)
            tee = None
        return _observe(path, found, report, tee)
    finally:
        if tee and not tee.written.done():
            tee.written.set_result(False)


def _observe(path, found, report, tee):
    with tempfile.TemporaryDirectory(prefix="trendtok-") as folder:
        try:
            watch, pictures = _watch(path, Path(folder), found, report, tee)
        except footage.TeeFailed:
            watch, pictures = _watch(path, Path(folder), found, report, None)
        report(3, 4, "measuring the sound")
        steps = loudness.energies(sound.chunks(Path(folder) / footage.SOUND))
        samples = sound.mono(Path(folder) / footage.SOUND)
    # A probe does not count how long the last frame stands.
    seconds = max(min(found.seconds, ffmpeg.MAX_SECONDS), watch.seconds())
    beat, beats = tempo.measure(samples)
    return Observed(
        seconds=seconds,
        size=(found.width, found.height) if found.has_picture else None,
        watch=watch,
        shots=cuts.measure(watch, seconds),
        colour=colour.measure(pictures),
        steps=steps,
        samples=samples,
        playing=speech.playing(samples),
        beat=beat,
        beats=beats,
    )


def _watch(path, folder, found, report, tee):
    """Look at every frame once; keep a picture each PICTURES_EVERY."""
    watch, pictures = cuts.Watch(found.frames_per_second or cuts.USUAL_RATE), []
    with footage.frames(path, folder, found, tee) as frames:
        for picture in frames:
            if watch.count % 100 == 0:
                report(min(int(2 * watch.count / max(1, found.seconds * watch.fps)), 2), 4, "measuring the picture")
            if watch.count % max(1, round(PICTURES_EVERY * watch.fps)) == 0:
                pictures.append(picture)
            watch.see(picture)
    watch.end(footage.times(folder))
    return watch, pictures
