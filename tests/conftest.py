import subprocess

import pytest

from settings import ROOT, Settings


@pytest.fixture
def settings(tmp_path):
    """The defaults, with everything that is written going to a folder of the test's own."""
    return Settings.read({"DATA_DIR": str(tmp_path / "data"), "GENERATED_DIR": str(tmp_path / "generated")})


@pytest.fixture(scope="session")
def samples():
    return ROOT / "tiktok_videos" / "samples"


@pytest.fixture(scope="session")
def silent_clip(tmp_path_factory):
    """Two seconds of one colour, with no audio track and no text."""
    from imageio_ffmpeg import get_ffmpeg_exe

    path = tmp_path_factory.mktemp("clips") / "silent.mp4"
    source = ["-f", "lavfi", "-i", "color=teal:size=180x320:rate=10:duration=2"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, "-pix_fmt", "yuv420p", str(path)], check=True)
    return path
