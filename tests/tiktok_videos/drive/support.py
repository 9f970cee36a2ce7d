"""What the tests of Google Drive have in common."""

import re
import time

import pytest

from core.engines import EngineError
from tiktok_videos.catalogue import Category

TIMEOUT = 1  # seconds that a call may take in these tests


GRACE = 0.8  # seconds more that a busy machine may take


FOLDER = Category("drive", "folder-1", ("AI",))


MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(250)) * 1200


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


NO_SENSE, BROKE_OFF, LATE, DOWN = "makes no sense", "broke off", "within 1 s", "out of order"
