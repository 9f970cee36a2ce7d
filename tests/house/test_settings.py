"""The environment: read once, typed, checked."""

import stat
from pathlib import Path

import pytest

from settings import ROOT, Settings, SettingsError, secret_key


def test_the_defaults_need_nothing_set():
    settings = Settings.read({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8888)
    assert settings.video_library == ROOT / "tiktok_videos" / "samples"
    assert settings.music_engines == ("musicgen", "composer")


def test_an_empty_value_counts_as_not_set():
    assert Settings.read({"PORT": "", "MUSIC_ENGINES": " "}) == Settings.read({})


def test_lists_keep_their_order():
    assert Settings.read({"MUSIC_ENGINES": " composer , musicgen,"}).music_engines == ("composer", "musicgen")


def test_relative_paths_start_at_the_project():
    settings = Settings.read({"DATA_DIR": "elsewhere", "VIDEO_LIBRARY": "/videos"})
    assert settings.data_dir == ROOT / "elsewhere"
    assert settings.video_library == Path("/videos")


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("PORT", "http", "whole number from 1 to 65535"),
        ("PORT", "0", "whole number from 1 to 65535"),
        ("PORT", "70000", "whole number from 1 to 65535"),
        ("MUSIC_SECONDS", "12", "that 5 divides"),
        ("MUSIC_SECONDS", "65", "from 5 to 60"),
        ("MUSIC_ENGINES", "composer,beethoven", "musicgen, composer"),
        ("MUSIC_ENGINES", ",", "musicgen, composer"),
        ("LLAMA_API_URL", "ftp://example.org", "http:// or https://"),
        ("LLAMA_API_URL", "not an address", "http:// or https://"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_accepted(name, value, hint):
    with pytest.raises(SettingsError, match=name) as error:
        Settings.read({name: value})
    assert hint in str(error.value)


def test_secrets_are_not_shown():
    settings = Settings.read({"FLASK_SECRET_KEY": "swordfish", "LLAMA_API_KEY": "sesame"})
    assert "swordfish" not in repr(settings)
    assert "sesame" not in repr(settings)


def test_the_secret_key_is_made_once_and_only_the_owner_may_read_it(settings):
    key = secret_key(settings)
    assert len(key) >= 32
    assert secret_key(settings) == key
    assert stat.S_IMODE((settings.data_dir / "secret_key").stat().st_mode) == 0o600


def test_a_secret_key_that_is_given_is_used():
    assert secret_key(Settings.read({"FLASK_SECRET_KEY": "given"})) == "given"
