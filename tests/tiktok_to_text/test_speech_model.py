"""Which Whisper model listens: a folder, or one of the hub, of the revision that is named and no other."""

import os
import subprocess
import sys

import pytest

from core.packages import package_folder
from settings import ROOT
from tiktok_to_text import speech

KEPT, OTHER = "a" * 40, "b" * 40
LOAD = """
import sys
from settings import Settings
from tiktok_to_text import speech
speech.load(Settings.read({"WHISPER_MODEL": sys.argv[1]}))
"""


@pytest.fixture
def cache(tmp_path):
    """The hub's cache with two revisions of a model: one that can be read, and the newest, which is broken."""
    folder = tmp_path / "hub" / "models--someone--whisper"
    (folder / "snapshots").mkdir(parents=True)
    (folder / "snapshots" / KEPT).symlink_to(package_folder(speech.MODEL_PACKAGE) / "model")
    (folder / "snapshots" / OTHER).mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / "snapshots" / OTHER / name).write_text("broken")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(OTHER)
    return folder.parent


def load(model, cache):
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", LOAD, model], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_named_revision_is_loaded_though_there_is_a_newer_one(cache):
    assert load(f"someone/whisper@{KEPT}", cache).returncode == 0


@pytest.mark.parametrize("model", ["someone/whisper", f"someone/whisper@{OTHER}", f"someone/whisper@{'c' * 40}"])
def test_a_model_that_is_broken_or_not_there_is_an_error_that_names_it(cache, model):
    ended = load(model, cache)
    assert ended.returncode != 0
    assert "The speech model someone/whisper cannot be loaded; set WHISPER_MODEL" in ended.stderr
