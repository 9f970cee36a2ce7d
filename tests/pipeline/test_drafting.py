"""What a draft is made of: the trend's pace, a script that is written once, pictures for its scenes."""

import json
import subprocess
from dataclasses import replace
from itertools import combinations

import pytest

import animate_text
import pipeline
from animate_text import Draft
from core import ffmpeg
from core.engines import EngineError
from core.executors import open_pools
from core.picture_quality import alikeness
from pipeline import DraftEdit, Query, draft_pictures, drafting
from pipeline.draft_pictures import ClipStills
from settings import Settings
from summariser import ScriptRequest
from tests import shared
from tools.environments import BUILT_IN
from tools.services.llama import Llama

LINES = ["Your bread needs steam.", "Put a tray of water into the oven.", "Save this for your next bread."]
IDEA = ScriptRequest("Bread needs steam", "Bake bread with steam.", "The secret of good bread is steam.", ("bread",))


@pytest.fixture
def quiet(settings):
    """Settings with the built-in engines and no voice."""
    return replace(
        settings,
        voice_engines=("none",),
        image_engines=("poster",),
        music_engines=("composer",),
        summary_engines=("llama", "extractive"),
        llama_api_url=Settings.llama_api_url,
    )


@pytest.fixture
def rendered(monkeypatch):
    """The requests to render, none of which is done."""
    asked = []

    def render(request, settings, report):
        asked.append(request)
        return Draft(b"mp4", "", "", b"jpg", request.timeline.seconds)

    monkeypatch.setattr(animate_text, "render", render)
    return asked


def test_what_a_model_wrote_is_kept_so_that_a_draft_can_be_gone_on_with(quiet, rendered, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Llama(lambda messages: json.dumps({"lines": LINES})) as server:
        settings = replace(quiet, llama_api_url=server.url)
        made = [drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1), settings).value.lines for _ in range(2)]
        assert made == [tuple(LINES)] * 2
        assert len(server.asked()) == 1
        drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 2), settings)
        assert len(server.asked()) == 2


def test_a_model_that_wrote_nothing_of_use_is_asked_again_the_next_time(quiet, rendered, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Llama(lambda messages: "no JSON at all") as server:
        settings = replace(quiet, llama_api_url=server.url)
        answer = drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1), settings)
        assert "asked twice" in answer.warnings[0]
        assert answer.value.lines[-1] == "Save this, and follow for more."
        drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1), settings)
        assert len(server.asked()) == 4


def test_stills_that_may_be_shown_are_shown_and_each_scene_has_a_picture(quiet, rendered, samples):
    own = ClipStills((still_of(samples, 0), still_of(samples, 6)), may_be_shown=True)
    edit = DraftEdit(("One line here.", "Another one.", "The last."), (None,) * 3, voice=False)
    drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1, clips=(own,), edit=edit), quiet)
    drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1, edit=edit), quiet)
    with_still, without = ([shot.picture.split("@")[0] for shot in one.timeline.shots] for one in rendered)
    assert set(with_still) in ({"cover", "still-0"}, {"cover", "still-1"})  # the cover is made of the other one
    assert set(without) == {"cover"}


@pytest.mark.slow
def test_a_draft_is_cut_at_the_measured_pace_of_the_clips(tmp_path, small_library, monkeypatch):
    asked = []

    def make_draft(request, settings, report, files_shown):
        asked.append(request)
        raise EngineError("that is enough")

    monkeypatch.setattr(drafting, "make_draft", make_draft)
    folders = {"DATA_DIR": str(tmp_path / "data"), "GENERATED_DIR": str(tmp_path / "generated")}
    settings = Settings.read({**BUILT_IN, **folders, "VIDEO_LIBRARY": str(small_library)})
    shared.readings(settings.data_dir)
    pools = open_pools(settings)
    result = pipeline.search(Query(("AI",), 5, video=True), "id", tmp_path / "generated" / "id", settings, pools)
    pools.close()
    spreads = result.insights["shared"]["spreads"]
    assert asked[0].words_per_minute == spreads["words_per_minute"]["median"] > 60
    assert asked[0].cuts_per_minute == spreads["cuts_per_minute"]["median"]
    assert result.warnings[-1] == "There is no video: that is enough"


def still_of(samples, number):
    clip = sorted(samples.glob("*/*.mp4"))[number]
    grab = [ffmpeg.program(), "-v", "error", "-ss", "4", "-i", str(clip), "-frames:v", "1", "-f", "mjpeg", "-"]
    return subprocess.run(grab, capture_output=True, check=True).stdout


def test_where_no_still_may_be_shown_there_are_other_covers_and_no_still_twice(quiet, rendered, samples):
    edit = DraftEdit(("One line here.", "Another one.", "The last."), (None,) * 3, voice=False)
    stills = tuple(still_of(samples, number) for number in (0, 3, 6))
    for clips in ((ClipStills(stills),), tuple(ClipStills((still,)) for still in stills), (ClipStills(stills[:1]),)):
        drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1, clips=clips, edit=edit), quiet)
    *several, one = (request.pictures for request in rendered)
    for pictures in several:
        assert len(pictures) == 3
        assert all(alikeness(*pair) < draft_pictures.ALIKE for pair in combinations(pictures.values(), 2))
    assert list(one) == ["cover"]


def test_covers_are_drawn_of_the_clips_that_the_lines_speak_of_and_shown_with_those_lines(quiet, rendered, samples):
    said = ["Put a tray of water into the oven.", "Nothing much.", "Hello.", "Save this for your next bread.", "Oh."]
    stills = [still_of(samples, number) for number in (0, 3, 6, 9, 12)]
    clips = tuple(ClipStills((still,), (words,)) for still, words in zip(stills, said, strict=True))
    chosen = draft_pictures.choose(clips, LINES)
    assert [take.said[0] for take in chosen.values()] == [said[0], said[3], said[1]]
    edit = DraftEdit(tuple(LINES), (None,) * 3, voice=False)
    drafting.make_draft(drafting.MakeDraft(IDEA, "bread", 1, clips=clips, edit=edit), quiet)
    shown = [scene.shots[0].picture.split("@")[0] for scene in rendered[0].timeline.scenes]
    assert shown[0] == "cover"
    assert [said_with(name, chosen, rendered[0].pictures) for name in shown[1:]] == [said[0], said[3]]


def said_with(name, chosen, pictures):
    """What is said with a picture; with the cover, what is said with the one that is left out as its double."""
    (double,) = set(chosen) - set(pictures) or {name}
    return chosen[double if name == "cover" else name].said[0]
