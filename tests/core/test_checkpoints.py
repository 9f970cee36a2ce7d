"""Models by hub id and revision."""

import pytest

from core.checkpoints import named_revision


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
