"""A language model in the process: the form of its answers, its speed-ups against the plain library, its limits."""

import json
from itertools import pairwise

import pytest
import torch

from core.engines import Cancelled, EngineError
from summariser import language_model
from tools.random_weights.language_model import save_language_model

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 12},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 2, "maxItems": 3},
    },
    "required": ["title", "tags"],
    "additionalProperties": False,
}
MESSAGES = [
    {"role": "system", "content": "You write about bread. " * 20},
    {"role": "user", "content": "Write about flour."},
]


def other(text):
    return [MESSAGES[0], {"role": "user", "content": text}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_language_model(tmp_path_factory.mktemp("llm"))


@pytest.fixture(scope="module")
def plain(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture
def model(folder, settings):
    return language_model.load(folder, settings)


@pytest.fixture
def exact(folder, monkeypatch):
    """In float32, so that it can be compared with the library."""
    monkeypatch.setattr(language_model.int8, "is_fast", lambda device: False)
    return language_model._load(folder, "cpu", "float32")


def ask(model, messages=MESSAGES, schema=SCHEMA, most=200, on_text=lambda text: None):
    return language_model.answer(model, messages, schema, most, on_text)


def test_an_answer_has_the_form_of_the_schema_whatever_the_weights(model):
    answer = json.loads(ask(model))
    assert list(answer) == ["title", "tags"]
    assert 2 <= len(answer["tags"]) <= 3
    assert len(answer["title"]) <= 12


def test_the_same_question_has_the_same_answer(model):
    assert ask(model) == ask(model)


def test_each_step_gives_the_logits_of_the_plain_library(exact, plain):
    prompt = exact.tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    with torch.inference_mode():
        ours = [language_model._read(exact, prompt, len(prompt) + 10, lambda text: None)]
        ours += [language_model._step(exact, tokens) for tokens in ([50], [60, 70, 80], [90])]
        theirs = plain(torch.tensor([[*prompt, 50, 60, 70, 80, 90]])).logits[0]
    for logits, place in zip(ours, (-6, -5, -2, -1), strict=True):
        torch.testing.assert_close(logits, theirs[place], rtol=1e-4, atol=1e-5)


def test_without_a_schema_it_writes_text_until_it_ends_or_has_no_tokens_left(model):
    assert 0 < len(model.tokenizer(ask(model, schema=None, most=40))["input_ids"]) <= 80


def test_what_two_prompts_have_in_common_is_read_once_and_changes_nothing(exact, folder, settings, monkeypatch):
    fresh = ask(exact, other("Write about salt."))
    ask(exact)
    read = []
    step = language_model._step
    monkeypatch.setattr(language_model, "_step", lambda model, tokens: read.append(len(tokens)) or step(model, tokens))
    assert ask(exact, other("Write about salt.")) == fresh
    assert read[0] < 100 < len(exact.tokenizer.apply_chat_template(MESSAGES)["input_ids"])


def test_each_token_is_told_with_all_before_it(model):
    told = []
    answer = ask(model, on_text=told.append)
    written = [text for text in told if text]
    assert all(later.startswith(earlier) for earlier, later in pairwise(written))
    assert written[-1] == answer


def test_who_calls_it_off_waits_for_no_other_token(model):
    told = []

    def stop(text):
        told.append(text)
        if len(told) == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        ask(model, on_text=stop)
    assert len(told) == 5
    assert json.loads(ask(model))  # and the next one is answered


def test_an_answer_that_does_not_end_is_an_error(model):
    endless = {"type": "object", "properties": {"text": {"type": "string", "minLength": 500}}, "required": ["text"]}
    with pytest.raises(EngineError, match="did not come to its end"):
        ask(model, schema=endless, most=20)


@pytest.mark.parametrize("most", range(2, 12))
def test_words_that_the_form_forces_do_not_go_past_the_end(model, most):
    """They are taken without asking the model, several at once: more than there is room for."""
    fixed = {"properties": {"a": {"const": "always the very same words"}, "b": {"type": "string", "minLength": 500}}}
    with pytest.raises(EngineError, match="did not come to its end"):
        ask(model, schema={"type": "object", **fixed, "required": ["a", "b"]}, most=most)
    assert json.loads(ask(model))


def test_more_words_than_it_can_read_are_an_error(model):
    with pytest.raises(EngineError, match="more words"):
        ask(model, other("flour " * 40_000))


def test_damaged_weights_are_an_error_that_says_what_to_do(folder, tmp_path, settings):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 500 if file.suffix == ".safetensors" else None])
    with pytest.raises(EngineError, match=r"run python init\.py"):
        language_model.load(tmp_path, settings)


@pytest.mark.skipif(not language_model.int8.is_fast("cpu"), reason="torch has no such kernels for this processor")
def test_8_bit_weights_change_the_logits_little(model, plain):
    tokens = model.tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    with torch.inference_mode():
        ours = language_model._read(model, tokens, len(tokens), lambda text: None)
        theirs = plain(torch.tensor([tokens])).logits[0, -1]
    assert ((ours - theirs).norm() / theirs.norm()).item() < 0.1
