"""The walk of a search: the modules that hand it on, from its view to the engines (docs/architecture.md)."""

import functools
import re
import shutil
import sys
import tomllib
from dataclasses import replace

import pytest

import animate_text
import music_gen
import summariser
import tiktok_to_text
import tiktok_videos
import trend_insights
from app import create_app
from core import engines
from core.executors import BatchingExecutor
from jobs.queue import Jobs
from settings import ROOT
from tests.servers import started
from web.forms import SearchRequest

MAX_MODULES = 14
HANDED_ON = (  # what hands a search on, from the form to the engines
    (SearchRequest, "query"),
    (Jobs, "submit"),
    (BatchingExecutor, "submit"),
    (tiktok_videos, "find"),
    (tiktok_videos, "fetch"),
    (tiktok_to_text, "read"),
    (trend_insights, "measure"),
    (summariser, "summarise"),
    (music_gen, "generate"),
    (animate_text, "generate"),
    (engines, "run_with_fallback"),
)
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer.split(" | ")}


def modules_on_the_stack(frame):
    """The modules of ours whose functions are running, the outermost first, each once."""
    found = []
    while frame:
        name = frame.f_globals.get("__name__", "")
        if name.split(".")[0] in RANK:
            found.append(name)
        frame = frame.f_back
    return list(dict.fromkeys(reversed(found)))


@pytest.fixture
def handed_on(monkeypatch):
    """Each call that hands a search on, and the modules on the stack there."""
    seen = []

    def watch(owner, name):
        original = getattr(owner, name)

        @functools.wraps(original)
        def called(*arguments, **named):
            seen.append(((owner, name), [*modules_on_the_stack(sys._getframe(1)), original.__module__]))
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, called)

    for owner, name in HANDED_ON:
        watch(owner, name)
    return seen


@pytest.mark.slow
def test_a_search_passes_few_modules_and_never_goes_up(settings, handed_on, tmp_path, silent_clip):
    shelf = tmp_path / "library" / "AI"
    shelf.mkdir(parents=True)
    shutil.copy(silent_clip, shelf)
    with started(create_app(replace(settings, video_library=shelf.parent))) as app:
        answer = app.test_client().post("/search", json={"tags": ["AI"], "seconds": 5})
    assert answer.status_code == 200, answer.text
    assert {call for call, _ in handed_on} == set(HANDED_ON)
    for _, modules in handed_on:
        ranks = [RANK[name.split(".")[0]] for name in modules]
        assert ranks == sorted(ranks), modules
    walk = {name for _, modules in handed_on for name in modules}
    assert len(walk) <= MAX_MODULES, sorted(walk)
    described = (ROOT / "docs" / "architecture.md").read_text().split("## The walk")[1].split("\n## ")[0]
    assert set(re.findall(r"`([\w./]+)\.py`", described)) == {_file(name) for name in walk}


def _file(module):
    """Where a module stands, without its ending."""
    path = module.replace(".", "/")
    return f"{path}/__init__" if (ROOT / path).is_dir() else path
