"""Models by hub id and revision."""

from dataclasses import replace

import pytest

from core.checkpoints import named_revision
from tiktok_to_text import speech


@pytest.mark.parametrize(
    ("given", "name", "revision"),
    [
        ("Systran/faster-whisper-small", "Systran/faster-whisper-small", None),
        ("Systran/faster-whisper-small@0123abc", "Systran/faster-whisper-small", "0123abc"),
        ("Systran/faster-whisper-small@", "Systran/faster-whisper-small@", None),
        ("@main", "@main", None),
    ],
)
def test_a_model_may_be_given_with_a_revision(given, name, revision):
    assert named_revision(given) == (name, revision)


def test_a_folder_with_the_sign_in_its_name_is_a_folder(tmp_path):
    folder = tmp_path / "model@home"
    folder.mkdir()
    assert named_revision(str(folder)) == (str(folder), None)


def test_the_speech_model_is_loaded_in_the_revision_that_is_named(settings, monkeypatch):
    asked = []

    class Model:
        def __init__(self, source, **options):
            asked.append((source, options["revision"]))

    monkeypatch.setattr("faster_whisper.WhisperModel", Model)
    speech._load(replace(settings, whisper_model="Systran/faster-whisper-small@0123abc"))
    speech._load(replace(settings, whisper_model="Systran/faster-whisper-small"))
    assert asked == [("Systran/faster-whisper-small", "0123abc"), ("Systran/faster-whisper-small", None)]
