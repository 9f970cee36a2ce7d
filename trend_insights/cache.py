"""Keeps what was measured of a clip, by its content and by all else that the result depends on."""

import hashlib
import json
import logging
from dataclasses import astuple
from functools import cache
from pathlib import Path

from core import storage
from core.engines import EngineError
from settings import Settings
from trend_insights.traits import MeasureRequest, Traits

log = logging.getLogger(__name__)

VERSION = 4  # of the measures: raise it when the same clip gives another result


def entry(request: MeasureRequest, settings: Settings) -> Path:
    """Where the traits of a clip are kept: its name begins with the hash of the clip's content.

    Raises EngineError where the clip cannot be opened.
    """
    try:
        with Path(request.path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineError(f"The video cannot be opened: {error.strerror}.") from error
    key = json.dumps([VERSION, content, *astuple(request)[1:]])
    return settings.data_dir / "traits" / f"{content}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def load(path: Path, settings: Settings) -> Traits | None:
    """What is kept as `path`; None where there is nothing, or nothing that can be used."""
    try:
        return _adapter().validate_json(storage.get(f"traits/{path.name}", settings) or b"")
    except (storage.StorageError, OSError, ValueError):
        return None


def save(path: Path, traits: Traits, settings: Settings) -> None:
    """Keep `traits` as `path`; whoever reads it meanwhile finds the old content or the new, never a part."""
    try:
        storage.put(f"traits/{path.name}", _adapter().dump_json(traits), settings)
    except storage.StorageError as error:
        log.warning("what was measured is not kept: %s", error)


@cache
def _adapter():
    from pydantic import TypeAdapter

    return TypeAdapter(Traits)
