"""What models of ours make of a draft is made on the accelerator, one part a turn; what is built in takes none."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

import animate_text
import summariser
from core.engines import AllEnginesFailed, Cancelled, EngineResult
from pipeline import draft_turns, drafting
from pipeline.drafting import MakeDraft
from pipeline.progress import Progress, no_progress
from summariser import ScriptRequest

LINES = ("Your bread needs steam.", "Put a tray into the oven.", "Save this.")
ASKED = MakeDraft(ScriptRequest("Bread", "Bake bread.", "Steam.", ("bread",)), "A loaf of bread", 1)


@pytest.fixture
def models(monkeypatch):
    """Both models are there; in which thread each of them worked, and at what."""
    worked = []

    def write_script(request, settings, report):
        worked.append((threading.current_thread().name, "script"))
        return EngineResult(SimpleNamespace(lines=LINES, spoken=True), "local")

    def generate(request, settings, report):
        worked.append((threading.current_thread().name, request.prompt))
        return EngineResult(SimpleNamespace(png=request.prompt.encode()), "stable-diffusion")

    monkeypatch.setattr(summariser, "write_script", write_script)
    monkeypatch.setattr(animate_text, "generate", generate)
    monkeypatch.setattr(summariser, "needs_device", lambda settings: True)
    monkeypatch.setattr(animate_text, "needs_device", lambda settings: True)
    return worked


def take(pools, settings, on_progress=no_progress, asked=ASKED):
    return draft_turns.take(asked, settings, pools, Progress("video", on_progress))


def test_the_script_and_each_picture_take_a_turn_on_the_accelerator(pools, models, settings):
    request, _, warnings = take(pools, settings)
    assert [what for _, what in models] == ["script", *request_prompts()]
    assert {name.split("_")[0] for name, _ in models} == {"device"}
    assert request.script.lines == LINES
    assert list(request.paintings) == ["cover", "scene-1", "scene-2"]
    assert warnings == ()


def request_prompts():
    return [wish.prompt for wish in drafting.wishes(ASKED, LINES, painted=True).values()]


def test_another_searchs_music_gets_its_turn_between_two_pictures(pools, models, settings):
    def on_progress(stage, done, total, what):
        if not others:
            others.append(pools.accelerator.submit(lambda: models.append(("device", "music"))))

    others = []
    take(pools, settings, on_progress)
    assert [what for _, what in models].index("music") == 1


def test_the_draft_is_made_of_what_the_turns_gave(pools, models, settings, monkeypatch):
    rendered = []
    monkeypatch.setattr(
        animate_text, "render", lambda request, *_: rendered.append(request) or SimpleNamespace(warnings=())
    )
    request, *_ = take(pools, settings)
    models.clear()
    drafting.make_draft(request, replace(settings, voice_engines=("none",)))
    assert models == []
    assert dict(rendered[0].pictures) == request.paintings
    assert [scene.line for scene in rendered[0].timeline.scenes] == list(LINES)


def test_what_is_built_in_takes_no_turn(pools, models, settings, monkeypatch):
    monkeypatch.setattr(summariser, "needs_device", lambda settings: False)
    monkeypatch.setattr(animate_text, "needs_device", lambda settings: False)
    assert take(pools, settings)[0] is ASKED
    assert models == []


def test_with_a_cluster_the_turns_are_taken_where_only_its_workers_know_their_models(
    pools, models, settings, monkeypatch
):
    monkeypatch.setattr(summariser, "needs_device", lambda settings: False)
    monkeypatch.setattr(animate_text, "needs_device", lambda settings: False)
    chosen = replace(settings, summary_engines=("local", "extractive"), image_engines=("stable-diffusion", "poster"))
    request, *_ = take(replace(pools, cluster=object()), chosen)
    assert {name.split("_")[0] for name, _ in models} == {"device"}
    assert (request.script.lines, len(request.paintings)) == (LINES, 3)


def test_a_picture_that_fails_is_left_out_and_why_is_said_once(pools, models, settings, monkeypatch):
    def generate(request, settings, report):
        if request.prompt == ASKED.image_prompt:
            return EngineResult(SimpleNamespace(png=b"png"), "stable-diffusion")
        raise AllEnginesFailed("image", ["Image: there is no memory left."])

    monkeypatch.setattr(animate_text, "generate", generate)
    request, _, warnings = take(pools, settings)
    assert request.paintings == {"cover": b"png"}
    assert warnings == ("Image: there is no memory left.",)


def test_called_off_no_further_turn_is_taken(pools, models, settings):
    def on_progress(stage, done, total, what):
        if len(models) > 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        take(pools, settings, on_progress)
    assert len(models) == 2


def test_progress_never_goes_back(pools, models, settings):
    seen = []
    _, rest, _ = take(pools, settings, lambda stage, done, total, what: what and seen.append(done))
    rest(1, 2, "Frame 1 of 2")
    assert seen == sorted(seen) and draft_turns.PICTURES < seen[-1] < 1
