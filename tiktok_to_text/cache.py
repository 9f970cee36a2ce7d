"""Keeps what was read from a clip, by its content and by all else that the result depends on."""

import base64
import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path

from core import storage
from core.engines import EngineError
from settings import Settings
from tiktok_to_text import speech
from tiktok_to_text.video_text import Phrase, ScreenText, VideoText

log = logging.getLogger(__name__)

VERSION = 4  # of the reader: raise it when the same clip gives another result


def entry(path: Path, language: str, settings: Settings) -> Path:
    """Where the text of the clip at `path` is kept: its name begins with the hash of the clip's content.

    Raises EngineError where the clip cannot be opened.
    """
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineError(f"The video cannot be opened: {error.strerror}.") from error
    listening = [name for name in settings.speech_engines if _is_set_up(name, settings)]
    key = json.dumps([VERSION, content, language, listening, settings.whisper_model])
    return settings.data_dir / "texts" / f"{content}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _is_set_up(name, settings):
    return name in speech.ENGINES and not speech.ENGINES[name].missing(settings)


def load(path: Path, settings: Settings) -> VideoText | None:
    """What is kept as `path`; None where there is nothing, or nothing that can be used."""
    try:
        values = json.loads(storage.get(f"texts/{path.name}", settings) or b"")
        values["phrases"] = tuple(Phrase(**phrase) for phrase in values["phrases"])
        values["stills"] = tuple(base64.b64decode(still, validate=True) for still in values["stills"])
        values["on_screen"] = tuple(values["on_screen"])
        values["texts"] = tuple(ScreenText(**text | {"box": tuple(text["box"])}) for text in values["texts"])
        return VideoText(**values | {"warnings": (), "cached": True})
    except (storage.StorageError, OSError, ValueError, TypeError, KeyError):
        return None


def save(path: Path, text: VideoText, settings: Settings) -> None:
    """Keep `text` as `path`; whoever reads it meanwhile finds the old content or the new, never a part."""
    values = asdict(text) | {"stills": [base64.b64encode(still).decode() for still in text.stills]}
    try:
        storage.put(f"texts/{path.name}", json.dumps(values).encode(), settings)
    except storage.StorageError as error:
        log.warning("what was read is not kept: %s", error)
