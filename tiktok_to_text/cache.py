"""Keeps what was read from a clip, by its content and by all else that the result depends on."""

import base64
import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from engines import EngineError
from settings import Settings
from tiktok_to_text import speech
from tiktok_to_text.video_text import Phrase, VideoText

VERSION = 1  # of the reader: raise it when the same clip gives another result


def entry(path: Path, language: str, settings: Settings) -> Path:
    """Where the text of the clip at `path` is kept. Raises EngineError where the clip cannot be opened."""
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineError(f"The video cannot be opened: {error.strerror}.") from error
    listening = [name for name in settings.speech_engines if _is_set_up(name, settings)]
    key = json.dumps([VERSION, content, language, listening, settings.whisper_model])
    return settings.data_dir / "texts" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _is_set_up(name, settings):
    return name in speech.ENGINES and not speech.ENGINES[name].missing(settings)


def load(path: Path) -> VideoText | None:
    """What is kept at `path`; None where there is nothing, or nothing that can be used."""
    try:
        values = json.loads(path.read_bytes())
        values["phrases"] = tuple(Phrase(**phrase) for phrase in values["phrases"])
        values["stills"] = tuple(base64.b64decode(still, validate=True) for still in values["stills"])
        values["on_screen"] = tuple(values["on_screen"])
        return VideoText(**values | {"warnings": (), "cached": True})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(path: Path, text: VideoText) -> None:
    """Keep `text` at `path`; whoever reads it meanwhile finds the old content or the new, never a part."""
    values = asdict(text) | {"stills": [base64.b64encode(still).decode() for still in text.stills]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
        temporary = Path(file.name)
        try:
            json.dump(values, file)
            file.close()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
