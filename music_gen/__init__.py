"""A description in, a piece of music out."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from core import engines
from core.executors import BatchSpec
from music_gen import composer, musicgen
from music_gen.following import described
from music_gen.track import MusicRequest, Track
from settings import MAX_MUSIC_SECONDS, MUSIC_STEP, Settings

__all__ = ["ENGINES", "MusicRequest", "Track", "described", "generate", "needs_device", "warm"]

ENGINES = {"musicgen": musicgen.ENGINE, "composer": composer.ENGINE}

LIBRARIES = ("pretty_midi", "pyloudnorm")  # that take the composer a second to import


def generate(
    request: MusicRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Make music for a description with the first of `settings.music_engines` that works.

    The answer's value is a Track that lasts as long as asked, to the sample; what the composer makes also loops without
    a seam. Raises ValueError for a length that cannot be made, engines.AllEnginesFailed when no engine answers;
    engines.Cancelled goes through.

    core.executors.BatchingExecutor runs calls that wait for MusicGen as one batch.
    """
    return _generate(ENGINES, request, settings, report)


def warm(settings: Settings) -> None:
    """Start to load the model in the background where it answers first; import what the composer needs."""
    _start_loading(settings)
    for name in LIBRARIES:
        import_module(name)


def _start_loading(settings: Settings) -> None:
    if needs_device(settings):
        musicgen.load.start(settings)


def _generate(
    available: Mapping[str, engines.Engine],
    request: MusicRequest,
    settings: Settings,
    report: engines.Report = engines.no_report,
) -> engines.EngineResult:
    seconds = request.seconds
    if seconds % MUSIC_STEP or not MUSIC_STEP <= seconds <= MAX_MUSIC_SECONDS:
        raise ValueError(f"{seconds} seconds of music: give a multiple of {MUSIC_STEP} up to {MAX_MUSIC_SECONDS}")
    _start_loading(settings)
    return engines.run_with_fallback("music", settings.music_engines, available, request, settings, report)


def needs_device(settings: Settings) -> bool:
    """Whether a model on this machine's device makes the music."""
    return settings.music_engines[0] == "musicgen" and musicgen.has_weights(settings)


def _generate_batch(calls: Sequence[tuple[Any, ...]]) -> list[engines.EngineResult | Exception]:
    """Have MusicGen make all pieces at once; then each call takes its own, or goes on to the next engine."""
    batch = _musicgen_engines([musicgen.Call(*call) for call in calls])
    return [_outcome(call, {**ENGINES, "musicgen": engine}) for call, engine in zip(calls, batch, strict=True)]


def _musicgen_engines(calls: Sequence[musicgen.Call]) -> list[engines.Engine]:
    """An engine for each call that returns its piece of the batch, or raises what came instead of it."""
    outcomes: Sequence[Track | engines.EngineResult | Exception]
    try:
        outcomes = musicgen.run_batch(calls)
    except Exception as error:  # noqa: BLE001 each call's own run_with_fallback deals with it
        outcomes = [error] * len(calls)
    return [engines.Engine(musicgen.missing, partial(_unwrap, outcome)) for outcome in outcomes]


def _unwrap(outcome: Track | engines.EngineResult | Exception, *_arguments: object) -> Track | engines.EngineResult:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(call: tuple[Any, ...], available: Mapping[str, engines.Engine]) -> engines.EngineResult | Exception:
    try:
        return _generate(available, *call)
    except (engines.Cancelled, engines.AllEnginesFailed) as error:
        return error


def _max_batch_size(request: MusicRequest, settings: Settings, _report: engines.Report = engines.no_report) -> int:
    ready = needs_device(settings) and musicgen.missing(settings) is None
    return musicgen.max_batch_size(request.seconds, settings) if ready else 1


vars(generate)["batch"] = BatchSpec(
    key=lambda request, settings, _report=engines.no_report: (request.seconds, request.tempo is None, settings),
    max_size=_max_batch_size,
    run=_generate_batch,
)
