"""MusicGen is loaded once, in the background, and what goes wrong there is said."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest

import music_gen
from core.engines import Cancelled, EngineError
from core.loading import LoadOnce
from music_gen import MusicRequest, musicgen
from tests.musicgen import PROMPTS, forget_loaded

pytestmark = pytest.mark.usefixtures("one_thread")


def test_ten_searches_at_once_load_the_model_once(ready, monkeypatch):
    from transformers import MusicgenForConditionalGeneration

    forget_loaded(monkeypatch)
    whole, loads = MusicgenForConditionalGeneration.from_pretrained, []

    def counted(*arguments, **options):
        loads.append(arguments)
        time.sleep(0.2)
        return whole(*arguments, **options)

    monkeypatch.setattr(MusicgenForConditionalGeneration, "from_pretrained", counted)
    found = []
    threads = [threading.Thread(target=lambda: found.append(musicgen.load(ready))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 10
    assert len({id(model) for model in found}) == 1
    assert len(loads) == 1


@pytest.fixture
def loading(monkeypatch):
    """A load that ends when the test says so, with the outcome that it sets."""
    outcome = Future()
    monkeypatch.setattr(musicgen, "load", LoadOnce(lambda _settings: outcome.result()))
    yield outcome
    if not outcome.done():
        outcome.set_exception(EngineError("The test is over."))


def test_while_it_loads_a_search_waits_and_says_so(ready, loading):
    told = []
    generating = threading.Thread(
        target=music_gen.generate, args=(MusicRequest(PROMPTS[0], 5, 0), ready, lambda *s: told.append(s))
    )
    generating.start()
    while len(told) < 2:
        time.sleep(0.01)
    assert {what for _, _, what in told} == {"Loading MusicGen"}
    loading.set_exception(EngineError("stop"))
    generating.join(10)
    assert told[-1][2] != "Loading MusicGen"  # the composer answered


def test_a_search_that_waits_for_the_load_can_be_called_off(ready, loading):
    def report(*_):
        raise Cancelled

    with pytest.raises(Cancelled):
        music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), ready, report)


def test_without_waiting_the_composer_answers_until_it_is_loaded_and_nothing_is_wrong(ready, monkeypatch, loading):
    hasty = replace(ready, music_wait=False)
    answer = music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), hasty)
    assert (answer.engine, answer.warnings) == ("composer", ())
    assert "being loaded" in musicgen.missing(hasty)
    forget_loaded(monkeypatch)
    music_gen.warm(hasty)
    musicgen.load(hasty)
    assert musicgen.missing(hasty) is None
    assert music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), hasty).engine == "musicgen"


def test_warming_loads_in_the_background_only_what_will_answer_first(ready, monkeypatch):
    begun, go_on = [], threading.Event()
    monkeypatch.setattr(musicgen, "load", LoadOnce(lambda settings: begun.append(settings) or go_on.wait(10)))
    music_gen.warm(replace(ready, music_engines=("composer", "musicgen")))
    music_gen.warm(replace(ready, musicgen_model="no/such-model"))
    assert not begun
    music_gen.warm(ready)  # it returns though the load cannot end
    assert musicgen.load.loaded(ready) is None
    go_on.set()
    assert musicgen.load(ready)
    assert begun == [ready]


def test_without_weights_it_is_passed_over_in_silence(settings, tmp_path):
    settings = replace(settings, musicgen_model=str(tmp_path))
    assert "run python init.py" in musicgen.missing(settings)
    answer = music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), settings)
    assert (answer.engine, answer.warnings) == ("composer", ())


@pytest.mark.parametrize("damage", ["model.safetensors", "config.json", "tokenizer.json"])
def test_damaged_weights_are_said_and_the_composer_answers(settings, tmp_path, folder, damage):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / damage).write_bytes(b"\x00 not what it says")
    answer = music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), replace(settings, musicgen_model=str(tmp_path)))
    assert answer.engine == "composer"
    assert "run python init.py" in answer.warnings[0]


def test_a_load_that_failed_is_tried_again(ready, monkeypatch):
    loads = []

    def fail_once(settings):
        loads.append(settings)
        if len(loads) == 1:
            raise EngineError("no")
        return musicgen._load(settings)

    monkeypatch.setattr(musicgen, "load", LoadOnce(fail_once))
    with pytest.raises(EngineError, match="no"):
        musicgen.load(ready)
    assert music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), ready).engine == "musicgen"


def test_a_device_that_is_not_there_is_said(ready, monkeypatch):
    import torch

    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    answer = music_gen.generate(MusicRequest(PROMPTS[0], 5, 0), replace(ready, device="cuda"))
    assert answer.engine == "composer"
    assert "DEVICE=cuda" in answer.warnings[0]
