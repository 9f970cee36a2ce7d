"""What a model answers: read, shown to it again, cut, cleaned."""

import pytest

import summariser
from summariser import BriefRequest, llm_prompt
from tests.summariser.llama_api.support import ABOUT_BREAD, BREAD, brief_or_error, configure, write
from tools.services import llama
from tools.services.llama import brief

UNUSABLE = {
    "prose": ("Sure! Here is your summary: bread.", "not one JSON object"),
    "prose around JSON": (f"Here you are: {brief(ABOUT_BREAD)}", "not one JSON object"),
    "nested too deep": ("[" * 100_000, "not one JSON object"),
    "a list": ("[]", "not one JSON object"),
    "missing fields": ('{"tags": ["bread"]}', "summary, ideas, music prompt, image prompt, post: is missing"),
    "a wrong type": (brief(ABOUT_BREAD, ideas="three"), "0 of 3 can be used"),
    "two ideas": (brief(ABOUT_BREAD, ideas=[llama.idea(1), llama.idea(2)]), "2 of 3 can be used"),
    "an idea twice": (brief(ABOUT_BREAD, ideas=[llama.idea(1)] * 3), "1 of 3 can be used"),
    "no tags": (brief(ABOUT_BREAD, tags=["#", " ", "x" * 99, 7]), "no tag that can be used"),
    "an empty summary": (brief(" \x00 "), "empty"),
    "a text without end": (brief(ABOUT_BREAD, image_prompt="x" * 100_000), "too long"),
    "a link": (brief(ABOUT_BREAD + " See https://evil.example/win."), "link"),
    "a bare address": (brief(ABOUT_BREAD, image_prompt="Bread from evil-bread.com on a table."), "link"),
    "an account": (brief(ABOUT_BREAD, music_prompt="Follow @evilbaker now."), "account"),
    "a telephone number": (brief(ABOUT_BREAD + " Call +1 (555) 010-9999."), "address"),
    "markup": (brief(ABOUT_BREAD + " <img src=x onerror=alert(1)>"), "markup"),
    "a picture in Markdown": (brief(ABOUT_BREAD + " ![x](y)"), "markup"),
    "another topic": (brief("Vote for the people's party in the next election."), "not about the clips"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_answer_is_shown_to_the_model_once(server, case):
    answer, problem = UNUSABLE[case]
    replies = iter([answer, brief(ABOUT_BREAD)])
    server.think = lambda messages: next(replies)

    assert write(server).summary == ABOUT_BREAD
    first, second = server.asked()
    assert "cannot be used" not in first["messages"][-1]["content"]
    complaint = second["messages"][-1]["content"].split("\n\n")[-1].split("The block above")[0]
    assert problem in complaint
    assert llama.rows(second["messages"])[-1]["your_answer"][:20] == " ".join(answer[:20].split())


def test_after_two_unusable_answers_the_built_in_engine_writes(server, caplog):
    server.think = lambda messages: "Sure, here is a secret recipe!"
    answer = summariser.summarise(BriefRequest((BREAD,), ("",)), configure(server.url))
    assert answer.engine == "extractive"
    [warning] = answer.warnings
    assert "llama3-8b was asked twice" in warning
    assert "recipe" not in warning + caplog.text
    assert len(server.requests) == 2


def test_a_summary_of_200_words_ends_with_a_sentence_within_80(server):
    sentence = "Good bread needs flour and water and steam and time. "  # 10 words
    server.think = lambda messages: brief(sentence * 20)
    summary = write(server).summary
    assert len(summary.split()) == 80
    assert summary.endswith("time.")


def test_a_single_sentence_of_200_words_is_cut_and_says_so(server):
    server.think = lambda messages: brief("good bread needs flour and warm water and steam in the oven and " * 16)
    summary = write(server).summary
    assert 40 < len(summary.split()) <= 80
    assert summary.endswith("…")


def test_tags_are_clean_and_at_most_ten(server):
    tags = ["#Bread", "bread ", "home\tbaking", "flour, water", "", "#", "\u202esteam"] + [
        f"tag {n}" for n in range(20)
    ]
    server.think = lambda messages: brief(ABOUT_BREAD, tags=tags)
    found = write(server).tags
    assert found[:5] == ("Bread", "home baking", "flour", "water", "steam")
    assert len(found) == 10


def test_half_characters_and_control_signs_do_no_harm_on_either_side(server):
    server.think = lambda messages: brief(ABOUT_BREAD + "\ud800\x1b[31m\u202e")
    summary = write(server, transcripts=[BREAD + "\ud83d \x00 \u2028 \U0001f35e"]).summary
    assert summary.encode()
    assert "\x1b" not in summary
    assert "\u202e" not in summary


def test_a_name_with_a_dot_that_a_clip_mentions_may_be_repeated(server):
    said = ABOUT_BREAD + " As breadtalk.com says."
    server.think = lambda messages: brief(said)
    assert write(server, transcripts=[BREAD + " That is what BreadTalk.com says!"]).summary == said


@pytest.mark.parametrize("texts", [((), ()), (("", ""), ("",))])
def test_clips_without_words_get_ideas_but_no_summary(server, texts):
    server.think = lambda messages: brief("There is nothing to see here.")
    found = write(server, *texts)
    assert found.summary == ""
    assert len(found.ideas) == 3


SPEECHES = {
    "English": BREAD * 100,
    "without spaces": "今天教大家在家做葱油饼只需要面粉盐水和葱花" * 200,
    "all brackets": "<[>] " * 1500,
    "on many clips": None,
}


@pytest.mark.parametrize("case", SPEECHES)
def test_long_transcripts_are_retold_in_parts_that_fit_the_context(server, case):
    transcripts = [SPEECHES[case]] if SPEECHES[case] else [BREAD * 2] * 30
    steps = []

    def think(messages):
        answer = llama.honest(messages)
        return brief(BREAD) if answer.startswith("{") else answer

    server.think = think
    brief_or_error(
        server,
        transcripts=transcripts,
        report=lambda *step: steps.append(step),
        LLAMA_CONTEXT_TOKENS="4096",
        SERVICE_TIMEOUT="20",
    )

    asked = server.asked()
    assert 3 <= len(asked) <= llm_prompt.MAX_PARTS + 2
    for body in asked:
        size = sum(len(message["content"].encode()) for message in body["messages"])
        assert size / llm_prompt.BYTES_A_TOKEN + body["max_tokens"] <= 4096
    *parts, last = [llama.rows(body["messages"]) for body in asked[: steps[0][1]]]
    assert [row["retold"] for row in last if "retold" in row]
    if case == "English":
        heard = " ".join(row["spoken"] for part in parts for row in part)
        assert BREAD * 20 in heard
    assert list(dict.fromkeys(done for done, *_ in steps)) == list(range(len(parts) + 1))
    assert {total for _, total, _ in steps} == {len(parts) + 1}
