"""Words in, a brief out: summary, tags, ideas, and what to ask of the music and the picture."""

from collections.abc import Sequence

import engines
from settings import Settings
from summariser import extractive, llama_api
from summariser.brief import SUMMARY_WORDS, Brief, Idea

__all__ = ["ENGINES", "SUMMARY_WORDS", "Brief", "Idea", "summarise"]

ENGINES = {
    "llama": engines.Engine(missing=llama_api.missing, run=llama_api.summarise, check=llama_api.check),
    "extractive": engines.Engine(missing=lambda _: None, run=extractive.write),
}


def summarise(
    transcripts: Sequence[str],
    on_screen: Sequence[str],
    tags: Sequence[str],
    settings: Settings,
    report: engines.Report = engines.silent,
) -> engines.Answer:
    """Write the brief of some clips with the first engine of `settings.summary_engines` that works.

    `transcripts` and `on_screen` hold one text a clip, in the same order; on-screen lines are joined by newlines, and
    either text may be empty. `tags` are the cleaned tags asked for. The answer's value is a Brief. Raises
    engines.NoneWorked when no engine answered.
    """
    return engines.first_working(
        "summary", settings.summary_engines, ENGINES, settings, transcripts, on_screen, tags, settings, report
    )
