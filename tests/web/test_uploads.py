"""Own videos: received, looked at, kept with the search that uses them, and not without one."""

import hashlib
import io

import pytest

from tools.waiting import until

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def app(open_app):
    return open_app(max_running=1, max_queued=1, max_video_mb=1)


@pytest.fixture
def client(app):
    return app.test_client()


def send(client, *videos, **asked):
    files = [(io.BytesIO(content), name) for name, content in videos]
    return client.post("/search", data={"videos": files, **asked}, headers=ASYNC)


def on_disk(app):
    return sorted(path.name for path in (app.extensions["settings"].data_dir / "uploads").glob("*"))


@pytest.fixture
def video(silent_clip):
    return "Mine.mp4", silent_clip.read_bytes()


def test_own_videos_need_no_tags_and_stay_until_their_search_is_deleted(client, app, held, video):
    held.go.set()
    answer = send(client, video)
    assert answer.status_code == 202
    (kept,) = on_disk(app)
    served = client.get(f"/clips/uploads/{kept}").data  # what its maker's device wrote beside the picture is gone
    assert f"{hashlib.sha256(served).hexdigest()}.mp4" == kept
    job_id = answer.get_json()["id"]
    assert app.extensions["jobs"].wait(job_id).query.uploads == ((kept, "Mine.mp4"),)
    app.extensions["jobs"].delete(job_id)
    assert on_disk(app) == []


def test_the_same_video_twice_is_one(client, app, video):
    assert send(client, video, ("Again.mp4", video[1])).status_code == 202
    assert len(on_disk(app)) == 1


def test_of_a_search_that_is_not_taken_nothing_is_kept(client, app, held, video):
    send(client, tags="AI", seed="1")
    until(lambda: held.begun)
    send(client, tags="AI", seed="2")
    assert send(client, video).status_code == 503
    assert on_disk(app) == []


@pytest.mark.parametrize(
    ("name", "content", "status", "hint"),
    [
        ("notes.mp4", b"no video at all", 415, "“notes.mp4” is not a video"),
        ("empty.mp4", b"", 422, "“empty.mp4” is empty"),
        ("large.mp4", b"\0\0\0\x20ftypisom" + b"\0" * 1024**2, 413, "“large.mp4” is larger than 1 MB"),
        ("cut.mp4", b"\0\0\0\x20ftypisom", 422, "“cut.mp4” cannot be read"),
    ],
)
def test_a_file_that_is_refused_is_named_and_none_is_kept(client, app, video, name, content, status, hint):
    answer = send(client, video, (name, content))
    assert (answer.status_code, answer.get_json()["field"]) == (status, "videos")
    assert answer.get_json()["detail"].startswith(hint)
    assert on_disk(app) == []


def test_what_is_wrong_beside_the_videos_keeps_none_of_them(client, app, video):
    answer = send(client, video, seconds="7")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "seconds")
    assert on_disk(app) == []


def test_more_than_three_are_refused(client, app, video):
    answer = send(client, *[video] * 4)
    assert (answer.status_code, answer.get_json()["field"]) == (422, "videos")
    assert on_disk(app) == []
