"""Hostile and broken clips, uploaded and read: a clear 4xx or a right result, and nothing left."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import tiktok_videos
from core import ffmpeg
from pipeline.clips import read_clip
from pipeline.progress import Progress, no_progress
from tests import processes
from tests.rounds import amount
from tests.web import clips
from tiktok_to_text import audio, frames

ASYNC = {"Prefer": "respond-async"}
CLIPS = amount(300, 5000)
READ_WHOLE = 40  # of those that are taken, one in so many is read as a search does it, which takes longest


@pytest.fixture
def app(open_app, held):
    held.go.set()
    return open_app(max_queued=100_000, max_video_seconds=30)


@pytest.fixture
def largest():
    """Bytes that the largest ffmpeg has held so far."""
    with processes.largest("ffmpeg") as most:
        yield most


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def send(app, name, content):
    """Upload a clip; return the answer, and where the clip is kept, None where it was refused."""
    answer = app.test_client(use_cookies=False).post(
        "/search", data={"videos": (io.BytesIO(content), name)}, headers=ASYNC
    )
    if answer.status_code != 202:
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["detail"].startswith(f"“{name}” ")
        return answer, None
    job = app.extensions["jobs"].get(answer.get_json()["id"])
    ((key, _),) = job.query.uploads
    return answer, tiktok_videos.stored("uploads", key, app.extensions["settings"])


def read(path, folder):
    """What the two readers take out of a clip that was let in: its sound, and its frames."""
    folder.mkdir(exist_ok=True)
    sound = audio.extract(path, folder)
    assert sound.has_picture
    assert 0 <= sound.seconds <= ffmpeg.MAX_SECONDS
    seen = list(frames.sample(path, sound.seconds))
    assert all(frame.planes.size for frame in seen)


def nothing_is_left(app, largest):
    data = app.extensions["settings"].data_dir
    left = [path for folder in ("uploads", "tmp") for path in (data / folder).rglob("*") if path.is_file()]
    assert left == []
    assert [line for line in processes.children().values() if "ffmpeg" in line] == []
    assert 0 < largest() <= ffmpeg.MAX_MEMORY


@pytest.mark.slow
def test_every_file_of_the_corpus_is_refused_or_read(app, folder, tmp_path, largest):
    for file in clips.corpus(folder):
        answer, kept = send(app, file.name, file.content)
        assert answer.status_code in file.statuses, file.name
        if kept:
            read(kept, tmp_path / "sound")
            app.extensions["jobs"].delete(answer.get_json()["id"])
    nothing_is_left(app, largest)


@pytest.mark.slow
@pytest.mark.timeout(amount(300, 7200))
def test_mutated_clips_are_refused_or_read(app, folder, tmp_path, largest):
    whole = {kind: clips.whole(folder, kind) for kind in clips.KINDS}
    kinds, taken, lock = tuple(whole), [], threading.Lock()

    def one(number):
        kind = kinds[number % len(kinds)]
        answer, kept = send(app, f"{number}.{kind}", clips.mutated(whole[kind], number))
        assert answer.status_code in (202, 415, 422), number
        if kept is None:
            return
        read(kept, tmp_path / str(number))
        with lock:
            taken.append(number)
            is_read_whole = len(taken) % READ_WHOLE == 0
        if is_read_whole:
            in_full(app, kept, number)
        app.extensions["jobs"].delete(answer.get_json()["id"])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(CLIPS)))
    assert CLIPS // 20 < len(taken) < CLIPS, "both kinds of answers have to be met"
    nothing_is_left(app, largest)


def in_full(app, kept, number):
    """Read a clip as a search does: it has a result, or an error that says so."""
    settings = replace(app.extensions["settings"], speech_engines=("whisper",))
    video = tiktok_videos.Video("uploads", kept.name, str(number), modified=0.0, tag="")
    clip = read_clip(video, "en-US", settings, Progress("videos", no_progress, 1).part(0.0, 1.0))
    assert (clip.text is None) == bool(clip.error)
    assert clip.text is None or clip.text.warnings == ()
