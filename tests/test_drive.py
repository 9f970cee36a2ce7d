"""Google Drive: folders of tags, listing, fetching, and what is said when any of it fails."""

import json
import logging
import re
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import certifi
import httplib2
import pytest

from engines import Cancelled, EngineError, silent
from settings import ROOT, SettingsError
from tests.services import faults
from tests.services.drive import Drive, File, PublicDrive, certify, make_key, pem, refuses
from tiktok_videos import drive
from tiktok_videos.catalogue import Category

TIMEOUT = 1  # seconds that a call may take in these tests
GRACE = 0.8  # seconds more that a busy machine may take
FOLDER = Category("drive", "folder-1", ("AI",))
MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(250)) * 1200


@pytest.fixture(scope="module")
def key():
    return make_key()


@pytest.fixture
def server(key):
    with Drive(key) as server:
        yield server


@pytest.fixture
def settings(settings, server, tmp_path, monkeypatch):
    """Drive set up with one folder, at a loopback server, in chunks of 64 KB and with short pauses."""
    from tiktok_videos import drive_api

    monkeypatch.setattr(drive_api, "CHUNK", 64 * 1024)
    monkeypatch.setattr(drive_api, "FIRST_PAUSE", 0.05)
    return replace(
        settings,
        google_service_account_file=str(server.write_key(tmp_path / "key.json")),
        google_drive_url=server.api,
        drive_folders=write_folders(tmp_path, '[technology]\ntags = ["AI"]\nfolder_id = "folder-1"\n'),
        service_timeout=TIMEOUT,
    )


@pytest.fixture
def clip(server, settings):
    """A video of five chunks, as it is listed."""
    server.files.append(File("clip-1", "folder-1", MP4, "A clip.mp4"))
    return drive.videos(FOLDER, 3, replace(settings, service_timeout=10))[0]


def write_folders(tmp_path, text):
    path = tmp_path / "folders.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def fails(call, within=TIMEOUT + GRACE):
    """The message with which `call` raises EngineError: one line, in time."""
    start = time.monotonic()
    with pytest.raises(EngineError) as caught:
        call()
    assert time.monotonic() - start < within
    message = str(caught.value)
    assert re.fullmatch(r"[A-Z“][^\n]{20,250}\.", message)
    return message


def leftovers(settings):
    return [path for path in settings.data_dir.rglob("*") if path.is_file() or ".part" in path.name]


# Folders and tags


def test_folders_become_categories(settings, tmp_path):
    text = '[a]\ntags = ["#AI", "Künstliche Intelligenz"]\nfolder_id = "1Ab_c-D"\n[b]\ntags = ["x"]\nfolder_id = "2"\n'
    settings = replace(settings, drive_folders=write_folders(tmp_path, text))
    assert drive.missing(settings) is None
    assert drive.categories(settings) == [
        Category("drive", "1Ab_c-D", ("AI", "KünstlicheIntelligenz")),
        Category("drive", "2", ("x",)),
    ]


def test_without_folders_drive_is_not_set_up(settings, tmp_path):
    empty = replace(settings, drive_folders=write_folders(tmp_path, "# [a]\n"))
    absent = replace(settings, drive_folders=tmp_path / "absent.toml")
    for settings in (empty, absent):
        assert "DRIVE_FOLDERS" in drive.missing(settings)
        assert drive.folders(settings) == []


def test_the_folders_file_that_is_shipped_names_no_folders_and_its_example_is_valid(settings, tmp_path):
    shipped = ROOT / "tiktok_videos" / "folders.toml"
    assert drive.missing(replace(settings, drive_folders=shipped))
    example = re.sub(r"^# (?=\[|tags|folder_id =)", "", shipped.read_text(), flags=re.MULTILINE)
    assert len(drive.folders(replace(settings, drive_folders=write_folders(tmp_path, example)))) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\ntags = ["AI"\nfolder_id = "1"\n', "line 3"),
        (b'[a]\ntags = ["caf\xe9"]\n', "line 2"),
        ("[a]\n[a]\n", "line 2"),
        ('tags = ["AI"]\n', "[tags]"),
        ('[a]\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = "AI"\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = []\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = ["AI", 5]\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = ["A/I"]\nfolder_id = "1"\n', "[a]"),
        ('[b]\ntags = ["AI"]\n', "[b]"),
        ('[b]\ntags = ["AI"]\nfolder_id = "https://drive.google.com/drive/folders/1"\n', "[b]"),
        ('[b]\ntags = ["AI"]\nfolder_id = "\' or name contains \'"\n', "[b]"),
    ],
)
def test_a_malformed_folders_file_is_an_error_that_names_the_place(settings, tmp_path, text, said):
    settings = replace(settings, drive_folders=write_folders(tmp_path, text))
    with pytest.raises(SettingsError) as caught:
        drive.folders(settings)
    assert "DRIVE_FOLDERS" in str(caught.value)
    assert said in str(caught.value)
    assert drive.missing(settings) is None
    with pytest.raises(EngineError, match=re.escape(said)):
        drive.categories(settings)


# Listing


def test_the_newest_videos_of_the_folder_are_listed(server, settings):
    server.files += [
        File("old", "folder-1", b"1", "Old.mp4", "2024-01-01T00:00:00.000Z"),
        File("newest", "folder-1", b"22", "Ünïcode\x07 clip.MOV", "2026-03-01T12:00:00.500Z"),
        File("middle", "folder-1", b"333", "Middle", "2025-01-01T00:00:00.000Z"),
        File("elsewhere", "folder-2", b"4", modified="2026-04-01T00:00:00.000Z"),
        File("text", "folder-1", b"4", mime="text/plain", modified="2026-04-01T00:00:00.000Z"),
        File("bin", "folder-1", b"4", trashed=True, modified="2026-04-01T00:00:00.000Z"),
    ]
    videos = drive.videos(FOLDER, 2, settings)
    assert [(video.key, video.title, video.size) for video in videos] == [
        ("newest", "Ünïcode clip", 2),
        ("middle", "Middle", 3),
    ]
    assert videos[0].modified == 1772366400.5
    assert videos[0].checksum == "b6d767d2f8ed5d21a44b0e5886680cb9"


def test_listing_turns_pages_until_it_has_enough(server, settings):
    server.files += [File(f"clip-{day}", "folder-1", modified=f"2026-01-0{day}T00:00:00Z") for day in range(1, 8)]
    server.page = 2
    assert [video.key for video in drive.videos(FOLDER, 3, settings)] == ["clip-7", "clip-6", "clip-5"]
    assert len(server.listings()) == 2


def test_pages_without_end_end_in_time(server, settings):
    server.fail(faults.answers(200, {"files": [], "nextPageToken": "p0"}), path="/files")
    assert "within 1 s" in fails(lambda: drive.videos(FOLDER, 3, settings))


def test_a_folder_id_with_quotes_asks_for_that_folder_only(server, settings):
    drive_id = "a' in parents or name contains '\\"
    fails(lambda: drive.videos(replace(FOLDER, key=drive_id), 3, settings))
    assert server.listings()[0].query["q"].startswith(r"'a\' in parents or name contains \'\\' in parents and ")


@pytest.mark.parametrize("about", [{"id": "../../etc/passwd"}, {"id": ""}, {"md5Checksum": "/../x"}, {"id": ["a"]}])
def test_a_file_whose_id_is_no_id_is_refused(server, settings, about):
    server.files.append(File("clip-1", "folder-1", about=about))
    assert "makes no sense" in fails(lambda: drive.videos(FOLDER, 3, settings))


def test_one_token_serves_many_calls(server, settings):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: drive.videos(FOLDER, 3, settings), range(8)))
    assert len(server.tokens) == 1


def test_a_token_that_was_withdrawn_is_asked_for_again(server, settings):
    drive.videos(FOLDER, 3, settings)
    server.tokens.append("another")
    drive.videos(FOLDER, 3, settings)
    assert len(server.tokens) == 3


# Fetching


def test_a_video_is_fetched_in_chunks_and_only_once(server, settings, clip):
    seen = []
    path = drive.fetch(clip, settings, lambda *report: seen.append(report))
    assert path.read_bytes() == MP4
    assert path.suffix == ".mp4"
    assert [done for done, _, _ in seen] == [65536, 131072, 196608, 262144, len(MP4), len(MP4)]
    assert {(total, what) for _, total, what in seen} == {(len(MP4), "A clip")}
    before = len(server.requests)
    assert drive.fetch(clip, settings, silent) == path
    assert len(server.requests) == before
    assert leftovers(settings) == [path]


def test_a_video_that_changed_is_fetched_again(server, settings, clip):
    drive.fetch(clip, settings, silent)
    server.files[0].content = MP4 + b"!"
    changed = drive.videos(FOLDER, 3, settings)[0]
    path = drive.fetch(changed, settings, silent)
    assert path.read_bytes() == MP4 + b"!"


def test_what_was_fetched_is_found_by_its_key_alone(settings, clip):
    assert drive.stored(clip.key, settings) is None
    path = drive.fetch(clip, settings, silent)
    assert drive.stored(clip.key, settings) == path
    for key in ("clip", "clip-1.", "*", "../videos/clip-1", "", "clip-\x00"):
        assert drive.stored(key, settings) is None


def test_many_who_want_the_same_video_fetch_it_once(server, settings, clip):
    with ThreadPoolExecutor(5) as pool:
        paths = set(pool.map(lambda _: drive.fetch(clip, settings, silent), range(5)))
    assert len(paths) == 1
    assert len(server.downloads()) == 5  # the chunks of one download


def test_videos_are_fetched_side_by_side(server, settings):
    server.files += [File(f"clip-{number}", "folder-1", MP4[:1000] * (number + 1)) for number in range(4)]
    videos = drive.videos(FOLDER, 4, settings)
    server.delay = 0.3
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda video: drive.fetch(video, settings, silent), videos))
    assert time.monotonic() - start < 4 * 0.3
    assert [path.stat().st_size for path in paths] == [video.size for video in videos]


def test_a_broken_download_goes_on_where_it_broke_off(server, settings, clip):
    server.fail("closed half-way", times=2, path="alt=media")
    assert drive.fetch(clip, settings, silent).read_bytes() == MP4
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
    assert drive.fetch(video, settings, silent).read_bytes() == MP4


def test_retry_after_is_honoured(server, settings, clip):
    server.fail(refuses(429, "rateLimitExceeded", Retry_After="1"), times=1, path="alt=media")
    start = time.monotonic()
    drive.fetch(clip, replace(settings, service_timeout=3), silent)
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_retry_after_beyond_the_time_out_is_not_waited_for(server, settings, clip, wait):
    server.fail(refuses(429, "rateLimitExceeded", Retry_After=wait), path="alt=media")
    assert "too often" in fails(lambda: drive.fetch(clip, settings, silent), within=0.5)


def test_a_video_that_is_too_large_is_not_begun(server, settings):
    server.files.append(File("big", "folder-1", b"x", size=1024 * 1024 + 1))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "MAX_VIDEO_MB" in fails(lambda: drive.fetch(video, replace(settings, max_video_mb=1), silent))
    assert not server.downloads()


def test_a_video_that_turns_out_too_large_is_stopped(server, settings):
    server.files.append(File("big", "folder-1", bytes(1024 * 1024 + 1), size=5))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "MAX_VIDEO_MB" in fails(lambda: drive.fetch(video, replace(settings, max_video_mb=1), silent))
    assert len(server.downloads()) == 1
    assert not leftovers(settings)


def test_a_full_disk_is_said_and_leaves_nothing_behind(settings, clip):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # a file that cannot grow, as on a full disk
    try:
        message = fails(lambda: drive.fetch(clip, settings, silent))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "DATA_DIR" in message
    assert not leftovers(settings)


def test_a_disk_without_room_is_noticed_before_the_download(server, settings, clip, monkeypatch):
    monkeypatch.setattr(drive, "SPARE_DISK", 2**62)
    assert "no room" in fails(lambda: drive.fetch(clip, settings, silent))
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


# Faults

SIGN_IN, LIST, MEDIA = "/token", "/files\\?", "alt=media"
NO_SENSE, BROKE_OFF, LATE, DOWN = "makes no sense", "broke off", "within 1 s", "out of order"
WRONG_KEY, NOT_SHARED = "does not accept the service account", "Share the folder"

FAULTS = [
    *((where, "hangs", LATE) for where in (SIGN_IN, LIST, MEDIA)),
    *((where, "slow drip", LATE) for where in (SIGN_IN, LIST, MEDIA)),
    *((where, "slow head", LATE) for where in (SIGN_IN, LIST, MEDIA)),
    *((SIGN_IN, status, WRONG_KEY) for status in ("400", "401", "403", "404")),
    *((where, "400", "did not understand") for where in (LIST, MEDIA)),
    *((where, "401", WRONG_KEY) for where in (LIST, MEDIA)),
    *((where, "403", NOT_SHARED) for where in (LIST, MEDIA)),
    *((where, refuses(403, "insufficientFilePermissions"), NOT_SHARED) for where in (LIST, MEDIA)),
    *((where, refuses(403, "rateLimitExceeded"), "too often") for where in (LIST, MEDIA)),
    *((where, refuses(403, "downloadQuotaExceeded"), "quota") for where in (LIST, MEDIA)),
    (LIST, refuses(403, "accessNotConfigured"), "switched off"),
    *((where, "404", "not shared") for where in (LIST, MEDIA)),
    *((where, "429", "too often") for where in (LIST, MEDIA)),
    (SIGN_IN, "429", DOWN),
    *((where, status, DOWN) for where in (SIGN_IN, LIST, MEDIA) for status in ("500", "503")),
    *((where, "closed half-way", BROKE_OFF) for where in (SIGN_IN, LIST, MEDIA)),
    *((where, "closed at once", BROKE_OFF) for where in (SIGN_IN, LIST, MEDIA)),
    *((where, "length too long", BROKE_OFF) for where in (SIGN_IN, LIST, MEDIA)),
    *((where, "length too short", NO_SENSE) for where in (SIGN_IN, LIST)),
    *((where, fault, NO_SENSE) for where in (SIGN_IN, LIST) for fault in ("invalid JSON", "wrong shape", "a list")),
    *((where, "nested too deep", NO_SENSE) for where in (SIGN_IN, LIST)),
    *((where, "empty", NO_SENSE) for where in (SIGN_IN, LIST)),
    *((where, "not UTF-8", NO_SENSE) for where in (SIGN_IN, LIST)),
    *((where, "10 MB of rubbish", NO_SENSE) for where in (SIGN_IN, LIST, MEDIA)),
    *((where, "not HTTP", NO_SENSE) for where in (SIGN_IN, LIST, MEDIA)),
    *((LIST, faults.answers(200, {"files": files}), NO_SENSE) for files in (5, "x", [5], [{}], {"a": 1})),
    (LIST, faults.answers(200, {"files": [], "nextPageToken": 5}), NO_SENSE),
    *((SIGN_IN, faults.answers(200, {"access_token": token}), "sense") for token in (None, 5, "", "a\r\nb: c")),
    (SIGN_IN, faults.answers(200, {"access_token": "a", "expires_in": {}}), NO_SENSE),
    *((LIST, faults.answers(403, body), NOT_SHARED) for body in (b"\xff\xfe", b"", [], {"error": "errors"})),
    (MEDIA, "length too short", "nothing more"),
    (MEDIA, "empty", "wrong length"),
    (MEDIA, "invalid JSON", "wrong length"),
    (MEDIA, faults.answers(206, b"x" * 10, Content_Range="bytes 0-9/many"), NO_SENSE),
    (MEDIA, faults.answers(206, b"", Content_Range="bytes 0-9/300012"), "nothing more"),
    (MEDIA, faults.answers(416), NO_SENSE),
    *((where, "redirects elsewhere", "cannot be reached") for where in (LIST, MEDIA)),
]


def secrets_of(server, settings):
    key = json.loads((ROOT / settings.google_service_account_file).read_text())
    body = [line for line in key["private_key"].splitlines() if "-----" not in line]
    return [*body, key["client_email"], key["private_key_id"], key["client_id"], *server.tokens]


@pytest.mark.parametrize(("where", "fault", "said"), FAULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_fault_ends_in_one_clear_line_and_leaves_nothing_behind(
    server, settings, clip, caplog, capfd, where, fault, said
):
    caplog.set_level(logging.DEBUG)
    if where == SIGN_IN:
        forget_tokens()
    threads, files = set(threading.enumerate()), open_files()
    server.fail(fault, path=where)
    message = fails((lambda: drive.fetch(clip, settings, silent)) if where == MEDIA else lambda: drive.check(settings))
    assert said in message
    assert ("sign-in" in message) == (where == SIGN_IN)
    assert server.idle()
    assert not leftovers(settings)
    # The server's own threads come and go with its connections.
    assert {thread for thread in threading.enumerate() if "process_request" not in thread.name} <= threads
    assert open_files() <= files
    written = message + caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in secrets_of(server, settings) if secret in written]


def forget_tokens():
    from tiktok_videos import drive_api

    drive_api._load_credentials.cache_clear()


def open_files():
    """How many files this process has open, connections aside: the server's own close in their own time."""
    places = []
    for number in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            places.append(str(number.readlink()))
    return len([place for place in places if not place.startswith(("socket:", "/proc"))])


def test_a_server_that_repeats_the_token_gets_it_into_no_log(server, settings, caplog):
    caplog.set_level(logging.DEBUG)

    def echo(handler, _reply):
        faults.send(handler, faults.Reply(str(handler.headers).encode(), 403))

    server.fail(echo, path=LIST)
    message = fails(lambda: drive.videos(FOLDER, 3, settings))
    assert server.tokens[0] in server.requests[-1].headers["authorization"]
    assert server.tokens[0] not in message + caplog.text


def test_a_redirect_does_not_take_the_token_along(server, settings, key):
    with Drive(key) as other:
        server.fail(faults.answers(302, b"", Location=f"{other.url}/drive/v3/files?x"), path=LIST)
        fails(lambda: drive.videos(FOLDER, 3, settings))
        assert other.requests
        assert not [request for request in other.requests if "authorization" in request.headers]


def test_a_connection_that_is_refused_is_said_at_once(settings, tmp_path, server):
    with faults.refusing() as nowhere:
        message = fails(lambda: drive.videos(FOLDER, 3, replace(settings, google_drive_url=f"{nowhere}/drive/v3/")))
        assert "cannot be reached" in message
        assert "GOOGLE_DRIVE_URL" in message
        server.write_key(tmp_path / "key.json", token_uri=f"{nowhere}/token")
        message = fails(lambda: drive.videos(FOLDER, 3, settings))
        assert "sign-in cannot be reached" in message


def test_a_host_without_an_address_is_said(settings):
    settings = replace(settings, google_drive_url="http://nowhere.invalid/drive/v3/")
    assert "cannot be reached" in fails(lambda: drive.videos(FOLDER, 3, settings), within=20)


def test_a_wrong_checksum_is_noticed(server, settings):
    server.files.append(File("clip-1", "folder-1", MP4, checksum="0" * 32))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "damaged" in fails(lambda: drive.fetch(video, settings, silent))
    assert not leftovers(settings)


def test_a_wrong_size_is_noticed(server, settings):
    server.files.append(File("clip-1", "folder-1", MP4, size=len(MP4) + 1))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "wrong length" in fails(lambda: drive.fetch(video, settings, silent))
    assert not leftovers(settings)


def test_a_key_of_somebody_else_is_told_apart_from_a_service_that_is_down(server, settings, tmp_path):
    server.write_key(tmp_path / "key.json", private_key=pem(make_key()))
    message = fails(lambda: drive.videos(FOLDER, 3, settings))
    assert WRONG_KEY in message
    assert "invalid_grant" in message


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"5", b"\xff\xfe", b'{"type": "service_account"}'])
def test_a_file_that_is_no_key_is_said(settings, tmp_path, content):
    (tmp_path / "key.json").write_bytes(content)
    assert "GOOGLE_SERVICE_ACCOUNT_FILE is not the key" in fails(lambda: drive.videos(FOLDER, 3, settings))


def test_a_key_that_is_damaged_is_said_without_repeating_it(server, settings, tmp_path, key):
    damaged = pem(key)[:200]
    server.write_key(tmp_path / "key.json", private_key=damaged)
    message = fails(lambda: drive.videos(FOLDER, 3, settings))
    assert "is not the key" in message
    assert damaged.splitlines()[1] not in message


def test_a_key_file_that_is_not_there_is_said(settings, tmp_path):
    settings = replace(settings, google_service_account_file=str(tmp_path / "absent.json"))
    assert "GOOGLE_SERVICE_ACCOUNT_FILE cannot be read" in fails(lambda: drive.videos(FOLDER, 3, settings))


# Without a service account

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
def over_tls(settings, server, pages, tmp_path, monkeypatch):
    """The settings for Drive's API over https, through a proxy."""
    monkeypatch.setattr(httplib2, "CA_CERTS", str(tmp_path / "certificate.pem"))
    monkeypatch.setattr(pages, "answer", server.answer)
    server.files.append(File("clip-1", "folder-1", MP4))
    return replace(settings, google_drive_url="https://drive.google.com/drive/v3")


def test_the_api_is_asked_over_https_and_through_a_proxy(over_tls, pages):
    video = drive.videos(FOLDER, 3, over_tls)[0]
    assert drive.fetch(video, over_tls, silent).read_bytes() == MP4
    assert len(pages.requests) == 6
    assert pages.idle()


@pytest.mark.parametrize("fault", ["hangs", "slow drip", "slow head"])
def test_the_time_out_holds_over_https_too(over_tls, pages, fault):
    pages.fail(fault)
    assert LATE in fails(lambda: drive.videos(FOLDER, 3, over_tls))
    assert pages.idle()


def test_a_certificate_of_nobody_known_is_said(over_tls, monkeypatch):
    monkeypatch.setattr(httplib2, "CA_CERTS", certifi.where())
    assert "no secure connection" in fails(lambda: drive.videos(FOLDER, 3, over_tls))


def test_a_folder_open_to_all_is_listed_and_fetched_without_an_account(public, pages):
    pages.files.append(File(LONG + "-2", LONG, b"x", "Notes & more.txt"))
    video, *others = drive.videos(OPEN_FOLDER, 3, public)
    assert not others
    assert (video.key, video.title) == (LONG + "-1", "A clip")
    path = drive.fetch(video, public, silent)
    assert path.read_bytes() == MP4
    assert path.suffix == ".mp4"
    before = len(pages.requests)
    assert drive.fetch(video, public, silent) == path
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
    message = fails(lambda: drive.fetch(video, replace(public, service_timeout=2), silent), within=8)
    assert re.search(said, message)
    assert pages.idle()
    assert not leftovers(public)


def test_a_public_video_that_is_too_large_is_stopped(public, pages):
    pages.files[0].content = bytes(30 * 1024 * 1024)
    video = drive.videos(OPEN_FOLDER, 3, public)[0]
    assert "MAX_VIDEO_MB" in fails(lambda: drive.fetch(video, replace(public, max_video_mb=1), silent), within=8)
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
