from dataclasses import replace

import pytest
import tenacity

from core import http
from tests.tiktok_videos.drive.support import FOLDER, MP4, TIMEOUT, write_folders
from tiktok_videos import drive
from tools.services.drive import Drive, File, make_key


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
    monkeypatch.setattr(http, "JITTER", tenacity.wait_random_exponential(multiplier=0.05, max=8))
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
