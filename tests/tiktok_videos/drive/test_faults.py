"""Google Drive: every fault of the service ends in one clear line and leaves nothing behind."""

import json
import logging
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from core.engines import no_report
from settings import ROOT
from tests.tiktok_videos.drive.support import BROKE_OFF, DOWN, FOLDER, LATE, MP4, NO_SENSE, fails, leftovers
from tiktok_videos import drive
from tools.services import faults
from tools.services.drive import Drive, File, make_key, pem, refuses

SIGN_IN, LIST, MEDIA = "/token", "/files\\?", "alt=media"


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
    server, settings, clip, tmp_path, caplog, capfd, where, fault, said
):
    caplog.set_level(logging.DEBUG)
    if where == SIGN_IN:  # with another account, for which there is no token yet
        settings = replace(settings, google_service_account_file=str(server.write_key(tmp_path / "2.json", quota="2")))
    threads, files = set(threading.enumerate()), open_files()
    server.fail(fault, path=where)
    message = fails(
        (lambda: drive.fetch(clip, settings, no_report)) if where == MEDIA else lambda: drive.check(settings)
    )
    assert said in message
    assert ("sign-in" in message) == (where == SIGN_IN)
    assert server.idle()
    assert not leftovers(settings)
    # The server's own threads come and go with its connections.
    assert {thread for thread in threading.enumerate() if "process_request" not in thread.name} <= threads
    assert open_files() <= files
    written = message + caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in secrets_of(server, settings) if secret in written]


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
    assert "damaged" in fails(lambda: drive.fetch(video, settings, no_report))
    assert not leftovers(settings)


def test_a_wrong_size_is_noticed(server, settings):
    server.files.append(File("clip-1", "folder-1", MP4, size=len(MP4) + 1))
    video = drive.videos(FOLDER, 3, settings)[0]
    assert "wrong length" in fails(lambda: drive.fetch(video, settings, no_report))
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
