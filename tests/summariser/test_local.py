"""The engine `local`: a whole brief from a model in the process, told word by word."""

from dataclasses import replace

import pytest

import summariser
from core.engines import Cancelled
from summariser import BriefRequest, local
from tools.random_weights.language_model import save_language_model

REQUEST = BriefRequest(("Bread needs flour, water, salt and time.",), ("Bread 101",), ("bread",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_language_model(tmp_path_factory.mktemp("llm"))


@pytest.fixture
def ready(folder, settings):
    return replace(settings, local_llm_model=str(folder))


def test_without_weights_it_is_passed_over_in_silence(settings):
    assert "init.py" in local.missing(settings)
    answer = summariser.summarise(REQUEST, settings)
    assert (answer.engine, answer.warnings) == ("extractive", ())


def test_what_a_weak_model_leaves_out_is_filled_and_said(ready):
    answer = summariser.summarise(REQUEST, ready)
    assert answer.value.summary
    assert answer.value.ideas
    assert answer.engine == "local" or "local" in " ".join(answer.warnings)


def test_what_is_being_written_is_told_as_text_and_not_as_json(ready):
    told = []
    summariser.summarise(REQUEST, ready, lambda done, total, what: told.append(what))
    writing = [what for what in told if what.startswith("Writing: ")]
    assert len(writing) > 20
    assert not any("{" in what[:11] for what in writing)


def test_a_search_that_is_called_off_stops_within_a_token(ready):
    told = []

    def stop(_done, _total, what):
        told.append(what)
        if what.startswith("Writing"):
            raise Cancelled

    with pytest.raises(Cancelled):
        summariser.summarise(REQUEST, ready, stop)
    assert sum(what.startswith("Writing") for what in told) == 1


def test_the_check_loads_it_and_asks_once(ready):
    local.check(ready)


def test_every_text_of_a_bounded_schema_comes_to_an_end():
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    assert local.bounded(schema)["properties"]["a"]["items"] == {"type": "string", "maxLength": local.MAX_TEXT}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('{"summary":"Bread nee', "Bread nee"),
        ('{"summary":"Bread.","tags":["a', "a"),
        ("{", ""),
        ('{"summary":"He said \\"yes', 'He said \\"yes'),
    ],
)
def test_of_half_written_json_the_text_it_is_at_is_shown(written, shown):
    assert local.shown_of(written) == shown
