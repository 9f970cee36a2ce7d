import subprocess
import tempfile
from dataclasses import replace

import pytest

from tests.tiktok_to_text.clips.support import FFMPEG, PICTURE


@pytest.fixture(autouse=True)
def folder_for_temporary_files(tmp_path, monkeypatch):
    """Send temporary files to a folder of the test's own, and see that it is empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def quick(settings):
    """No engine listens."""
    return replace(settings, speech_engines=())


@pytest.fixture
def make(tmp_path):
    """Make a clip with ffmpeg: `make("a.mp4", "-f", "lavfi", "-i", …)`."""

    def run(name, *arguments):
        path = tmp_path / name
        command = [FFMPEG, "-nostdin", "-v", "error", "-y", *arguments, "-pix_fmt", "yuv420p", f"file:{path}"]
        subprocess.run(command, check=True, timeout=60)
        return path

    return run


@pytest.fixture
def silent_picture(make):
    return make("picture.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "1")


@pytest.fixture(scope="session")
def sample_clips(samples):
    return sorted(samples.glob("*/*.mp4"))
