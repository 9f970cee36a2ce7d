"""Searches for the tests of the queue: stages that take no time, or stop until they are told to go on."""

import threading
import time

import pipeline
from pipeline import Query

QUERY = Query(("AI",), seed=1)


def made(value, seconds=1.0, engine="instant", **more):
    """What a stage hands to `show`."""
    return {"value": value, "engine": engine, "warnings": [], "seconds": seconds, **more}


MADE = {
    "videos": made([{"title": "Clip", "error": None}]),
    "summary": made({"summary": "A summary.", "tags": ["ai"], "ideas": []}),
    "music": made({"music": "music.wav"}),
    "image": made({"image": "image.png"}),
}


def instant(query, search_id, folder, watch, show, made):
    """A whole search that takes no time and leaves its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in pipeline.STAGES:
        if stage in made:
            continue
        watch(stage, 0, 2, f"Beginning {stage}")
        watch(stage, 2, 2, f"Ended {stage}")
        for name in (MADE[stage]["value"] if stage in ("music", "image") else {}).values():
            (folder / name).write_bytes(f"{name} of {query.seed}".encode())
        show(stage, MADE[stage])


class Held:
    """A search that leaves a file, then waits until `go` is set, asking as a stage does whether it may go on."""

    def __init__(self):
        self.go, self.begun, self.left = threading.Event(), [], threading.Event()

    def __call__(self, query, search_id, folder, watch, show, made):
        self.begun.append(search_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".half").write_bytes(b"half")
            watch("videos", 0, 1, "Waiting")
            while not self.go.wait(0.02):
                watch("videos", 0, 1, "")
            instant(query, search_id, folder, watch, show, made)
        finally:
            self.left.set()


def until(condition, seconds=30):
    """Wait until a condition holds; fails where it does not in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found
