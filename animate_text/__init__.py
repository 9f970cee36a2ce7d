"""A description in, a cover picture out; and a script, pictures, voice and music in, a video out."""

from animate_text import fonts, poster, stable_diffusion
from animate_text.beats import beats_of
from animate_text.matching import moments_for, pairs, pictures_for
from animate_text.picture import Picture, PictureRequest
from animate_text.render import Draft, DraftRequest, render
from animate_text.storyboard import Footage, SpokenLine, Storyboard, StoryboardRequest, split_lines, storyboard
from animate_text.timeline import CAPTION_STYLES, Timeline, TimelineError, Word
from animate_text.voice import ENGINES as VOICE_ENGINES
from animate_text.voice import Voice, VoiceRequest, one_recording, speak, time_lines
from core import engines
from settings import Settings

__all__ = [
    "CAPTION_STYLES",
    "ENGINES",
    "VOICE_ENGINES",
    "Draft",
    "DraftRequest",
    "Footage",
    "Picture",
    "PictureRequest",
    "SpokenLine",
    "Storyboard",
    "StoryboardRequest",
    "Timeline",
    "TimelineError",
    "Voice",
    "VoiceRequest",
    "Word",
    "beats_of",
    "generate",
    "moments_for",
    "needs_device",
    "one_recording",
    "pairs",
    "pictures_for",
    "render",
    "speak",
    "split_lines",
    "storyboard",
    "time_lines",
    "warm",
]

ENGINES = {
    "stable-diffusion": engines.Engine(stable_diffusion.missing, stable_diffusion.draw, stable_diffusion.check),
    "poster": engines.Engine(missing=lambda _settings: None, run=poster.draw),
}


def generate(
    request: PictureRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Make the cover of a search: 1080x1920 pixels, with the title and the hashtags set on it.

    The answer's value is a Picture. Raises engines.AllEnginesFailed where no engine of `settings.image_engines` worked.
    """
    answer = engines.run_with_fallback("image", settings.image_engines, ENGINES, request, settings, report)
    return engines.EngineResult(Picture(answer.value), answer.engine, answer.warnings)


def needs_device(settings: Settings) -> bool:
    """Whether a model on this machine's device draws the pictures."""
    return settings.image_engines[0] == "stable-diffusion" and not ENGINES["stable-diffusion"].missing(settings)


def warm(settings: Settings) -> None:
    """Load the image model where it is set up, and make the captions' font: for a thread when the server starts."""
    fonts.warm(settings.data_dir / "drafts" / "fonts")
    if "stable-diffusion" in settings.image_engines and not stable_diffusion.missing(settings):
        stable_diffusion.warm(settings)
