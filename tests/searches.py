"""Searches for the tests of the queue: stages that take no time, or stop until they are told to go on."""

import threading
import wave
from pathlib import Path

from PIL import Image

import pipeline
from pipeline import Query, StageResult, files

QUERY = Query(("AI",), seed=1)


def made(value, seconds=1.0, engine="instant", **more):
    """What a stage has made."""
    return StageResult(value=value, engine=engine, seconds=seconds, **more)


CLIP = {
    "title": "Clip",
    "tag": "AI",
    "url": "/clips/library/clip.mp4",
    "seconds": 1.0,
    "transcript": "",
    "on_screen_text": "",
    "phrases": [],
    "error": None,
}
RESULTS = {
    "videos": made([CLIP]),
    "summary": made({"summary": "A summary.", "tags": ["ai"], "ideas": []}),
    "music": made({"music": "music.wav"}),
    "image": made({"image": "image.png"}),
}
VIDEO = made({"video": "draft.mp4"})


def instant(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
    """A whole search that takes no time and leaves its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in pipeline.stages_of(query):
        if stage in earlier:
            continue
        on_progress(stage, 0, 2, f"Beginning {stage}")
        on_progress(stage, 2, 2, f"Ended {stage}")
        result = VIDEO if stage == "video" else RESULTS[stage]
        for name in files.names(stage, result):
            (folder / name).write_bytes(f"{name} of {query.seed}".encode())
        on_result(stage, result)


class Held:
    """A search that leaves a file, then waits until `go` is set, asking as a stage does whether it may go on."""

    def __init__(self):
        self.go, self.begun, self.left = threading.Event(), [], threading.Event()

    def __call__(self, query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        self.begun.append(search_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".half").write_bytes(b"half")
            on_progress("videos", 0, 1, "Waiting")
            while not self.go.wait(0.02):
                on_progress("videos", 0, 1, "")
            instant(query, search_id, folder, settings, pools, on_progress, on_result, earlier)
        finally:
            self.left.set()


def media(path: Path) -> bytes:
    """What is heard or seen of a file that was made; two files of one seed differ in the time of their signatures."""
    if path.suffix == ".wav":
        with wave.open(str(path)) as sound:
            return sound.readframes(sound.getnframes())
    return Image.open(path).convert("RGB").tobytes() if path.suffix == ".png" else path.read_bytes()


def compared(result):
    """What a search has said, without what differs from run to run: its id, how long it took, when it was."""
    told = result.to_json()
    own = [told.pop(name) for name in ("id", "timings", "provenance")]
    assert all(own)
    return {name: value for name, value in told.items() if not name.endswith("_url")}
