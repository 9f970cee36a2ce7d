"""Listens through Google's speech service: a WAV file in, what is said in it and when out."""

import functools
import http.client
import io
import math
import socket
import ssl
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib import request as urllib_request
from urllib.error import HTTPError, URLError

from engines import Cancelled, EngineError, Report, silent
from settings import Settings
from tiktok_to_text.video_text import Phrase

LONGEST_PIECE = 45  # seconds; the service takes about a minute
# Milliseconds of silence that end a piece. In the sample clips at least 700 lie between sentences, at most 420 within.
PAUSE = 500
MARGIN = 150  # milliseconds of silence that a piece keeps at either end
LONGEST_ANSWER = 1024 * 1024  # bytes
CONNECT_TIMEOUT = 3.0  # seconds: all that a machine without a network loses
MOST_FAILURES = 2  # in a row, before the service is left alone
REST = 300.0  # seconds that it is left alone
TICK = 0.25  # seconds between two looks at the clock and at whether the search was called off
FAREWELL = 0.5  # seconds that calls which were cut off get to end

ENDS = tuple(".!?…。！？।؟")


@dataclass
class _Health:
    """How the service is doing: failures in a row, the last one in words, and until when it is left alone."""

    failures: int = 0
    reason: str = ""
    rests_until: float = 0.0  # seconds of time.monotonic


@dataclass(eq=False)
class _Call:
    """A piece on its way to the service; times are in seconds, `answer_by` and `connect_by` of time.monotonic."""

    start: float
    samples: bytes  # 16-bit mono
    rate: int
    answer_by: float = math.inf
    connect_by: float = math.inf
    is_cut: bool = False
    handles: list[socket.socket] = field(default_factory=list)  # one on each connection it made

    @property
    def due(self) -> float:
        return min(self.answer_by, self.connect_by)


_health = _Health()
_health_lock = threading.Lock()
_slots: dict[int, threading.BoundedSemaphore] = {}  # by how many may talk to the service at once in this process
_current = threading.local()  # the call that a thread is making


def missing(settings: Settings) -> str | None:
    """What must be set up before `listen` can run: a key, or another address than Google's. None when nothing must."""
    if settings.google_speech_key or settings.google_speech_url != Settings.google_speech_url:
        return None
    return "Set GOOGLE_SPEECH_KEY to use Google's speech service."


def listen(wav: Path, language: str, settings: Settings, report: Report) -> tuple[Phrase, ...]:
    """What is said in `wav` (16-bit mono, 16 kHz), in `language` (BCP 47), with the times in seconds.

    The sound goes out in pieces between silences, by SpeechRecognition's `recognize_google`. The service answers
    without punctuation, so each piece stands as a sentence; one in which it understands nothing is left out. Raises
    EngineError where a piece fails. After two failures in a row the service is not asked for five minutes, and the
    error is the last one again. Every call is over after SERVICE_TIMEOUT, and soon after `report` raises.
    """
    _raise_if_resting()
    calls = _pieces(wav)
    return _send(calls, language, settings, report) if calls else ()


def check(settings: Settings) -> None:
    """Send one second of silence. Raises EngineError, saying what is wrong and how to mend it."""
    _send([_Call(0.0, bytes(2 * 16_000), 16_000)], "en-US", settings, silent)


def _send(calls, language, settings, report):
    """The phrases in which something was understood, in order. Raises EngineError where a call fails."""
    import speech_recognition  # noqa: F401 - takes a moment, which is no part of any call

    threads = ThreadPoolExecutor(min(len(calls), settings.speech_concurrency), thread_name_prefix="google")
    futures = [threads.submit(_recognize, call, language, settings) for call in calls]
    try:
        _watch(futures, calls, settings, report)
        return tuple(phrase for future in futures if (phrase := future.result()))
    finally:
        for call in calls:
            _cut(call)
        threads.shutdown(wait=False, cancel_futures=True)
        # A thread that still looks up the address cannot be cut; it ends by itself, and nobody waits for it.
        stuck = wait([future for future in futures if not future.cancelled()], FAREWELL).not_done
        threads.shutdown(wait=not stuck)


def forget_failures() -> None:
    """Ask the service again, whatever happened before."""
    _worked()


def _pieces(wav):
    """Cut the sound at its silences into calls, one for each stretch in which someone speaks."""
    import numpy as np
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    with wave.open(str(wav)) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    options = VadOptions(min_silence_duration_ms=PAUSE, max_speech_duration_s=LONGEST_PIECE, speech_pad_ms=MARGIN)
    stretches = get_speech_timestamps(samples.astype(np.float32) / 32768, options, rate)
    return [_Call(s["start"] / rate, samples[s["start"] : s["end"]].tobytes(), rate) for s in stretches]


def _watch(futures, calls, settings, report):
    """Wait until all calls are answered. Raises EngineError with the first that fails or is late."""
    waiting = set(futures)
    while waiting:
        _raise_if_resting()  # so that clips read side by side do not find out one after the other
        report(len(futures) - len(waiting), len(futures), "listening with Google")
        finished, waiting = wait(waiting, TICK, FIRST_COMPLETED)
        errors = [error for future in finished if isinstance(error := future.exception(), EngineError)]
        errors += _late(calls, settings)
        if errors:
            _failed(errors)
            raise errors[0]
        for future in finished:
            future.result()
            _worked()


def _late(calls, settings):
    """An error for each call that is out of time."""
    now = time.monotonic()
    if all(call.due > now for call in calls):
        return []
    # Pieces sent together are late together, though the clock tells a moment between them.
    late = [call for call in calls if call.due < now + TICK]
    return [EngineError(_too_slow(settings) if call.handles else _unreachable()) for call in late]


def _recognize(call, language, settings):
    """Send one piece; return it as a Phrase, None where nothing was understood. Raises EngineError."""
    with _slot(call, settings.speech_concurrency):
        call.answer_by = time.monotonic() + settings.service_timeout
        _current.call = call
        try:
            text = _ask(call, language, settings)
        finally:
            del _current.call
            call.answer_by = call.connect_by = math.inf
            for handle in call.handles:
                handle.close()
    text = " ".join(text.split())
    return Phrase(call.start, call.start + len(call.samples) / 2 / call.rate, _sentence(text)) if text else None


@contextmanager
def _slot(call, concurrency) -> Iterator[None]:
    slots = _slots.setdefault(concurrency, threading.BoundedSemaphore(concurrency))
    while not slots.acquire(timeout=TICK):
        if call.is_cut:
            raise Cancelled
    try:
        yield
    finally:
        slots.release()


def _ask(call, language, settings):
    """The words of one piece as the service gives them, empty where it understood nothing. Raises EngineError."""
    from speech_recognition import AudioData, Recognizer, RequestError, UnknownValueError

    _install_opener()
    recognizer = Recognizer()
    recognizer.operation_timeout = settings.service_timeout + 1  # of a single read; the watch comes first
    unusable = "Google's speech service did not answer as it should; check GOOGLE_SPEECH_URL."
    try:
        text = recognizer.recognize_google(
            AudioData(call.samples, call.rate, 2),
            key=settings.google_speech_key or None,
            language=language,
            endpoint=settings.google_speech_url,
        )
        reason = "" if isinstance(text, str) else unusable
    except UnknownValueError:
        return ""
    except RequestError as error:
        reason = _reason(error.__context__, call, settings) or unusable
    except (http.client.HTTPException, OSError) as error:
        reason = _reason(error, call, settings) if call.handles else _unpacked()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        reason = unusable
    if reason:
        raise EngineError(reason)  # out here, as the errors above lead to the address, which holds the key
    return text


def _sentence(text):
    text = text[0].upper() + text[1:]
    return text if text.endswith(ENDS) else f"{text}."


# --- what went wrong, in words


def _reason(error, call, settings):
    """What a failed connection means to the user; None where the service is not to blame."""
    if isinstance(error, HTTPError):
        return _refusal(error.code, settings)
    if isinstance(error, URLError):
        error = error.reason
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Google's speech service shows no certificate that can be trusted; check GOOGLE_SPEECH_URL."
    if isinstance(error, OSError | http.client.HTTPException):
        return "Google's speech service broke off its answer; try again later." if call.handles else _unreachable()
    return None


def _refusal(status, settings):
    if status == 400:
        what = "did not accept the request (HTTP 400); check GOOGLE_SPEECH_KEY and the language"
    elif status in (401, 403):
        wrong = "refused the key; check" if settings.google_speech_key else "wants a key; set"
        what = f"{wrong} GOOGLE_SPEECH_KEY (HTTP {status})"
    elif status == 404:
        what = "is not at this address (HTTP 404); check GOOGLE_SPEECH_URL"
    elif status == 429:
        what = "takes no more requests for now (HTTP 429); try again later or check the quota of GOOGLE_SPEECH_KEY"
    elif 300 <= status < 400:
        what = f"has moved (HTTP {status}); set GOOGLE_SPEECH_URL to the new address"
    elif status >= 500:
        what = f"is out of order (HTTP {status}); try again later"
    else:
        what = f"turned the request down (HTTP {status}); check GOOGLE_SPEECH_KEY and GOOGLE_SPEECH_URL"
    return f"Google's speech service {what}."


def _unreachable():
    return "Google's speech service cannot be reached; check the network and GOOGLE_SPEECH_URL."


def _too_slow(settings):
    late = f"did not answer within {settings.service_timeout} s"
    return f"Google's speech service {late}; try again later or raise SERVICE_TIMEOUT."


def _unpacked():
    return "The sound cannot be packed for Google's speech service; install the program flac."


# --- how the service is doing


def _raise_if_resting():
    with _health_lock:
        if time.monotonic() < _health.rests_until:
            raise EngineError(_health.reason)


def _failed(errors):
    with _health_lock:
        _health.failures += len(errors)
        _health.reason = str(errors[0])
        if _health.failures >= MOST_FAILURES:
            _health.rests_until = time.monotonic() + REST


def _worked():
    with _health_lock:
        _health.failures, _health.rests_until = 0, 0.0


# --- connections that can be cut: recognize_google only bounds each read, and a read may come for every byte


@functools.cache
def _install_opener():
    """Have `urlopen`, which recognize_google uses, take our connections in threads that make a call, and only there."""
    usual, ours = urllib_request.build_opener(), urllib_request.build_opener(_Handler)

    def open_one(request, data=None, timeout=None):
        if hasattr(_current, "call"):
            return _fetch(ours, request, timeout)
        return usual_open(request, data, timeout)

    usual_open, usual.open = usual.open, open_one
    urllib_request.install_opener(usual)


def _fetch(opener, request, timeout):
    """The whole answer as a file. Raises ValueError where it is empty or too long, and what urllib raises."""
    try:
        with opener.open(request, timeout=timeout) as response:
            answer = response.read(LONGEST_ANSWER + 1)
            missing_bytes = response.length
    except HTTPError as error:
        error.close()
        raise
    if len(answer) > LONGEST_ANSWER or not answer.strip():
        raise ValueError
    if missing_bytes:
        raise http.client.IncompleteRead(b"")
    return io.BytesIO(answer)


class _Connection(http.client.HTTPConnection):
    def connect(self):
        call, read_timeout = _current.call, self.timeout
        call.connect_by = time.monotonic() + CONNECT_TIMEOUT
        self.timeout = CONNECT_TIMEOUT + 1  # of each of the service's addresses; the watch comes first
        super().connect()
        call.connect_by = math.inf
        self.sock.settimeout(read_timeout)
        call.handles.append(self.sock.dup())  # a second handle, as TLS takes the first one over
        if call.is_cut:
            raise TimeoutError


class _SecureConnection(http.client.HTTPSConnection, _Connection):
    """Its `connect` goes through that of _Connection before the handshake."""


class _Handler(urllib_request.HTTPHandler, urllib_request.HTTPSHandler, urllib_request.HTTPRedirectHandler):
    def http_open(self, req):
        return self.do_open(_Connection, req)

    def https_open(self, req):
        return self.do_open(_SecureConnection, req)

    def redirect_request(self, *_arguments):
        """Go nowhere else: the key and the sound are for the address that was set."""


def _cut(call):
    call.is_cut = True
    for handle in call.handles:
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)
