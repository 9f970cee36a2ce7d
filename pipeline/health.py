"""Which engines are ready, a try of each, and loading the models before the first search needs them."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

import animate_text
import music_gen
import summariser
import tiktok_to_text
import tiktok_videos
import trend_insights
from core import storage
from settings import Settings

ENGINES = {
    "speech": tiktok_to_text.ENGINES,
    "summary": summariser.ENGINES,
    "music": music_gen.ENGINES,
    "image": animate_text.ENGINES,
    "voice": animate_text.VOICE_ENGINES,
}


def engine_states(settings: Settings) -> dict[str, dict[str, str]]:
    """Say of every engine in the settings whether it is ready, and if not, what is missing."""
    return {
        stage: {
            name: engines[name].missing(settings) or "ready"
            for name in getattr(settings, f"{stage}_engines")
            if name in engines
        }
        for stage, engines in ENGINES.items()
    }


def checks(settings: Settings) -> Iterator[tuple[str, str | None, Callable[[], object]]]:
    """For each source and engine in the settings: its name, what must be set up first, and a call that tries it once.

    The call raises EngineError where a search would fail there.
    """
    if storage.is_remote(settings):
        yield "storage", None, partial(storage.check, settings)
    for name in settings.video_sources:
        source = tiktok_videos.SOURCES[name]
        yield f"videos from {name}", source.missing(settings), partial(source.check, settings)
    for stage, choice in ENGINES.items():
        for name in getattr(settings, f"{stage}_engines"):
            engine = choice[name]
            yield f"{stage} by {name}", engine.missing(settings), partial(engine.check or _nothing, settings)


def _nothing(_settings: Settings) -> None:
    """The check of an engine that needs none."""


def warm(settings: Settings, models: bool = True) -> None:
    """Load what the first search would otherwise wait for, the generating `models` too. Takes some seconds."""
    tiktok_to_text.warm(settings)
    trend_insights.warm()
    summariser.warm()
    for name in ("pipeline.searching", "c2pa"):
        import_module(name)
    if models:
        music_gen.warm(settings)
        animate_text.warm(settings)
