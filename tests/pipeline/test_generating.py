"""Music and cover: made side by side unless both need the device, and neither pays for what goes wrong in the other."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

import animate_text
import music_gen
from core.engines import AllEnginesFailed, Cancelled, EngineResult
from music_gen import Track
from pipeline import searching
from pipeline.progress import no_progress
from pipeline.query import Query
from pipeline.results import no_result
from summariser import Brief
from tools.waiting import until


@pytest.fixture
def brief():
    return Brief(summary="Bread.", tags=("bread",), music_prompt="calm piano", image_prompt="a loaf")


def generate(brief, settings, pools, on_progress=no_progress):
    search = searching._Search(
        Query(("bread",)), Path(settings.generated_dir), settings, pools, on_progress, no_result, {}
    )
    searching._generate(search, brief, [])
    return search.results


def engines(monkeypatch, music, image, on_device=()):
    for name, package, make in (("music", music_gen, music), ("image", animate_text, image)):
        monkeypatch.setattr(package, "generate", make)
        monkeypatch.setattr(package, "needs_device", lambda settings, name=name: name in on_device)


def nothing(*_arguments):
    raise AllEnginesFailed("music", ())


def test_what_needs_no_device_is_made_side_by_side(monkeypatch, brief, settings, pools):
    together = threading.Barrier(2, timeout=10)

    def make(*_arguments):
        together.wait()
        raise AllEnginesFailed("music", ())

    engines(monkeypatch, make, make)
    assert generate(brief, settings, pools).keys() == {"music", "image"}
    assert not together.broken


@pytest.mark.parametrize("on_device", [("music",), ("image",), ("music", "image")])
def test_what_needs_the_device_is_made_there(monkeypatch, brief, settings, pools, on_device):
    made = {}

    def maker(name):
        def make(*_arguments):
            made[name] = threading.current_thread().name.startswith("device")
            raise AllEnginesFailed("music", ())

        return make

    engines(monkeypatch, maker("music"), maker("image"), on_device)
    generate(brief, settings, pools)
    assert made == {name: name in on_device for name in ("music", "image")}


def test_a_cover_that_needs_no_device_does_not_wait_for_it(monkeypatch, brief, settings, pools):
    free = threading.Event()
    pools.accelerator.submit(free.wait, 10)
    try:
        engines(monkeypatch, nothing, nothing)
        assert generate(brief, settings, pools)["image"].warnings
    finally:
        free.set()


def test_while_another_search_makes_its_own_both_take_their_turn(monkeypatch, brief, settings, pools):
    free, names = threading.Event(), []

    def make(*_arguments):
        names.append(threading.current_thread().name)
        raise AllEnginesFailed("music", ())

    engines(monkeypatch, make, make)
    pools.built_in.submit(free.wait, 60)
    search = threading.Thread(target=generate, args=(brief, settings, pools))
    search.start()
    until(lambda: pools.built_in.load() == (2, 1))
    assert names == []
    free.set()
    search.join()
    assert [name.rpartition("_")[0] for name in names] == ["built-in", "built-in"]


def test_covers_alone_share_one_thread(monkeypatch, brief, settings, pools):
    names = []

    def make(*_arguments):
        names.append(threading.current_thread().name)
        raise AllEnginesFailed("image", ())

    engines(monkeypatch, nothing, make)
    generate(replace(brief, music_prompt=""), settings, pools)
    assert [name.rpartition("_")[0] for name in names] == ["built-in"]


def test_one_that_fails_costs_the_other_nothing(monkeypatch, brief, settings, pools):
    track = EngineResult(Track(wav=b"RIFF", midi=None), "composer")
    engines(monkeypatch, lambda *_: track, nothing)
    settings.generated_dir.mkdir(parents=True, exist_ok=True)
    results = generate(brief, settings, pools)
    assert results["music"].engine == "composer"
    assert results["image"].value is None


def test_a_search_that_is_called_off_ends_both(monkeypatch, brief, settings, pools):
    ended = []

    def maker(name):
        def make(_request, _settings, report):
            try:
                while True:
                    report(0, 1, "making")
                    threading.Event().wait(0.01)
            except Cancelled:
                ended.append(name)
                raise

        return make

    calls = iter(range(10))

    def called_off(*_progress):
        if next(calls, None) is None:
            raise Cancelled

    engines(monkeypatch, maker("music"), maker("image"))
    with pytest.raises(Cancelled):
        generate(brief, settings, pools, called_off)
    assert sorted(ended) == ["image", "music"]
