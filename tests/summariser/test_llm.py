"""What a language model answers is used as far as it is good, whichever engine runs it."""

import json

import pytest

import summariser
from core import engines
from settings import Settings
from summariser import BriefRequest, llm, llm_answer
from tools.services import llama
from tools.services.llama import Llama

BREAD = "Take two cups of flour, salt and warm water. The secret of good bread is steam, so put a tray into the oven."
ABOUT_BREAD = "Good bread needs flour, salt, warm water and a tray of steam in the oven."
REQUEST = BriefRequest((BREAD,), ("",), ("bread",))
WHOLE = json.loads(llama.brief(ABOUT_BREAD))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Llama() as server:
        yield server


def summarise(server, **other):
    settings = Settings.read({"LLAMA_API_URL": server.url, "SERVICE_TIMEOUT": "5", **other})
    return summariser.summarise(REQUEST, settings)


def answering(*answers):
    """A model that gives these answers in turn, and the last one for ever."""
    left = list(answers)
    return lambda messages: json.dumps(left.pop(0) if len(left) > 1 else left[0])


def without(part):
    return {name: value for name, value in WHOLE.items() if name != part}


def wanted(body):
    return list(body["response_format"]["json_schema"]["schema"]["properties"])


@pytest.mark.parametrize("part", llm_answer.PARTS)
def test_a_service_that_leaves_out_a_part_is_asked_for_that_part_alone(server, part):
    server.think = answering(without(part), {part: WHOLE[part]})
    answer = summarise(server)
    assert (answer.engine, answer.warnings) == ("llama", ())
    assert [wanted(body) for body in server.asked()] == [list(llm_answer.PARTS), [part]]
    assert answer.value == summarise_whole()


@pytest.mark.parametrize("part", llm_answer.PARTS)
def test_a_service_that_never_gives_a_part_still_gives_a_whole_brief(server, part):
    server.think = answering(without(part))
    answer = summarise(server)
    assert answer.engine == "llama, extractive"
    [warning] = answer.warnings
    assert f"{part.replace('_', ' ')}: is missing" in warning
    made, whole = answer.value, summarise_whole()
    assert all((made.summary, made.tags, made.music_prompt, made.image_prompt, made.post))
    assert len(made.ideas) == 3
    for other in set(llm_answer.PARTS) - {part, "post"}:
        assert getattr(made, other) == getattr(whole, other)


def summarise_whole():
    """The brief of a model that answers well at once."""
    model = llm.Model("m", 8192, lambda *_: json.dumps(WHOLE))
    return summariser.with_hashtags(llm.write(REQUEST, model).value)


def test_where_no_engine_is_left_the_good_parts_are_the_answer(server):
    server.think = answering(without("ideas"))
    answer = summarise(server, SUMMARY_ENGINES="llama")
    assert answer.engine == "llama"
    assert answer.value.summary == ABOUT_BREAD
    assert answer.value.ideas == ()
    assert "ideas: is missing" in answer.warnings[0]


def test_fewer_tags_are_fewer_tags(server):
    server.think = answering({**WHOLE, "tags": ["bread", "steam"]})
    answer = summarise(server)
    assert (answer.value.tags, answer.warnings) == (("bread", "steam"), ())
    assert len(server.requests) == 1


def test_one_bad_idea_costs_that_idea_alone(server):
    bad = {**llama.idea(2), "concept": "Buy at https://evil.example now."}
    server.think = answering({**WHOLE, "ideas": [llama.idea(1), bad, llama.idea(3)]})
    answer = summarise(server)
    titles = [idea.title for idea in answer.value.ideas]
    assert titles[:2] == ["Bread idea 1", "Bread idea 3"]
    assert len(titles) == 3
    assert answer.engine == "llama, extractive"
    assert "2 of 3 can be used: one holds a link" in answer.warnings[0]


def test_a_bad_field_of_an_idea_costs_that_field_alone(server):
    odd = {**llama.idea(1), "caption": "<b>x</b>", "shots": "many", "clip": 99, "opening": 7}
    server.think = answering({**WHOLE, "ideas": [odd, llama.idea(2), llama.idea(3)]})
    first, second, _ = summarise(server).value.ideas
    assert (first.caption, first.shots, first.clip, first.opening) == ("", (), None, "")
    assert first.reason == second.reason
    assert (second.clip, second.shots[1].seconds) == (0, 5)


def test_a_second_answer_that_cannot_be_read_does_not_spoil_the_first(server):
    replies = iter([json.dumps(without("tags")), "Sure, here are the tags!"])
    server.think = lambda messages: next(replies)
    answer = summarise(server)
    assert answer.value.summary == ABOUT_BREAD
    assert answer.value.tags


def test_nothing_good_at_all_is_a_failure():
    model = llm.Model("tiny", 8192, lambda *_: "Hello!")
    with pytest.raises(engines.EngineError, match="tiny was asked twice") as failure:
        llm.write(REQUEST, model)
    assert not isinstance(failure.value, engines.Incomplete)


def test_what_never_changes_stands_first_so_that_it_can_be_kept():
    asked = []
    model = llm.Model("m", 8192, lambda messages, *_: asked.append(messages) or json.dumps(without("tags")))
    with pytest.raises(engines.Incomplete):
        llm.write(REQUEST, model)
    assert len({messages[0]["content"] for messages in asked}) == 1


def test_the_schema_names_every_part_without_references():
    schema = llm_answer.schema()
    assert schema["required"] == list(llm_answer.PARTS)
    assert "$ref" not in json.dumps(schema)
    assert schema["properties"]["ideas"]["items"]["properties"]["title"] == {"type": "string"}
    assert list(llm_answer.schema(["tags"])["properties"]) == ["tags"]
    llm_answer.Answer.model_validate(WHOLE)
