"""The editor of a video: what its form shows and takes, with no script; who may use it; what is said of wrong input."""

import json
import shutil
from html.parser import HTMLParser

import pytest

from animate_text import StoryboardRequest, storyboard
from app import create_app
from jobs import history
from settings import Settings
from tests import shared
from tests.servers import started
from tests.small_frames import segments, shrink_for
from tools.environments import BUILT_IN
from tools.waiting import until

PAGE, JSON = {"Accept": "text/html"}, {"Accept": "application/json"}
LINES = ("Stop peeling garlic.", "Shake it in a jar.", "Save this.")


class Form(HTMLParser):
    """The fields of the editor's form, as a browser without scripts sends them; `texts` holds alerts."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.invalid, self.alert = [], [], ""
        self._select = self._text = None
        self._alerting = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "aria-invalid" in found:
            self.invalid.append(found["name"])
        if found.get("role") == "alert":
            self._alerting = True
        if tag == "textarea":
            self._text = (found["name"], "")
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and "selected" in found:
            self.fields.append((self._select, found["value"]))
        elif tag == "input" and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.fields.append((found["name"], found.get("value", "on")))

    def handle_data(self, data):
        if self._text:
            self._text = (self._text[0], self._text[1] + data)
        if self._alerting:
            self.alert += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.fields.append(self._text)
            self._text = None
        if tag == "p":
            self._alerting = False

    def all(self, name):
        return [value for field, value in self.fields if field == name]

    def changed(self, **values):
        """The form with other values: a list for a field that comes several times, None for one that is left out."""
        kept = [pair for pair in self.fields if pair[0] not in values]
        for name, value in values.items():
            kept += [(name, one) for one in (value if isinstance(value, list) else [value]) if one is not None]
        return {name: [value for field, value in kept if field == name] for name, _ in kept}


class Studio:
    """A studio with a finished search that has a video."""

    def __init__(self, app, **timeline):
        self.app, self.maker = app, app.test_client()
        self.id = self.maker.post("/search", json={"tags": ["AI"], "video": True}).get_json()["id"]
        self.path = f"/jobs/{self.id}/draft"
        made = storyboard(StoryboardRequest(LINES, ("cover",), **timeline)).timeline
        folder = history.folder(self.id, app.extensions["settings"])
        (folder / "draft.json").write_text(json.dumps(made.to_json()))

    def form(self):
        return Form(self.maker.get(self.path, headers=PAGE).text)

    def send(self, data):
        return self.maker.post(self.path, data=data, headers=PAGE)

    def asked(self, answer):
        """The query of the search that an answer leads to."""
        job_id = answer.headers["Location"].split("/jobs/")[1].split("#")[0]
        return self.app.extensions["jobs"].get(job_id).query


@pytest.fixture
def studio(open_app, held):
    held.go.set()
    return Studio(open_app())


def test_the_form_as_it_stands_asks_for_the_same_video_again(studio):
    answer = studio.send(studio.form().changed())
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("#video")
    query = studio.asked(answer)
    assert query.video
    assert query.edit.lines == LINES
    assert (query.edit.caption_style, query.edit.voice) == ("pop", False)
    assert (query.edit.voice_speed, query.edit.music_db) == (1.0, 0.0)


def test_lines_are_written_anew_moved_taken_out_added_and_given_their_seconds(studio):
    form = studio.form()
    assert form.all("line") == [*LINES, ""]
    changes = {
        "line": ["Stop  peeling\r\ngarlic!", "", LINES[2], "One more."],
        "place": ["3", "2", "1", "2.5"],
        "seconds": ["2,5", "4", "", "3.25"],
    }
    more = {"caption_style": "karaoke", "voice": "on", "voice_speed": "1.3", "music_db": "-6"}
    edit = studio.asked(studio.send(form.changed(**changes, **more))).edit
    assert edit.lines == (LINES[2], "One more.", "Stop peeling garlic!")
    assert edit.lengths == (None, 3.25, 2.5)
    assert (edit.caption_style, edit.voice, edit.voice_speed, edit.music_db) == ("karaoke", True, 1.3, -6.0)


def test_what_was_chosen_before_is_still_chosen_though_the_form_does_not_offer_it(open_app, held):
    held.go.set()
    studio = Studio(open_app(), voice_speed=1.1, music_db=2.5, caption_style="typewriter")
    edit = studio.asked(studio.send(studio.form().changed())).edit
    assert (edit.voice_speed, edit.music_db, edit.caption_style) == (1.1, 2.5, "typewriter")


def test_programs_read_the_timeline_and_send_an_edit_as_json(studio):
    timeline = studio.maker.get(studio.path, headers=JSON).get_json()
    assert timeline["idea"] == 0
    assert [scene["line"] for scene in timeline["timeline"]["scenes"]] == list(LINES)
    asked = {"lines": [{"text": "Hello."}, {"text": "Bye.", "seconds": 3}], "voice": True, "voice_speed": 0.9}
    answer = studio.maker.post(studio.path, json=asked, headers=JSON)
    assert answer.status_code == 202
    assert answer.get_json()["token"]
    assert studio.asked(answer).edit.lengths == (None, 3.0)


def test_a_search_without_a_video_offers_one(open_app, held):
    held.go.set()
    app = open_app()
    client = app.test_client()
    path = f"/jobs/{client.post('/search', json={'tags': ['AI']}).get_json()['id']}/draft"
    assert client.get(path, headers=JSON).status_code == 404
    assert "no video of this search yet" in client.get(path, headers=PAGE).text
    assert client.post(path, json={"idea": 0}, headers=JSON).status_code == 202


def test_a_search_that_is_not_done_has_no_video_to_edit(open_app, held):
    client = open_app().test_client()
    job = client.post("/search", json={"tags": ["AI"]}, headers={"Prefer": "respond-async"}).get_json()["id"]
    until(lambda: held.begun)
    assert client.post(f"/jobs/{job}/draft", json={}, headers=JSON).status_code == 409


@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_get_404_where_links_are_private_and_everybody_where_there_is_no_search(open_app, held, method):
    held.go.set()
    studio = Studio(open_app(private_links=True))
    stranger = studio.app.test_client()
    for client, path in ((stranger, studio.path), (studio.maker, "/jobs/nothing/draft")):
        more = {"json": {"idea": 0}} if method == "post" else {}
        refused = getattr(client, method)(path, headers=JSON, **more)
        assert (refused.status_code, refused.mimetype) == (404, "application/problem+json")
    assert studio.maker.get(studio.path, headers=JSON).status_code == 200


def test_a_video_of_somebodys_own_clips_is_made_by_nobody_else(open_app, held, samples):
    held.go.set()
    app = open_app()
    maker, stranger = app.test_client(), app.test_client()
    clip = next(samples.glob("*/*.mp4"))
    with clip.open("rb") as file:
        done = maker.post("/search", data={"videos": (file, clip.name)}).get_json()
    path = f"/jobs/{done['id']}/draft"
    assert stranger.post(path, json={"idea": 0}, headers=JSON).status_code == 404
    assert stranger.post(path, data={"idea": "0"}, headers=PAGE).status_code == 404
    assert maker.post(path, json={"idea": 0}, headers=JSON).status_code == 202


def line(**more):
    return {"lines": [{"text": "Hello."}, {"text": "Bye.", **more}]}


WRONG = {
    "no such idea": ({"idea": 7}, "idea", "counted from 0"),
    "idea is no number": ({"idea": "one"}, "idea", "counted from 0"),
    "lines are no list": ({"lines": "Hello."}, "lines", "must be a list"),
    "no line": ({"lines": []}, "lines", "1 to 40 lines; there are 0"),
    "only empty lines": ({"lines": [{"text": " "}]}, "lines", "1 to 40 lines; there are 0"),
    "too many lines": ({"lines": [{"text": "Hello."}] * 41}, "lines", "there are 41"),
    "a long line": (line(text="x" * 401), "lines", "Line 2: it needs a text of at most 400"),
    "a line that is no text": (line(text=3), "lines", "Line 2: it needs a text"),
    "too short a scene": (line(seconds=0.1), "lines", "Line 2: seconds must be a number from 0.5 to 60"),
    "no end of a scene": (line(seconds=1e9), "lines", "Line 2: seconds must be"),
    "seconds that are no number": (line(seconds="long"), "lines", "Line 2: seconds must be"),
    "unknown captions": (line() | {"caption_style": "comic"}, "caption_style", "one of pop, karaoke, typewriter"),
    "voice is no choice": (line() | {"voice": "yes"}, "voice", "true or false"),
    "too fast": (line() | {"voice_speed": 9}, "voice_speed", "a number from 0.5 to 2"),
    "a truth is no speed": (line() | {"voice_speed": True}, "voice_speed", "a number from 0.5 to 2"),
    "too loud": (line() | {"music_db": 60}, "music_db", "a number from -40 to 12"),
}


@pytest.mark.parametrize(("asked", "field", "said"), WRONG.values(), ids=list(WRONG))
def test_wrong_input_is_refused_with_the_name_of_its_field(studio, asked, field, said):
    refused = studio.maker.post(studio.path, json=asked, headers=JSON)
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert refused.get_json()["field"] == field
    assert said in refused.get_json()["detail"]


def test_what_nobody_knows_is_refused(studio):
    refused = studio.maker.post(studio.path, json={"lines": [], "colour": "red"}, headers=JSON)
    assert refused.status_code == 400
    assert "Unknown: colour" in refused.get_json()["detail"]


WRONG_FORMS = {
    "place": ({"place": ["1", "two", "3", "4"]}, "place", "Line 2: its place must be a number"),
    "seconds": ({"seconds": ["", "", "long", ""]}, "seconds", "Line 3: seconds must be"),
    "endless": ({"seconds": ["inf", "", "", ""]}, "seconds", "Line 1: seconds must be"),
    "moved and wrong": ({"place": ["4", "3", "2", "1"], "seconds": ["0", "", "", ""]}, "seconds", "Line 1: seconds"),
    "line": ({"line": ["Hello.", "x" * 401, "", ""]}, "line", "Line 2: it needs a text"),
    "no line": ({"line": ["", "", "", ""]}, None, "there are 0"),
    "speed": ({"voice_speed": "fast"}, "voice_speed", "from 0.5 to 2"),
    "music": ({"music_db": "99"}, "music_db", "from -40 to 12"),
    "captions": ({"caption_style": "comic"}, "caption_style", "one of pop"),
}


@pytest.mark.parametrize(("changes", "field", "said"), WRONG_FORMS.values(), ids=list(WRONG_FORMS))
def test_a_wrong_form_comes_back_with_what_was_typed_and_says_at_its_field_what_would_do(studio, changes, field, said):
    typed = {"line": ["A new line.", "Shake it.", "Save it.", ""], **changes}
    answer = studio.send(studio.form().changed(**typed))
    assert answer.status_code == 422
    back = Form(answer.text)
    assert said.lower() in back.alert.lower()
    assert back.invalid == ([field] if field else [])
    assert back.all("line") == typed["line"]
    assert "<title>Error: " in answer.text
    for name in ("place", "seconds"):
        if name in changes:
            assert back.all(name) == changes[name]


def test_texts_of_strangers_are_escaped(studio):
    answer = studio.send(studio.form().changed(line=["<script>alert(1)</script>", "", "", ""], voice_speed="<i>"))
    assert answer.status_code == 422
    assert "<script>alert(1)" not in answer.text
    assert "<i>" not in answer.text


@pytest.mark.slow
def test_an_edited_video_is_rendered_again_where_it_changed_alone(tmp_path, monkeypatch, fonts, small_library):
    """The whole studio, with small frames: what is left of the first video's parts is not encoded again."""
    shrink_for(monkeypatch)
    folders = {"DATA_DIR": str(tmp_path / "data"), "GENERATED_DIR": str(tmp_path / "generated")}
    settings = Settings.read({**BUILT_IN, **folders, "VIDEO_LIBRARY": str(small_library)})
    shutil.copytree(fonts, settings.data_dir / "drafts" / "fonts")
    shared.readings(settings.data_dir)
    with started(create_app(settings)) as app:
        client = app.test_client()
        first = client.post("/search", json={"tags": ["AI"], "video": True}).get_json()
        assert first["warnings"] == []
        before = segments(settings.data_dir)
        path = f"/jobs/{first['id']}/draft"
        form = Form(client.get(path, headers=PAGE).text)
        lines = form.all("line")
        lines[-2] = "Save it, and follow for more AI."  # as long as it was
        job = client.post(path, data=form.changed(line=lines), headers=PAGE).headers["Location"].split("#")[0]
        done = until(lambda: (found := client.get(job, headers=JSON).get_json())["state"] == "done" and found, 60)
        again = done["result"]
    assert again["video_url"] != first["video_url"]
    assert [again[name].split("/")[-1] for name in ("music_url", "image_url")] == ["music.wav", "image.png"]
    after = segments(settings.data_dir)
    assert {name: after[name] for name in before} == before, "nothing was made again"
    timeline = json.loads((settings.generated_dir / again["id"] / "draft.json").read_text())
    changed, all_shots = timeline["scenes"][-1]["shots"], [s for scene in timeline["scenes"] for s in scene["shots"]]
    assert 0 < len(after.keys() - before.keys()) <= len(changed) < len(all_shots)
    assert timeline["scenes"][-1]["line"] == lines[-2]
