"""The web interface, as a browser and as a program use it."""

import io
import json
import re
import shutil
import threading
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.io import wavfile

from app import create_app
from settings import Settings
from tests.searches import media
from tests.servers import started

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def app(tmp_path_factory, samples, short_library):
    """A studio with the sample clips on AI; of the others it has the beginnings."""
    folder = tmp_path_factory.mktemp("studio")
    shutil.copytree(short_library, folder / "library")
    whole = next(samples.glob("AI-*"))
    shutil.copytree(whole, folder / "library" / whole.name, dirs_exist_ok=True)
    chosen = {"DATA_DIR": "data", "GENERATED_DIR": "generated", "VIDEO_LIBRARY": "library"}
    settings = Settings.read({name: str(folder / place) for name, place in chosen.items()})
    with started(create_app(settings)) as app:
        yield app


@pytest.fixture
def client(app):
    return app.test_client()


def search(client, **asked):
    return client.post("/search", json={"seconds": 5, **asked})


def test_a_search_answers_with_everything(client):
    answer = search(client, tags=["#ai"], seed=7)
    assert answer.status_code == 200
    result = answer.get_json()
    assert len(result["id"]) == 32
    assert 10 <= len(result["summary"].split()) <= 80
    assert 5 <= len(result["tags"].split(", ")) <= 10
    assert len(result["ideas"]) == 3
    for idea in result["ideas"]:
        assert idea["title"] and idea["concept"] and idea["reason"] and len(idea["shots"]) == 3
        assert result["videos"][idea["clip"]]["title"] in idea["concept"]
        assert re.search(r"\d\.\d s", idea["timing"])
    assert result["post"].splitlines()[-1].startswith("#")
    assert result["engines"] == {"speech": "whisper", "summary": "extractive", "music": "composer", "image": "poster"}
    assert result["warnings"] == []
    assert set(result["timings"]) == {"videos", "summary", "music", "image"}
    assert len(result["videos"]) == 3
    for video in result["videos"]:
        assert video["tag"] == "AI"
        assert 12 <= video["seconds"] <= 20
        assert len(video["transcript"].split()) > 20
        assert video["on_screen_text"]
        assert video["error"] is None


def test_what_a_search_made_can_be_fetched(client):
    result = search(client, tags=["Foodie"]).get_json()
    rate, samples = wavfile.read(io.BytesIO(client.get(result["music_url"]).data))
    assert (rate, samples.shape, samples.dtype) == (32000, (5 * 32000, 2), np.int16)
    assert client.get(result["image_url"]).data.startswith(b"\x89PNG")
    assert client.get(result["midi_url"]).data.startswith(b"MThd")
    video = client.get(result["videos"][0]["url"], headers={"Range": "bytes=0-99"})
    assert (video.status_code, len(video.data)) == (206, 100)


def test_the_same_search_gives_the_same_and_another_seed_another_piece(client, app):
    first, again, other = (search(client, tags=["OOTD"], seed=seed).get_json() for seed in (1, 1, 2))
    folder = app.extensions["settings"].generated_dir
    music = [media(folder / result["id"] / "music.wav") for result in (first, again, other)]
    assert first["id"] != again["id"]
    assert music[0] == music[1] != music[2]
    assert first["summary"] == again["summary"]


def test_the_second_search_reads_nothing_anew(client, app):
    search(client, tags=["TravelVlog"])
    texts = sorted((app.extensions["settings"].data_dir / "texts").rglob("*"))
    before = {path: path.stat().st_mtime_ns for path in texts}
    search(client, tags=["TravelVlog"])
    assert before
    assert {path: path.stat().st_mtime_ns for path in texts} == before


def test_the_form_works_without_javascript(client, app):
    form = {"tags": "#MakeupTutorial, BeautyHacks", "seconds": "5", "seed": ""}
    sent = client.post("/search", data=form, headers=BROWSER)
    assert sent.status_code == 303
    assert 'http-equiv="refresh"' in client.get(sent.location, headers=BROWSER).text
    app.extensions["jobs"].wait(sent.location.rsplit("/", 1)[1])
    page = client.get(sent.location, headers=BROWSER)
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert 'http-equiv="refresh"' not in page.text
    for expected in ("<audio", "<video", "music.wav", "image.png", "#MakeupTutorial #BeautyHacks"):
        assert expected in page.text


def test_the_form_answers_programs_with_json(client):
    answer = client.post("/search", data={"tags": ["AI", "robots"], "seconds": "5"})
    assert answer.mimetype == "application/json"
    assert answer.get_json()["asked"]["tags"] == ["AI", "robots"]
    assert "robots" in answer.get_json()["warnings"][0]


def test_the_page_offers_the_known_tags(client):
    page = client.get("/").text
    for tag in ("AI", "CookingHacks", "OOTD", "HiddenGems", "SkincareRoutine"):
        assert f'value="{tag}"' in page


class Addresses(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href", "action")]


def test_the_page_loads_nothing_from_another_host(client):
    addresses = Addresses()
    addresses.feed(client.get("/").text)
    assert addresses.found
    for address in {address for address in addresses.found if not address.startswith("#")}:
        assert address.startswith("/"), address
        if "/static/" in address:
            assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "hint"),
    [
        ({"tags": []}, 422, "at least one"),
        ({}, 422, "at least one"),
        ({"tags": [f"t{number}" for number in range(11)]}, 422, "at most 10"),
        ({"tags": ["x" * 51]}, 422, "at most 50"),
        ({"tags": ["<script>alert(1)</script>"]}, 422, "only letters"),
        ({"tags": ["../../etc/passwd"]}, 422, "only letters"),
        ({"tags": "AI"}, 422, "list of words"),
        ({"tags": [1]}, 422, "list of words"),
        ({"tags": None}, 422, "list of words"),
        ({"tags": {"AI": 1}}, 422, "list of words"),
        ({"tags": [["AI"]]}, 422, "list of words"),
        ({"tags": ["AI"], "seconds": 7}, 422, "multiple of 5"),
        ({"tags": ["AI"], "seconds": 65}, 422, "multiple of 5"),
        ({"tags": ["AI"], "seconds": -5}, 422, "multiple of 5"),
        ({"tags": ["AI"], "seconds": "10"}, 422, "multiple of 5"),
        ({"tags": ["AI"], "seconds": True}, 422, "multiple of 5"),
        ({"tags": ["AI"], "seed": -1}, 422, "seed"),
        ({"tags": ["AI"], "seed": 1.5}, 422, "seed"),
        ({"tags": ["AI"], "seed": 10**30}, 422, "seed"),
        ({"tags": ["AI"], "language": "../en"}, 422, "language"),
        ({"tags": ["AI"], "language": 5}, 422, "language"),
        ({"tags": ["AI"], "colour": "red"}, 400, "colour"),
        ({"tags": ["mortgage"]}, 404, "mortgage"),
        (["AI"], 400, "JSON object"),
        ("AI", 400, "JSON object"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_that_says_why(client, asked, status, hint):
    answer = client.post("/search", json=asked)
    problem = answer.get_json()
    assert answer.status_code == status == problem["status"]
    assert answer.mimetype == "application/problem+json"
    assert hint in problem["detail"]
    assert problem["title"]
    if status == 422:
        assert problem["field"] == (set(asked) - {"tags"} or {"tags"}).pop()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"tags": ["AI"]', b"[" * 100_000, b"null\0"])
def test_malformed_json_is_a_problem(client, body):
    answer = client.post("/search", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_videos_that_are_no_files_are_a_problem_rather_than_left_out(client):
    answer = client.post("/search", data={"tags": "AI", "videos": "clip.mp4"})
    assert answer.status_code == 422
    assert "videos must be files" in answer.get_json()["detail"]


def test_a_tag_near_nothing_is_answered_with_the_known_tags(client):
    assert "CookingHacks" in search(client, tags=["mortgage"]).get_json()["known_tags"]


def test_a_body_over_the_limit_is_refused(client):
    answer = client.post("/search", data=json.dumps({"tags": ["x" * 2**21]}), content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize("form", [{"tags": ""}, {"tags": "AI", "seconds": "ten"}, {"tags": "AI", "seed": "-1"}, {}])
def test_a_browser_gets_the_problem_on_the_page(client, form):
    page = client.post("/search", data=form, headers=BROWSER)
    assert page.status_code == 422
    assert page.mimetype == "text/html"
    assert 'role="alert"' in page.text


def test_markup_in_a_tag_is_shown_as_text(client):
    page = client.post("/search", data={"tags": "<img src=x onerror=alert(1)>"}, headers=BROWSER)
    assert page.status_code == 422
    assert "<img src=x" not in page.text


@pytest.mark.parametrize(
    "address",
    [
        "/nowhere",
        "/clips/library/../../app.py",
        "/clips/library/%2e%2e/%2e%2e/app.py",
        "/clips/nosource/clip.mp4",
        "/clips/library/AI-MachineLearning-TechInnovation/none.mp4",
        "/static/generated/x/../../../app.py",
        "/static/generated/none/music.wav",
    ],
)
def test_an_address_that_leads_nowhere_is_a_404(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_a_wrong_method_says_which_are_right(client):
    answer = client.get("/search")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_health_tells_the_state_of_each_engine(client):
    engines = client.get("/healthz").get_json()["engines"]
    assert engines["music"]["composer"] == "ready"
    assert engines["speech"]["whisper"] == "ready"
    assert "LLAMA_API_KEY" in engines["summary"]["llama"]


@pytest.mark.slow
def test_twenty_searches_at_once_each_get_their_own(app):
    tags = [category for category in ("AI", "Foodie", "MakeupTutorial", "OOTD", "TravelVlog") for _ in range(4)]
    results = [None] * len(tags)

    def run(number):
        results[number] = search(app.test_client(), tags=[tags[number]], seed=number).get_json()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(tags))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client = app.test_client()
    assert len({result["id"] for result in results}) == 20
    assert len({client.get(result["music_url"]).data for result in results}) == 20
    for tag, result in zip(tags, results, strict=True):
        assert {video["tag"] for video in result["videos"]} == {tag}
        assert result["warnings"] == []
        assert result["summary"] == results[tags.index(tag)]["summary"]


def test_a_broken_video_costs_itself_alone(app, tmp_path, short_library):
    shelf = tmp_path / "library" / "AI"
    shelf.mkdir(parents=True)
    good = next((short_library / "AI-MachineLearning-TechInnovation").glob("*.mp4"))
    (shelf / "good.mp4").write_bytes(good.read_bytes())
    (shelf / "broken.mp4").write_bytes(b"not a video")
    settings = replace(app.extensions["settings"], video_library=tmp_path / "library", data_dir=tmp_path / "data")
    with started(create_app(settings)) as other:
        result = search(other.test_client(), tags=["AI"]).get_json()
    errors = {video["title"]: video["error"] for video in result["videos"]}
    assert errors["Good"] is None
    assert errors["Broken"]
    assert result["summary"]
    assert result["music_url"]
    assert [line for line in result["warnings"] if "Broken" in line]


def test_videos_without_a_word_still_get_music_and_a_picture(app, tmp_path, silent_clip):
    shelf = tmp_path / "library" / "AI"
    shelf.mkdir(parents=True)
    (shelf / "silent.mp4").write_bytes(silent_clip.read_bytes())
    settings = replace(app.extensions["settings"], video_library=tmp_path / "library", data_dir=tmp_path / "data")
    with started(create_app(settings)) as other:
        result = search(other.test_client(), tags=["AI"]).get_json()
    assert result["summary"] is None
    assert [line for line in result["warnings"] if "no summary" in line]
    assert result["music_url"]
    assert result["image_url"]


@pytest.mark.parametrize(
    ("settings", "only"),
    [
        ({}, True),
        ({"WHISPER_MODEL": "Systran/faster-whisper-small.en"}, True),
        ({"WHISPER_MODEL": "Systran/faster-whisper-small"}, False),
        ({"GOOGLE_SPEECH_KEY": "key"}, False),
    ],
)
def test_where_only_english_is_heard_the_page_says_so_beside_the_language_before_the_search(settings, only, tmp_path):
    app = create_app(Settings.read({"DATA_DIR": str(tmp_path), **settings}))
    with started(app) as studio:
        page = studio.test_client().get("/", headers=BROWSER).get_data(as_text=True)
    assert ("hears English only" in page) is only
    assert ("Español (screen only)" in page) is only
    assert "English (US) (screen" not in page


def test_a_language_that_nothing_here_hears_is_a_warning_in_the_answer(client):
    result = search(client, tags=["ai"], language="es-ES").get_json()
    assert any("does not know the language es-ES" in line for line in result["warnings"])
    assert all(video["on_screen_text"] and not video["transcript"] for video in result["videos"])
