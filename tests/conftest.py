import pytest

from settings import ROOT, Settings


@pytest.fixture
def settings(tmp_path):
    """The defaults, with everything that is written going to a folder of the test's own."""
    return Settings.read({"DATA_DIR": str(tmp_path / "data")})


@pytest.fixture(scope="session")
def samples():
    return ROOT / "tiktok_videos" / "samples"
