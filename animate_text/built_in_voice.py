"""The built-in voice: hibari, a small English voice that comes inside its package (Apache-2.0)."""

import functools
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from animate_text.wav import write_wav
from core.engines import EngineError, Report
from settings import Settings

if TYPE_CHECKING:
    from animate_text.voice import VoiceRequest

_speaking = threading.Lock()  # its text analysis keeps state


def missing(_settings: Settings) -> str | None:
    return None if find_spec("hibari") else "The built-in voice is not installed: run pip install -r requirements.txt"


def speak(words: str, request: "VoiceRequest", _settings: Settings, _report: Report) -> bytes:
    """A WAV file (16-bit mono, 24 kHz) of English words. Raises EngineError for another language."""
    if request.language.split("-")[0].lower() != "en":
        raise EngineError(f"the built-in voice speaks English only, not {request.language}; set up VOICE_API_URL.")
    with _speaking:
        voice = _load()
        samples = voice(words, speed=request.speed, seed=0)
    if not len(samples) and any(map(str.isalnum, words)):
        raise EngineError("the built-in voice speaks English only, and this text is not; set up VOICE_API_URL.")
    return write_wav(samples, voice.sample_rate)


@functools.cache
def _load() -> Any:
    from hibari import Hibari

    return Hibari(threads=1)
