"""A search with Drive, Google's speech service and LlamaAPI, and what is left of it when each of them goes away."""

import logging

import pytest

from app import create_app
from tools.services import together


@pytest.fixture
def services(tmp_path, short_library):
    with together.running(tmp_path, short_library / together.CATEGORY.name) as started:
        yield started


@pytest.fixture
def studio(services):
    app = create_app(together.settings_of(services[1]))
    app.extensions["jobs"].start()
    yield app
    app.extensions["jobs"].close()
    app.extensions["pools"].close()


def search(app):
    return app.test_client().post("/search", json={"tags": ["garlic"], "seconds": 5})


def test_a_search_uses_the_services_and_names_them(services, studio):
    result = search(studio).get_json()
    assert result["engines"] == {"speech": "google", "summary": "llama", "music": "composer", "image": "poster"}
    assert result["warnings"] == []
    assert result["summary"] == together.SUMMARY
    assert {video["title"] for video in result["videos"]} == {file.name[:-4] for file in services[0].drive.files}
    assert all("Put the garlic in a jar" in video["transcript"] for video in result["videos"])
    client = studio.test_client()
    for video in result["videos"]:
        assert client.get(video["url"]).status_code == 200


def test_a_second_search_downloads_and_sends_nothing_again(services, studio):
    search(studio)
    downloads, pieces = len(services[0].drive.downloads()), len(services[0].speech.pieces)
    search(studio)
    assert (downloads, len(services[0].drive.downloads())) == (downloads, downloads)
    assert len(services[0].speech.pieces) == pieces > 0


@pytest.mark.parametrize(
    ("name", "part", "instead"), [("speech", "speech", "whisper"), ("llama", "summary", "extractive")]
)
def test_when_a_service_dies_the_built_in_engine_answers_and_one_line_says_so(services, studio, name, part, instead):
    getattr(services[0], name).fail("closed at once")
    result = search(studio).get_json()
    assert result["engines"][part] == instead
    assert result["summary"]
    assert result["music_url"]
    assert len(result["warnings"]) == 1, result["warnings"]


def test_when_drive_dies_in_the_middle_the_clips_that_came_are_enough(services, studio):
    services[0].drive.fail("closed at once", path="file-0.*alt=media")
    result = search(studio).get_json()
    assert [video["error"] is None for video in result["videos"]].count(False) == 1
    assert result["summary"]
    assert result["music_url"]


def test_when_drive_is_down_a_search_of_the_library_goes_on(services, studio):
    services[0].drive.fail("500")
    result = studio.test_client().post("/search", json={"tags": ["garlic", "Foodie"], "seconds": 5}).get_json()
    assert result["videos"]
    assert any("drive" in line for line in result["warnings"])


def test_no_key_or_token_is_told_anywhere(services, studio, caplog):
    caplog.set_level(logging.DEBUG)
    for service in services[0]:
        service.fail("401", times=1, path="alt=media|recognize|chat")
    client = studio.test_client()
    told = search(studio).get_data(as_text=True)
    told += "".join(client.get(address).get_data(as_text=True) for address in ("/", "/healthz", "/metrics", "/history"))
    secrets = [together.SPEECH_KEY, together.LLAMA_KEY, *services[0].drive.tokens, "BEGIN PRIVATE KEY"]
    assert len(secrets) >= 4
    for secret in secrets:
        assert secret not in told
        assert secret not in caplog.text


def run_check(services, **changes):
    app = create_app(together.settings_of(services[1], **changes))
    try:
        return app.test_cli_runner().invoke(args=["check"])
    finally:
        app.extensions["pools"].close()
        app.extensions["jobs"].close()


def test_check_says_which_services_are_ready(services):
    done = run_check(services)
    assert done.exit_code == 0, done.output
    for line in ("videos from drive: ready", "speech by google: ready", "summary by llama: ready"):
        assert line in done.output
    assert "music by musicgen: not configured" in done.output


def test_check_tells_what_is_wrong_and_fails(services):
    done = run_check(services, llama_api_key="LL-wrong", google_speech_key="AIza-wrong")
    assert done.exit_code == 1
    assert "LLAMA_API_KEY" in done.output
    assert "GOOGLE_SPEECH_KEY" in done.output
    assert "LL-wrong" not in done.output
