"""Google Drive without a service account, over TLS and through a proxy."""

import re
import time
from dataclasses import replace

import certifi
import pytest

from core.engines import Cancelled, no_report
from tests.tiktok_videos.drive.support import FOLDER, LATE, MP4, fails, leftovers
from tiktok_videos import drive, drive_public
from tiktok_videos.catalogue import Category
from tools.services import faults
from tools.services.drive import File, PublicDrive, certify

LONG = "1AbCdEfGhIjKlMnOpQrStUvWxYz"  # ids on Drive's pages have at least 25 signs


OPEN_FOLDER = Category("drive", LONG, ("AI",))


@pytest.fixture
def pages(tmp_path, monkeypatch):
    certificate = certify(tmp_path / "certificate.pem")
    with PublicDrive(certificate) as pages:
        monkeypatch.setenv("HTTPS_PROXY", pages.url)
        monkeypatch.setenv("https_proxy", pages.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        pages.files.append(File(LONG + "-1", LONG, MP4, "A clip.mp4"))
        yield pages


@pytest.fixture
def public(settings, pages):
    return replace(settings, google_service_account_file="", service_timeout=6)


@pytest.fixture
def over_tls(settings, server, pages, monkeypatch):
    """The settings for Drive's API over https, through a proxy."""
    monkeypatch.setattr(pages, "answer", server.answer)
    server.files.append(File("clip-1", "folder-1", MP4))
    return replace(settings, google_drive_url="https://drive.google.com/drive/v3")


def test_the_api_is_asked_over_https_and_through_a_proxy(over_tls, pages):
    video = drive.videos(FOLDER, 3, over_tls)[0]
    assert drive.fetch(video, over_tls, no_report).read_bytes() == MP4
    assert len(pages.requests) == 6
    assert pages.idle()


@pytest.mark.parametrize("fault", ["hangs", "slow drip", "slow head"])
def test_the_time_out_holds_over_https_too(over_tls, pages, fault):
    pages.fail(fault)
    assert LATE in fails(lambda: drive.videos(FOLDER, 3, over_tls))
    assert pages.idle()


def test_a_certificate_of_nobody_known_is_said(over_tls, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    assert "no secure connection" in fails(lambda: drive.videos(FOLDER, 3, over_tls))


def test_a_folder_open_to_all_is_listed_and_fetched_without_an_account(public, pages):
    pages.files.append(File(LONG + "-2", LONG, b"x", "Notes & more.txt"))
    video, *others = drive.videos(OPEN_FOLDER, 3, public)
    assert not others
    assert (video.key, video.title) == (LONG + "-1", "A clip")
    path = drive.fetch(video, public, no_report)
    assert path.read_bytes() == MP4
    assert path.suffix == ".mp4"
    before = len(pages.requests)
    assert drive.fetch(video, public, no_report) == path
    assert drive.stored(video.key, public) == path
    assert len(pages.requests) == before
    assert leftovers(public) == [path]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("404", "Anyone with the link"),
        ("429", "too often"),
        ("500", "out of order"),
        ("closed half-way", "broke off"),
        ("empty", "changed its pages"),
        ("hangs", "6 s|in time"),
        ("slow drip", "6 s"),
    ],
)
def test_a_public_folder_that_cannot_be_read_is_said_in_one_line(public, pages, fault, said):
    pages.fail(fault)
    limit = replace(public, service_timeout=2) if fault in ("hangs", "slow drip") else public
    message = fails(lambda: drive.videos(OPEN_FOLDER, 3, limit), within=6.5)
    assert re.search(said.replace("6 s", "2 s"), message)
    assert pages.idle()


def test_a_public_folder_that_shows_nothing_is_said(public, pages):
    pages.files[0].shared = False
    assert "Anyone with the link" in fails(lambda: drive.videos(OPEN_FOLDER, 3, public), within=6.5)


QUOTA = b'<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p>'


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.answers(200, b"<html>Sign in</html>", Content_Type="text/html"), "Anyone with the link"),
        (faults.answers(200, QUOTA, Content_Type="text/html"), "too often"),
        (faults.answers(404, b"", Content_Type="text/html", Content_Disposition="attachment"), "Anyone"),
        ("slow drip", "nothing more for 2 s"),
        ("not HTTP", "broke off|reached|nothing more"),
    ],
)
def test_a_public_video_that_cannot_be_fetched_is_said_in_one_line(public, pages, fault, said):
    video = drive.videos(OPEN_FOLDER, 3, public)[0]
    pages.fail(fault)
    limit = replace(public, service_timeout=2) if fault in ("slow drip", "not HTTP") else public
    message = fails(lambda: drive.fetch(video, limit, no_report), within=8)
    assert re.search(said, message)
    assert pages.idle()
    assert not leftovers(public)


@pytest.mark.parametrize("tick", [drive_public.TICK, 60], ids=["while it comes", "when it is there before any look"])
def test_a_public_video_that_is_too_large_is_refused(public, pages, monkeypatch, tick):
    monkeypatch.setattr(drive_public, "TICK", tick)
    pages.files[0].content = bytes(8 * 1024 * 1024)
    video = drive.videos(OPEN_FOLDER, 3, public)[0]
    assert "MAX_VIDEO_MB" in fails(lambda: drive.fetch(video, replace(public, max_video_mb=1), no_report), within=8)
    assert pages.idle()
    assert not leftovers(public)


def test_a_public_download_called_off_ends_gdown(public, pages):
    video = drive.videos(OPEN_FOLDER, 3, public)[0]
    pages.fail("hangs")
    end = time.monotonic() + 1

    def report(*_):
        if time.monotonic() > end:
            raise Cancelled

    with pytest.raises(Cancelled):
        drive.fetch(video, public, report)
    assert time.monotonic() - end < 1.5
    assert pages.idle()
    assert not leftovers(public)


def test_no_way_out_is_said_in_one_line(public, monkeypatch):
    with faults.refusing() as nowhere:
        monkeypatch.setenv("HTTPS_PROXY", nowhere)
        monkeypatch.setenv("https_proxy", nowhere)
        assert "HTTPS_PROXY" in fails(lambda: drive.videos(OPEN_FOLDER, 3, public), within=6.5)
