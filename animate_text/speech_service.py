"""A voice over the network: any service that has OpenAI's `/audio/speech`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from animate_text.wav import write_wav
from core import ffmpeg, http
from core.engines import Report
from settings import Settings

if TYPE_CHECKING:
    from animate_text.voice import VoiceRequest

ATTEMPTS = 3
MAX_ANSWER = 32 * http.MB
SOUND_FILES = "wav,mp3,flac,ogg,aac,mov,mp4"  # what services answer with, whatever they were asked for
TURNED_DOWN = "turned the request down (HTTP {status}); check VOICE_API_URL, VOICE_MODEL, VOICE_NAME"


def missing(settings: Settings) -> str | None:
    elsewhere = settings.voice_api_url.rstrip("/") != Settings.voice_api_url
    return None if settings.voice_api_key or elsewhere else "Set VOICE_API_KEY, or VOICE_API_URL for another server."


def check(settings: Settings) -> None:
    """Have one word spoken. Raises EngineError."""
    from animate_text.voice import VoiceRequest

    speak("Hello.", VoiceRequest(("Hello.",)), settings, lambda *_: None)


def speak(words: str, request: "VoiceRequest", settings: Settings, report: Report) -> bytes:
    """A WAV file (16-bit mono, 24 kHz) of the words, in the voice `VOICE_NAME` of the model `VOICE_MODEL`.

    Interface: https://platform.openai.com/docs/api-reference/audio/createSpeech
    It takes at most `SERVICE_TIMEOUT` seconds, retries included. Raises EngineError.
    """
    if not any(map(str.isalnum, words)):
        return write_wav(np.zeros(0, np.float32), 24_000)
    service = _service(settings)
    url = settings.voice_api_url.rstrip("/") + "/audio/speech"
    asked = {"model": settings.voice_model, "voice": settings.voice_name, "input": words}
    body = {**asked, "response_format": "wav", "speed": round(request.speed, 2)}
    with http.Client(
        service, settings.service_timeout, lambda: report(0, 1, "Waiting for the voice service"), attempts=ATTEMPTS
    ) as client:
        answer = client.request("POST", url, json=body, token=settings.voice_api_key, max_bytes=MAX_ANSWER)
    return _as_wav(answer.body, service)


def _service(settings: Settings) -> http.Service:
    return http.Service(
        urlsplit(settings.voice_api_url).netloc,
        address="VOICE_API_URL",
        key="VOICE_API_KEY",
        has_key=bool(settings.voice_api_key),
        nonsense="answered with something that is no sound",
        refusals={400: TURNED_DOWN, 404: TURNED_DOWN, 422: TURNED_DOWN},
    )


def _as_wav(answer: bytes, service: http.Service) -> bytes:
    """Decode whatever kind of sound file came, confined, as it is a stranger's."""
    with tempfile.TemporaryDirectory() as folder:
        came, wav = Path(folder, "came"), Path(folder, "voice.wav")
        came.write_bytes(answer)
        sound = ("-map", "0:a:0", "-vn", "-ac", "1", "-ar", "24000", "-c:a", "pcm_s16le", str(wav))
        ffmpeg.run(came, *sound, containers=SOUND_FILES)
        if wav.exists() and wav.stat().st_size > 44:
            return wav.read_bytes()
    raise http.nonsense(service)
