"""Listens through Google's speech service: a WAV file in, what is said in it and when out."""

from __future__ import annotations

import functools
import threading
import wave
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from core.breaker import Breaker
from core.engines import Cancelled, EngineError, Report, no_report
from core.waiting import TICK, hold
from settings import Settings
from tiktok_to_text.video_text import Phrase, SpeechRequest

if TYPE_CHECKING:
    from core import http

MAX_PIECE = 45  # seconds; the service takes about a minute
# Milliseconds of silence that end a piece. In the sample clips at least 700 lie between sentences, at most 420 within.
PAUSE = 500
MARGIN = 150  # milliseconds of silence that a piece keeps at either end
MAX_ANSWER = 1024 * 1024  # bytes
CONNECT_TIMEOUT = 3.0  # seconds: all that a machine without a network loses
MAX_FAILURES = 2  # in a row, before the service is left alone
REST = 300.0  # seconds that it is left alone

ENDS = tuple(".!?…。！？।؟")
REFUSALS = {
    400: "did not accept the request (HTTP {status}); check GOOGLE_SPEECH_KEY and the language",
    429: "takes no more requests for now (HTTP {status}); try again later or check the quota of GOOGLE_SPEECH_KEY",
}


class _Alternative(BaseModel):
    transcript: str = ""


class _Result(BaseModel):
    alternative: list[_Alternative] = []


class _Line(BaseModel):
    """One of the JSON texts in an answer, each on a line of its own."""

    result: list[_Result]


@dataclass(frozen=True)
class _Piece:
    """Sound that is sent on its own; `start` is in seconds."""

    start: float
    samples: bytes  # 16-bit mono
    rate: int

    @property
    def end(self) -> float:
        return self.start + len(self.samples) / 2 / self.rate


@dataclass(frozen=True)
class _Endpoint:
    """What all threads that ask the same service share: how it is doing, and how many may talk to it at once."""

    service: http.Service
    breaker: Breaker
    slots: threading.BoundedSemaphore


_opening = threading.Lock()


def _endpoint(settings):
    with _opening:
        return _open_endpoint(settings.google_speech_url, settings.google_speech_key, settings.speech_concurrency)


@functools.lru_cache(maxsize=16)
def _open_endpoint(_url, key, concurrency):
    from core import http  # here, since most studios never ask the service

    service = http.Service(
        "Google's speech service", "GOOGLE_SPEECH_URL", "GOOGLE_SPEECH_KEY", has_key=bool(key), refusals=REFUSALS
    )
    return _Endpoint(service, Breaker(MAX_FAILURES, REST), threading.BoundedSemaphore(concurrency))


def missing(settings: Settings) -> str | None:
    """What must be set up before `listen` can run: a key, or another address than Google's. None when nothing must."""
    if settings.google_speech_key or settings.google_speech_url != Settings.google_speech_url:
        return None
    return "Set GOOGLE_SPEECH_KEY to use Google's speech service."


def listen(request: SpeechRequest, settings: Settings, report: Report) -> tuple[Phrase, ...]:
    """What is said in a sound, with the times in seconds.

    The sound goes out in pieces between silences, packed, put and read as by SpeechRecognition's `recognize_google`.
    The service answers without punctuation, so each piece stands as a sentence; one in which it understands nothing is
    left out. Raises EngineError where a piece fails. After two failures in a row the service is not asked for five
    minutes, and the error is the last one again. Every call is over after SERVICE_TIMEOUT, and soon after `report`
    raises.
    """
    _endpoint(settings).breaker.check()
    pieces = _pieces(request.wav)
    return _send(pieces, request.language, settings, report) if pieces else ()


def check(settings: Settings) -> None:
    """Send one second of silence. Raises EngineError, saying what is wrong and how to mend it."""
    _send([_Piece(0.0, bytes(2 * 16_000), 16_000)], "en-US", settings, no_report)


def _pieces(wav):
    """Cut the sound at its silences into pieces, one for each stretch in which someone speaks."""
    import numpy as np
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    with wave.open(str(wav)) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    options = VadOptions(min_silence_duration_ms=PAUSE, max_speech_duration_s=MAX_PIECE, speech_pad_ms=MARGIN)
    stretches = get_speech_timestamps(samples.astype(np.float32) / 32768, options, rate)
    return [_Piece(s["start"] / rate, samples[s["start"] : s["end"]].tobytes(), rate) for s in stretches]


def _send(pieces, language, settings, report):
    """The phrases in which something was understood, in order. Raises EngineError where a piece fails."""
    import speech_recognition  # noqa: F401 - takes a moment, which is no part of any call

    endpoint, is_over = _endpoint(settings), threading.Event()
    threads = ThreadPoolExecutor(min(len(pieces), settings.speech_concurrency), thread_name_prefix="google")
    futures = [threads.submit(_recognize, piece, language, settings, endpoint, is_over) for piece in pieces]
    waiting = set(futures)
    try:
        while waiting:
            endpoint.breaker.check()  # so that clips read side by side do not find out one after the other
            report(len(futures) - len(waiting), len(futures), "listening with Google")
            finished, waiting = wait(waiting, TICK, FIRST_COMPLETED)
            for future in finished:
                future.result()
        return tuple(phrase for future in futures if (phrase := future.result()))
    except EngineError:
        wait(waiting, TICK)  # pieces sent together are late together: each is to count
        raise
    finally:
        is_over.set()
        threads.shutdown(cancel_futures=True)


def _recognize(piece, language, settings, endpoint, is_over):
    """Send one piece; return it as a Phrase, None where nothing was understood. Raises EngineError."""

    from core import http

    def check():
        if is_over.is_set():
            raise Cancelled

    client = http.Client(endpoint.service, settings.service_timeout, check, connect_timeout=CONNECT_TIMEOUT, attempts=1)
    with hold(endpoint.slots, check), client:
        endpoint.breaker.check()
        try:
            text = " ".join(_ask(piece, language, settings, client).split())
        except EngineError as error:
            endpoint.breaker.failed(error)
            raise
        endpoint.breaker.succeeded()
    return Phrase(piece.start, piece.end, _sentence(text)) if text else None


def _ask(piece, language, settings, client):
    """The words of one piece as the service gives them, empty where it understood nothing. Raises EngineError.

    These are the three steps of `recognize_google`, with a call in the middle that ends in time: its own goes through
    urllib, which only bounds each read, and only takes connections of ours for the whole process.
    """
    from speech_recognition import AudioData, UnknownValueError
    from speech_recognition.recognizers.google import OutputParser, create_request_builder

    from core import http

    key = settings.google_speech_key or None
    builder = create_request_builder(endpoint=settings.google_speech_url, key=key, language=language)
    try:
        request = builder.build(AudioData(piece.samples, piece.rate, 2))
    except OSError as error:
        what = "The sound cannot be packed for Google's speech service; install the program flac."
        raise EngineError(what) from error
    answer = client.request("POST", request.full_url, data=request.data, headers=request.headers, max_bytes=MAX_ANSWER)
    lines = [line for line in answer.body.splitlines() if line.strip()]
    for line in lines:
        http.parse(client.service, _Line, line)
    if not lines:
        raise http.nonsense(client.service)
    try:
        return OutputParser(show_all=False, with_confidence=False).parse(b"\n".join(lines).decode())
    except UnknownValueError:
        return ""


def _sentence(text):
    text = text[0].upper() + text[1:]
    return text if text.endswith(ENDS) else f"{text}."
