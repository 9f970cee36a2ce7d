"""What to run a studio with, for tests and attacks: the built-in engines, and a folder for all that it writes."""

import os
from dataclasses import fields
from pathlib import Path

from settings import Settings

BUILT_IN = {
    "SPEECH_ENGINES": "whisper",
    "SUMMARY_ENGINES": "extractive",
    "MUSIC_ENGINES": "composer",
    "IMAGE_ENGINES": "poster",
    "VIDEO_SOURCES": "library",
    "MUSIC_SECONDS": "5",
    "MAX_VIDEO_MB": "5",
}


def environment(folder: Path, **chosen: object) -> dict[str, str]:
    """What to run the studio with: nothing set but the built-in engines, a folder for all that it writes, and `chosen`.

    A setting that is empty counts as not set, so that a developer's own `.env` changes nothing.
    """
    unset = {option.name.upper(): "" for option in fields(Settings)}
    folders = {"DATA_DIR": folder / "data", "GENERATED_DIR": folder / "generated"}
    own = {name: str(value) for name, value in {**folders, **chosen}.items()}
    # Under `make test`, a make that is run by a test would take itself for a part of that one and say so.
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return {**outside, **unset, **BUILT_IN, **own}
