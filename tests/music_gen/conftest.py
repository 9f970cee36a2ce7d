from dataclasses import replace

import pytest

from tests.musicgen import in_precision
from tools.random_weights.musicgen import save_musicgen


@pytest.fixture(scope="session", params=[1, 2], ids=["mono", "stereo"])
def folder_of_channels(request, tmp_path_factory):
    return save_musicgen(tmp_path_factory.mktemp("musicgen") / "model", request.param), request.param


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return save_musicgen(tmp_path_factory.mktemp("musicgen") / "model")


@pytest.fixture
def ready(settings, folder):
    """Settings under which MusicGen answers, in whatever precision this processor runs it."""
    return replace(settings, musicgen_model=str(folder), device="cpu")


@pytest.fixture
def exact(ready, monkeypatch):
    """The same in float32."""
    return in_precision(ready, "float32", monkeypatch)
