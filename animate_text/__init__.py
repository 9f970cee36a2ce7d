"""A description in, a cover picture out."""

from collections.abc import Sequence
from dataclasses import dataclass

import engines
from animate_text import poster, stable_diffusion
from settings import Settings

ENGINES = {
    "stable-diffusion": engines.Engine(stable_diffusion.missing, stable_diffusion.draw, stable_diffusion.check),
    "poster": engines.Engine(missing=lambda _settings: None, run=poster.draw),
}


@dataclass(frozen=True)
class Picture:
    """`png` is a whole PNG file."""

    png: bytes


def generate(
    prompt: str,
    title: str,
    hashtags: Sequence[str],
    stills: Sequence[bytes],
    seed: int,
    settings: Settings,
    report: engines.Report = engines.silent,
) -> engines.Answer:
    """Make the cover of a search: 1080x1920 pixels, with the title and the hashtags set on it.

    `prompt` describes the picture; `stills` are JPEG files taken from the videos, of any size and number, broken ones
    included. The same arguments give the same bytes. The answer's value is a `Picture`.
    Raises engines.NoneWorked where no engine of `settings.image_engines` worked.
    """
    arguments = (prompt, title, hashtags, stills, seed, settings, report)
    answer = engines.first_working("image", settings.image_engines, ENGINES, settings, *arguments)
    return engines.Answer(Picture(answer.value), answer.engine, answer.warnings)


def warm(settings: Settings) -> None:
    """Load the image model where it is set up, for a thread in the background when the server starts."""
    if "stable-diffusion" in settings.image_engines and not stable_diffusion.missing(settings):
        stable_diffusion.warm(settings)
