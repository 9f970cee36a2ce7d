"""espeak-ng, a program of the system that speaks a hundred languages, where somebody has installed it."""

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from core.engines import EngineError, Report
from settings import Settings

if TYPE_CHECKING:
    from animate_text.voice import VoiceRequest

PACE = 165  # words a minute at speed 1
TIME_LIMIT = 20  # seconds for one line


def missing(_settings: Settings) -> str | None:
    return None if shutil.which("espeak-ng") else "espeak-ng is not installed"


def speak(words: str, request: "VoiceRequest", _settings: Settings, _report: Report) -> bytes:
    """A WAV file (16-bit mono, 22.05 kHz) of the words. Raises EngineError for a language that it does not know."""
    pace = str(round(PACE * request.speed))
    text = words.encode(errors="replace")
    for language in (request.language.lower(), request.language.split("-")[0].lower()):
        line = ["espeak-ng", "-v", language, "-s", pace, "--stdin", "--stdout"]
        try:
            ran = subprocess.run(
                line, input=text, capture_output=True, timeout=TIME_LIMIT, check=False, env=dict(os.environ)
            )
        except subprocess.TimeoutExpired:
            raise EngineError("espeak-ng took too long for a line; shorten it.") from None
        if ran.returncode == 0 and ran.stdout.startswith(b"RIFF"):
            return _with_true_size(ran.stdout)
    raise EngineError(f"espeak-ng does not speak {request.language}.")


def _with_true_size(wav: bytes) -> bytes:
    """Written to a pipe, the header of a WAV file does not know its length; put it in."""
    at = wav.index(b"data", 12)
    size = len(wav) - at - 8
    return wav[:4] + (len(wav) - 8).to_bytes(4, "little") + wav[8 : at + 4] + size.to_bytes(4, "little") + wav[at + 8 :]
