"""Google Drive: how a video is fetched, resumed, given up and called off."""

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.engines import Cancelled, no_report
from tests.tiktok_videos.drive.support import FOLDER, MP4, fails, leftovers
from tiktok_videos import drive
from tools.services.drive import File, refuses


def test_a_video_is_fetched_in_chunks_and_only_once(server, settings, clip):
    seen = []
    path = drive.fetch(clip, settings, lambda *report: seen.append(report))
    assert path.read_bytes() == MP4
    assert path.suffix == ".mp4"
    assert [done for done, _, _ in seen] == [65536, 131072, 196608, 262144, len(MP4), len(MP4)]
    assert {(total, what) for _, total, what in seen} == {(len(MP4), "A clip")}
    before = len(server.requests)
    assert drive.fetch(clip, settings, no_report) == path
    assert len(server.requests) == before
    assert leftovers(settings) == [path]


def test_a_video_that_changed_is_fetched_again(server, settings, clip):
    drive.fetch(clip, settings, no_report)
    server.files[0].content = MP4 + b"!"
    changed = drive.videos(FOLDER, 3, settings)[0]
    path = drive.fetch(changed, settings, no_report)
    assert path.read_bytes() == MP4 + b"!"


def test_what_was_fetched_is_found_by_its_key_alone(settings, clip):
    assert drive.stored(clip.key, settings) is None
    path = drive.fetch(clip, settings, no_report)
    assert drive.stored(clip.key, settings) == path
    for key in ("clip", "clip-1.", "*", "../videos/clip-1", "", "clip-\x00"):
        assert drive.stored(key, settings) is None


def test_many_who_want_the_same_video_fetch_it_once(server, settings, clip):
    with ThreadPoolExecutor(5) as pool:
        paths = set(pool.map(lambda _: drive.fetch(clip, settings, no_report), range(5)))
    assert len(paths) == 1
    assert len(server.downloads()) == 5  # the chunks of one download


def test_videos_are_fetched_side_by_side(server, settings):
    server.files += [File(f"clip-{number}", "folder-1", MP4[:1000] * (number + 1)) for number in range(4)]
    videos = drive.videos(FOLDER, 4, settings)
    server.delay = 0.3
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda video: drive.fetch(video, settings, no_report), videos))
    assert time.monotonic() - start < 4 * 0.3
    assert [path.stat().st_size for path in paths] == [video.size for video in videos]


def test_a_broken_download_goes_on_where_it_broke_off(server, settings, clip):
    server.fail("closed half-way", times=2, path="alt=media")
    assert drive.fetch(clip, settings, no_report).read_bytes() == MP4
    ranges = [request.headers["range"] for request in server.downloads()]
    assert ranges[:4] == ["bytes=0-65535"] * 3 + ["bytes=65536-131071"]


@pytest.mark.parametrize(
    "fault",
    [
        refuses(429, "rateLimitExceeded"),
        refuses(403, "rateLimitExceeded"),
        refuses(403, "userRateLimitExceeded"),
        refuses(500, "backendError"),
        "503",
        "closed at once",
        "length too long",
    ],
)
@pytest.mark.parametrize("path", ["/token", "/files\\?", "alt=media"])
def test_what_passes_is_tried_again(server, settings, fault, path):
    server.files.append(File("clip-1", "folder-1", MP4))
    server.fail(fault, times=1, path=path)
    video = drive.videos(FOLDER, 3, settings)[0]
    assert drive.fetch(video, settings, no_report).read_bytes() == MP4


def test_retry_after_is_honoured(server, settings, clip):
    server.fail(refuses(429, "rateLimitExceeded", Retry_After="1"), times=1, path="alt=media")
    start = time.monotonic()
    drive.fetch(clip, replace(settings, service_timeout=3), no_report)
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_retry_after_beyond_the_time_out_is_not_waited_for(server, settings, clip, wait):
    server.fail(refuses(429, "rateLimitExceeded", Retry_After=wait), path="alt=media")
    assert "too often" in fails(lambda: drive.fetch(clip, settings, no_report), within=0.5)


def test_a_video_that_is_too_large_is_not_begun(server, settings):
    server.files.append(File("big", "folder-1", b"x", size=1024 * 1024 + 1))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "MAX_VIDEO_MB" in fails(lambda: drive.fetch(video, replace(settings, max_video_mb=1), no_report))
    assert not server.downloads()


def test_a_video_that_turns_out_too_large_is_stopped(server, settings):
    server.files.append(File("big", "folder-1", bytes(1024 * 1024 + 1), size=5))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "MAX_VIDEO_MB" in fails(lambda: drive.fetch(video, replace(settings, max_video_mb=1), no_report))
    assert len(server.downloads()) == 1
    assert not leftovers(settings)


def test_a_full_disk_is_said_and_leaves_nothing_behind(settings, clip):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # a file that cannot grow, as on a full disk
    try:
        message = fails(lambda: drive.fetch(clip, settings, no_report))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "DATA_DIR" in message
    assert not leftovers(settings)


def test_a_disk_without_room_is_noticed_before_the_download(server, settings, clip, monkeypatch):
    monkeypatch.setattr(drive, "SPARE_DISK", 2**62)
    assert "no room" in fails(lambda: drive.fetch(clip, settings, no_report))
    assert not server.downloads()


@pytest.mark.parametrize("chunks", [1, 3])
def test_a_search_called_off_leaves_nothing_behind(server, settings, clip, chunks):
    seen = []

    def report(*_):
        seen.append(1)
        if len(seen) == chunks:
            raise Cancelled

    with pytest.raises(Cancelled):
        drive.fetch(clip, settings, report)
    assert not leftovers(settings)
    assert server.idle()


def test_a_search_called_off_does_not_wait_for_a_server_that_hangs(server, settings, clip):
    server.fail("hangs", path="alt=media")

    def report(*_):
        raise Cancelled

    start = time.monotonic()
    with pytest.raises(Cancelled):
        drive.fetch(clip, replace(settings, service_timeout=20), report)
    assert time.monotonic() - start < 1.5
    assert server.idle()
