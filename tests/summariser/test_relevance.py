"""What a model says is believed as far as it is about the clips, measured on answers of many topics."""

import json
import tomllib
from itertools import product
from pathlib import Path

import pytest

import summariser
from settings import Settings
from summariser import BriefRequest, llm, llm_answer
from summariser.relevance import Ground, is_music
from tools.services import llama

ANSWERS = tomllib.loads(Path(__file__).with_name("answers.toml").read_text())
CLIPS = ANSWERS["clip"]
BREAD = CLIPS[0]
REQUEST = BriefRequest((BREAD["said"],), ("",), ("bread",))
HELD_OUT = CLIPS[1::2]


def judged(clips, label):
    """Of each answer of some clips: whether it passes, and what it says."""
    found = []
    for clip in clips:
        ground = Ground.of([clip["said"]])
        for kind, texts in clip[label].items():
            found += zip(ground.about(texts, "sentence" if kind == "general" else kind), texts, strict=True)
    return found


def test_the_answers_are_many_and_of_many_topics():
    for label in ("good", "bad"):
        assert sum(len(texts) for clip in CLIPS for texts in clip[label].values()) >= 100
    assert len({clip["topic"] for clip in CLIPS}) == len(CLIPS) >= 20
    assert {clip.get("language", "en") for clip in CLIPS} == {"en", "es", "de", "fr", "pt"}


@pytest.mark.parametrize("clips", [CLIPS[::2], HELD_OUT], ids=["where the limits were chosen", "held out"])
def test_nearly_all_that_is_bad_is_refused_and_nearly_nothing_that_is_good(clips):
    bad, good = judged(clips, "bad"), judged(clips, "good")
    passed = [text for passes, text in bad if passes]
    refused = [text for passes, text in good if not passes]
    assert len(passed) <= 0.05 * len(bad), passed
    assert len(refused) <= 0.13 * len(good), refused
    faithful = {text for clip in clips for kind in ("sentence", "idea", "image") for text in clip["good"][kind]}
    assert len(faithful & set(refused)) <= 0.05 * len(faithful), "what says the clips' own things passes"


def test_advertising_and_pleas_for_a_password_do_not_pass_even_in_the_clip_s_own_words():
    for clip in CLIPS:
        assert Ground.of([clip["said"]]).about(clip["bad"]["sentence"][:2], "sentence") == [False, False]


def test_what_a_clip_itself_says_is_not_held_against_an_answer():
    clip = next(clip for clip in CLIPS if clip["topic"] == "password safety")
    ground = Ground.of([clip["said"]])
    assert all(ground.about(clip["good"]["sentence"], "sentence"))
    assert ground.about(["Send your password to support now."], "sentence") == [False]


def test_a_description_of_music_is_told_from_anything_else():
    assert all(map(is_music, ANSWERS["music"]["good"]))
    assert not any(map(is_music, ANSWERS["music"]["bad"]))


def answering(**parts):
    """The brief that a model which always gives the same answer leads to, with the warnings."""
    text = json.dumps({**WHOLE, **parts})
    return llm.write(REQUEST, llm.Model("m", 8192, lambda *_: text))


GOOD = " ".join(BREAD["good"]["sentence"])
WHOLE = json.loads(llama.brief(GOOD))


@pytest.mark.parametrize("bad", BREAD["bad"]["sentence"])
def test_a_sentence_that_left_the_topic_is_left_out_and_said(bad):
    made = answering(summary=f"{BREAD['good']['sentence'][0]} {bad} {BREAD['good']['sentence'][1]}")
    assert made.value.summary == " ".join(BREAD["good"]["sentence"][:2])
    [warning] = made.warnings
    assert "summary: 1 of 3 sentences is not about the clips" in warning
    assert bad not in warning
    assert made.value.ideas[0].title == "Bread idea 1"


def test_a_second_answer_that_stays_on_the_topic_takes_the_place_of_one_that_did_not():
    replies = iter([f"{GOOD} {BREAD['bad']['sentence'][0]}", GOOD])
    model = llm.Model("m", 8192, lambda *_: json.dumps({**WHOLE, "summary": next(replies)}))
    made = llm.write(REQUEST, model)
    assert (made.value.summary, made.warnings) == (GOOD, ())


BAD_IDEA = dict(zip(("title", "concept"), BREAD["bad"]["idea"][0].split(". ", 1), strict=True))
OFF_TOPIC = {
    "ideas": [{**llama.idea(1), **BAD_IDEA}, llama.idea(2), llama.idea(3)],
    "image_prompt": BREAD["bad"]["image"][0],
    "music_prompt": "Send your password to the support team.",
    "post": {"hook": "Win a phone.", "sentence": "Register on our site and confirm your card.", "question": "Ready?"},
}


@pytest.mark.parametrize("part", OFF_TOPIC)
def test_any_other_part_that_left_the_topic_is_refilled_by_the_next_engine_and_said(part, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with llama.Llama(lambda messages: json.dumps({**WHOLE, part: OFF_TOPIC[part]})) as server:
        answer = summarise(server)
    assert answer.engine == "llama, extractive"
    [warning] = answer.warnings
    assert part.replace("_", " ") in warning
    assert "is not about the clips" in warning or "describes no music" in warning
    assert answer.value.summary == GOOD
    assert len(answer.value.ideas) == 3
    words = json.dumps(answer.value, default=vars)
    assert not any(word in words for word in ("Phone", "phone", "password", "sports car"))


def summarise(server):
    return summariser.summarise(REQUEST, Settings.read({"LLAMA_API_URL": server.url, "SERVICE_TIMEOUT": "5"}))


@pytest.mark.parametrize(("field", "where"), [*product(["opening", "caption", "reason"], [0, 2])])
def test_a_line_of_an_idea_that_asks_for_secrets_is_left_empty(field, where):
    ideas = [llama.idea(n) for n in (1, 2, 3)]
    ideas[where][field] = "Send us your password and your card number."
    made = answering(ideas=ideas).value.ideas[where]
    assert getattr(made, field) == ""
    assert made.shots


def test_every_part_of_an_answer_has_a_reader():
    assert answering().value.post
    assert set(llm_answer.PARTS) == set(WHOLE)
