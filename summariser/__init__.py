"""Words in, a brief out: summary, tags, ideas, and what to ask of the music and the picture."""

from dataclasses import replace

from core import engines
from settings import Settings
from summariser import extractive, llama_api, llm_script, local, scripts
from summariser.brief import SUMMARY_WORDS, Brief, BriefRequest, Idea, Measured, Phrase, Shot, fill
from summariser.posts import with_hashtags
from summariser.scripts import Script, ScriptRequest

__all__ = [
    "ENGINES",
    "SUMMARY_WORDS",
    "Brief",
    "BriefRequest",
    "Idea",
    "Measured",
    "Phrase",
    "Script",
    "ScriptRequest",
    "Shot",
    "summarise",
    "warm",
    "write_script",
]

ENGINES = {
    "llama": engines.Engine(missing=llama_api.missing, run=llama_api.summarise, check=llama_api.check),
    "local": engines.Engine(missing=local.missing, run=local.summarise, check=local.check),
    "extractive": engines.Engine(missing=lambda _: None, run=extractive.write),
}

SCRIPT_ENGINES = {
    "llama": engines.Engine(
        llama_api.missing,
        lambda request, settings, report: llm_script.write(request, llama_api.model(settings), report),
    ),
    "local": engines.Engine(
        local.missing,
        lambda request, settings, report: llm_script.write(request, local.open_model(settings, report), report),
    ),
    "extractive": engines.Engine(lambda _: None, lambda request, _settings, _report: scripts.write_script(request)),
}


def summarise(
    request: BriefRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Write the brief of some clips with the first engine of `settings.summary_engines` that works.

    What it leaves out is taken from the next one. The answer's value is a Brief. Raises engines.AllEnginesFailed when
    no engine answered.
    """
    order = settings.summary_engines
    answer = engines.run_with_fallback("summary", order, ENGINES, request, settings, report, fill)
    return replace(answer, value=with_hashtags(answer.value))


def warm() -> None:
    """Load what the first brief would otherwise wait for: the built-in writer with its lists."""
    extractive.write(BriefRequest(("Roll the dough out thin.",), ("",)), Settings())


def write_script(
    request: ScriptRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Write the lines of an idea's video with the first engine of `settings.summary_engines` that works.

    The answer's value is a Script. What the clips say always gives one; an idea that is told without a voice has lines
    of its own.
    """
    order = ("extractive",) if scripts.is_silent(request) else (*settings.summary_engines, "extractive")
    return engines.run_with_fallback("script", order, SCRIPT_ENGINES, request, settings, report)


def needs_device(settings: Settings) -> bool:
    """Whether the first engine that is set up runs a model on this machine's device."""
    first = next((name for name in settings.summary_engines if not ENGINES[name].missing(settings)), None)
    return first == "local"
