"""A description in, a piece of music out."""

from collections.abc import Sequence
from functools import partial

import engines
from music_gen import composer, musicgen
from music_gen.track import Track
from pools import Together
from settings import MUSIC_LONGEST, MUSIC_STEP, Settings

__all__ = ["ENGINES", "Track", "generate", "warm"]

ENGINES = {"musicgen": musicgen.ENGINE, "composer": composer.ENGINE}


def generate(
    prompt: str, seconds: int, seed: int, settings: Settings, report: engines.Report = engines.silent
) -> engines.Answer:
    """Make music for a description with the first of `settings.music_engines` that works.

    `seconds` is a multiple of 5, from 5 to 60; `seed` any whole number. The answer's value is a Track that lasts
    `seconds` to the sample; what the composer makes also loops without a seam. Raises ValueError for another length,
    engines.NoneWorked when no engine answers; engines.Cancelled goes through.

    On an executor that can (pools.BatchingExecutor), calls that wait for MusicGen are made together.
    """
    return _generate(ENGINES, prompt, seconds, seed, settings, report)


def warm(settings: Settings) -> None:
    """Start to load the model in the background, where the settings have it answer first. Returns at once."""
    if _is_first(settings):
        musicgen.load(settings)


def _generate(ready, prompt, seconds, seed, settings, report=engines.silent):
    if seconds % MUSIC_STEP or not MUSIC_STEP <= seconds <= MUSIC_LONGEST:
        raise ValueError(f"{seconds} seconds of music: give a multiple of {MUSIC_STEP} up to {MUSIC_LONGEST}")
    warm(settings)
    return engines.first_working(
        "music", settings.music_engines, ready, settings, prompt, seconds, seed, settings, report
    )


def _is_first(settings):
    return settings.music_engines[0] == "musicgen" and musicgen.has_weights(settings)


def _generate_together(calls: Sequence[tuple]) -> list[engines.Answer | Exception]:
    """Have MusicGen make all pieces at once; then each call takes its own, or goes on to the next engine."""
    made = _make_together([musicgen.Call(*call) for call in calls])
    return [_outcome(call, {**ENGINES, "musicgen": own}) for call, own in zip(calls, made, strict=True)]


def _make_together(calls):
    """An engine for each call that hands over its piece, or raises what came instead of it."""
    try:
        outcomes = musicgen.run_together(calls)
    except Exception as error:  # noqa: BLE001 each call's own first_working deals with it
        outcomes = [error] * len(calls)
    return [engines.Engine(musicgen.missing, partial(_hand_over, outcome)) for outcome in outcomes]


def _hand_over(outcome, *_arguments):
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(call, ready):
    try:
        return _generate(ready, *call)
    except (engines.Cancelled, engines.NoneWorked) as error:
        return error


def _most_together(_prompt, seconds, _seed, settings, _report=engines.silent):
    ready = _is_first(settings) and musicgen.missing(settings) is None
    return musicgen.most_together(seconds, settings) if ready else 1


generate.together = Together(
    key=lambda _prompt, seconds, _seed, settings, _report=engines.silent: (seconds, settings),
    most=_most_together,
    run=_generate_together,
)
