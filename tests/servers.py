"""A studio of the tests' own: the real process on a free port, or the application in this process."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from flask import Flask

from settings import ROOT, Settings

START = 60  # seconds
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


@contextmanager
def serving(folder: Path, command: Sequence[str] = (sys.executable, "app.py"), **chosen: object) -> Iterator[str]:
    """Serve a studio with these settings and yield its address; its output goes to `folder / "log"`."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment(folder, PORT=port, **chosen), stdout=output, stderr=output
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(address, server, log):
    deadline = time.monotonic() + START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"The studio did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def started(app: Flask) -> Iterator[Flask]:
    """The application with its queue at work."""
    app.extensions["jobs"].start()
    try:
        yield app
    finally:
        app.extensions["jobs"].close()
        app.extensions["pools"].close()
