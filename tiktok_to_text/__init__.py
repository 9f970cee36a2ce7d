"""A video file in, its words out: what is said and what stands on the screen."""

import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from weakref import WeakValueDictionary

from core import engines
from core.engines import AllEnginesFailed, EngineResult, Report
from core.tee import Tee
from settings import Settings
from tiktok_to_text import audio, cache, speech
from tiktok_to_text.speech import hears_only_english
from tiktok_to_text.video_text import Phrase, ScreenRequest, SpeechRequest, VideoText
from tiktok_to_text.word_times import HeardWord, word_times

__all__ = [
    "ENGINES",
    "HeardWord",
    "Phrase",
    "VideoText",
    "hears_only_english",
    "known",
    "read",
    "tee_in",
    "warm",
    "word_times",
]

ENGINES = speech.ENGINES

# ONNX Runtime, which rapidocr and faster-whisper load, would report its use to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# by cache file: whoever reads a clip holds its lock
_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()
_finding_lock = threading.Lock()


def read(path: Path, language: str, settings: Settings, report: Report, tee: Tee | None = None) -> VideoText:
    """Read the clip at `path`, whose speech is in `language` (BCP 47), from the cache where it has been read before.

    `tee` is what `tee_in` gave, where another pass over the clip is under way that writes it. No sound, no speech or no
    text gives empty parts; a part that failed is empty and has a line in `warnings`. Raises EngineError where `path` is
    no clip that can be read, and Cancelled when `report` does.
    """
    entry = cache.entry(path, language, settings)
    with _lock_of(entry):
        if before := cache.load(entry, settings):
            return before
        text = _read(path, language, settings, report, tee)
        if not text.warnings:
            cache.save(entry, text, settings)
        return text


def tee_in(folder: Path) -> Tee:
    """What another pass over a clip is to write into `folder`, so that `read` need not decode its picture again."""
    from tiktok_to_text import frames

    return Tee(frames.filters, folder / "frames.y4m")


def known(path: Path, language: str, settings: Settings) -> VideoText | None:
    """What `read` would find of the clip at `path` in the cache. Raises EngineError where it cannot be opened."""
    return cache.load(cache.entry(path, language, settings), settings)


def warm(settings: Settings) -> None:
    """Load the models, so that the first clip is read as fast as the next. Takes a few seconds."""
    from tiktok_to_text import screen_text

    screen_text.load()
    if not speech.whisper_missing(settings):
        speech.load(settings)


def _lock_of(entry):
    with _finding_lock:
        return _locks.setdefault(entry, threading.Lock())


def _read(path, language, settings, report, tee):
    with tempfile.TemporaryDirectory(prefix="trendtok-") as folder, ThreadPoolExecutor(1, "screen") as beside:
        sound = audio.extract(path, Path(folder))
        # Listening and looking side by side keep every core busy when there are fewer clips than cores.
        looking = beside.submit(_look, path, sound, settings, report, tee)
        heard = _listen(sound, language, settings, report)
        seen = looking.result()
    return VideoText(
        seconds=sound.seconds,
        phrases=heard.value,
        on_screen=seen.value.lines,
        texts=seen.value.texts,
        stills=seen.value.stills,
        speech_engine=heard.engine or None,
        warnings=heard.warnings + seen.warnings,
    )


def _listen(sound, language, settings, report):
    if sound.wav is None:
        return EngineResult((), "")
    request = SpeechRequest(sound.wav, language)
    return _ask("speech", settings.speech_engines, ENGINES, request, settings, report, nothing=())


def _look(path, sound, settings, report, tee):
    from tiktok_to_text import screen_text

    if not sound.has_picture:
        return EngineResult(screen_text.Seen(), "")
    request, nothing = ScreenRequest(path, sound.seconds, tee), screen_text.Seen()
    return _ask("screen text", ("rapidocr",), screen_text.ENGINES, request, settings, report, nothing)


def _ask(stage, order, choice, request, settings, report, nothing):
    """The first working engine's answer, or `nothing` with the reasons why none worked."""
    try:
        return engines.run_with_fallback(stage, order, choice, request, settings, report)
    except AllEnginesFailed as error:
        return EngineResult(nothing, "", error.warnings or (f"{stage.capitalize()}: no engine is set up.",))
