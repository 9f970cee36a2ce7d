import json
import os
import re
import subprocess
import sys
import time

import pytest

import summariser
from core import embeddings, engines, hashtags
from settings import ROOT
from summariser import BriefRequest, grammar, ideas, prompts
from summariser.grammar import parse
from summariser.hooks import read
from summariser.keywords import a_or_an, asked
from summariser.sentences import count_words, split

CATEGORIES = sorted(path.name for path in (ROOT / "tiktok_videos" / "samples").iterdir() if path.is_dir())
SAYS_NOTHING = set("today show first last next minute second thing people video clip time way day step".split())
RUN_ON = (
    "okay so today i want to show you how i make my morning coffee and the first thing you need is a good grinder"
    " because the beans matter more than the machine and then you weigh eighteen grams of coffee and you grind it fine"
    " so it looks like sand then you press it flat and lock it in and you wait for about thirty seconds until the cup"
    " is full and it smells like chocolate and if you want milk you steam it until the jug is too hot to hold and then"
    " you pour it slowly from the middle and that is how you get a heart on top "
)


@pytest.fixture
def brief(settings):
    """Write a brief with the built-in engine."""

    def write(transcripts, on_screen=None, tags=("AI",)):
        answer = summariser.summarise(BriefRequest(transcripts, on_screen or [""] * len(transcripts), tags), settings)
        assert (answer.engine, answer.warnings) == ("extractive", ())
        return answer.value

    return write


@pytest.fixture(scope="module")
def clips_of():
    def read_texts(category):
        texts = [
            json.loads(path.read_text()) for path in sorted((ROOT / "tiktok_videos/samples" / category).glob("*.json"))
        ]
        shown = ["\n".join(line for caption in text["captions"] for line in caption["lines"]) for text in texts]
        return [text["script"] for text in texts], shown, category.split("-")

    return read_texts


def of_sentences(text):
    return [sentence.text for sentence in split(text)]


@pytest.mark.parametrize("category", CATEGORIES)
class TestTheSampleClips:
    def test_summary_is_whole_sentences_of_each_clip_the_common_one_first(self, brief, clips_of, category):
        transcripts, shown, tags = clips_of(category)
        summary = brief(transcripts, shown, tags).summary
        assert 40 <= len(summary.split()) <= summariser.SUMMARY_WORDS
        texts = [f"{said}\n{lines}" for said, lines in zip(transcripts, shown, strict=True)]
        found = [(clip, place, s) for clip, t in enumerate(texts) for place, s in enumerate(of_sentences(t))]
        places = [
            next((clip, place) for clip, place, s in found if s.rstrip(".!?") == sentence.rstrip(".!?"))
            for sentence in of_sentences(summary)
        ]
        tail = next(n for n in range(len(places) + 1) if places[n:] == sorted(places[n:]))
        assert tail <= 3, "after what is common, the clips come in their order"
        assert len({tuple(s.lower().split()[:2]) for s in of_sentences(summary)}) == len(of_sentences(summary))
        assert {clip for clip, _ in places} == set(range(len(transcripts)))

    def test_summary_opens_with_a_sentence_that_stands_alone(self, brief, clips_of, category):
        first = brief(*clips_of(category)).summary.split()[0].lower()
        assert first not in {"it", "they", "and", "then", "but", "so", "because", "next", "last"}

    def test_tags_are_noun_phrases_that_say_something(self, brief, clips_of, category):
        transcripts, shown, tags = clips_of(category)
        found = brief(transcripts, shown, tags).tags
        assert 5 <= len(found) <= 10
        assert len(set(found)) == len(found)
        for tag in set(found) - {keyword.text for keyword in asked(tags)}:
            assert 1 <= len(tag.split()) <= 3
            assert not SAYS_NOTHING & set(tag.split())
            assert parse(f"I like the {tag}.")[-2].is_noun, tag

    def test_tags_come_from_more_than_one_clip(self, brief, clips_of, category):
        transcripts, shown, tags = clips_of(category)
        found = brief(transcripts, shown, tags).tags
        for transcript, lines in zip(transcripts, shown, strict=True):
            assert any(tag.lower() in f"{transcript} {lines}".lower() for tag in found)

    def test_three_different_ideas_about_what_the_clips_show(self, brief, clips_of, category):
        transcripts, shown, tags = clips_of(category)
        made = brief(transcripts, shown, tags)
        assert len({idea.title for idea in made.ideas}) == len(made.ideas) == 3
        for idea in made.ideas:
            assert 5 <= len(idea.title) <= ideas.MAX_TITLE
            assert idea.title.lstrip("“")[0].isupper() or idea.title[1].isdigit()
            assert len(split(idea.concept)) == 2
            assert not re.search(r"[{}]|  |\ba [aeio]|\ban [bcdfgjkmpqtvwxyz]", idea.concept)
        quoted = [quote for idea in made.ideas for quote in re.findall("“(.*?)”", idea.concept)]
        assert quoted
        assert all(any(quote in text for text in transcripts + shown) for quote in quoted)

    def test_prompts_say_what_the_models_need(self, brief, clips_of, category):
        made = brief(*clips_of(category))
        tempo = int(re.search(r"\b(\d+) BPM\b", made.music_prompt)[1])
        assert 60 <= tempo <= 150
        assert any(
            mood.mood in made.music_prompt and mood.instruments in made.music_prompt for mood in prompts.moods().mood
        )
        assert any(
            scene.style in made.image_prompt and scene.light in made.image_prompt for scene in prompts.scenes().scene
        )
        assert any(tag in made.image_prompt for tag in made.tags)
        assert "portrait" in made.image_prompt
        assert count_words(made.image_prompt) <= 60


def test_categories_do_not_sound_or_look_alike(brief, clips_of):
    made = [brief(*clips_of(category)) for category in CATEGORIES]
    for part in ("summary", "tags", "ideas", "music_prompt", "image_prompt"):
        assert len({getattr(one, part) for one in made}) == len(CATEGORIES), part


@pytest.mark.slow
def test_the_same_clips_give_the_same_brief_in_another_process(clips_of):
    program = (
        "import json, sys; from summariser import BriefRequest, summarise; from settings import Settings;"
        " print(repr(summarise(BriefRequest(*json.load(sys.stdin)), Settings()).value))"
    )
    clips = json.dumps(clips_of(CATEGORIES[0]))
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=clips,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_what_a_clip_repeats_is_said_once(brief):
    made = brief(["We bake garlic bread on a hot stone."] * 3)
    assert made.summary == "We bake garlic bread on a hot stone."


def test_calls_to_follow_and_sentences_that_lean_on_others_give_way(brief):
    made = brief(["It is amazing. Soak the black beans overnight in salted water. Follow me for more videos."])
    assert made.summary == "Soak the black beans overnight in salted water."


@pytest.mark.parametrize("rest", ["I...", "You also need…", "Next to the oven the dough", "Hot oven."])
def test_what_the_clip_s_end_cuts_off_or_says_nothing_is_left_out(brief, rest):
    whole = "We bake garlic bread on a hot stone. The dough rests for a whole night."
    made = brief([f"{whole} {rest}"])
    assert made.summary == whole
    assert rest not in made.post


def test_a_clip_that_begins_in_the_middle_of_a_sentence_opens_with_the_next(brief):
    made = brief(["the oven. Never bake garlic bread on a cold stone. Rest the dough for a whole night."])
    assert made.summary == "Never bake garlic bread on a cold stone. Rest the dough for a whole night."
    assert made.post.startswith("Never bake")


def test_a_clip_that_says_nothing_whole_is_summed_up_by_what_it_says(brief):
    assert brief(["The garlic bread from the hot stone..."]).summary == "The garlic bread from the hot stone..."


def test_a_sentence_that_leans_may_follow_the_one_it_leans_on(brief):
    text = "Soak the black beans overnight in salted water. Then cook them slowly with one bay leaf."
    assert brief([text]).summary == text


def test_a_run_on_transcript_is_cut_where_thoughts_begin(brief):
    summary = brief([RUN_ON * 5]).summary
    assert 40 <= len(summary.split()) <= summariser.SUMMARY_WORDS
    for sentence in of_sentences(summary):
        assert sentence.rstrip(".").lower() in RUN_ON * 5
        assert 4 <= len(sentence.split()) <= 24
    assert len(set(of_sentences(summary))) == len(of_sentences(summary))


def test_pieces_between_silences_become_sentences(brief):
    summary = brief(["boil the potatoes in salted water\nshake the pot until the edges are rough"]).summary
    assert summary == "Boil the potatoes in salted water. Shake the pot until the edges are rough."


def test_without_speech_the_screen_is_summed_up(brief):
    made = brief(["", ""], ["GARLIC BUTTER PASTA\n20 MINUTES", "SUNDAY DINNER"], ["Foodie"])
    assert set(of_sentences(made.summary)) == {"GARLIC BUTTER PASTA.", "20 MINUTES.", "SUNDAY DINNER."}
    assert "garlic butter pasta" in made.tags


@pytest.mark.parametrize(("clips", "tags"), [(0, ["MachineLearning"]), (10, ["OOTD", "StyleTips"]), (0, [])])
def test_without_any_words_the_tags_asked_for_still_make_a_brief(brief, clips, tags):
    made = brief([""] * clips, [""] * clips, tags)
    assert made.summary == ""
    assert made.tags == tuple(hashtags.words(tag) for tag in tags)
    assert len(made.ideas) == 3
    assert "BPM" in made.music_prompt
    assert all(tag in made.image_prompt for tag in made.tags)


@pytest.mark.parametrize(
    "text",
    [
        "Hoy vamos a cocinar una pasta con mantequilla y ajo. El ajo se corta muy fino.",
        "今日はいい天気です。海に行きました！京都のお寺を見に行きます。",
        "مرحبا بكم في مطبخي. اليوم نطبخ الأرز مع الدجاج.",
        "Love this 🔥🔥 garlic bread recipe 😍! Bake it hot 🔥.",
        "<script>alert(1)</script> Add <b>garlic</b> & butter to {x} the {0} pan. Stir %s well.",
        "Stop using {x} garlic {0} every day.",
        "Hi.",
        "." * 100_000 + "x",
        "?!" * 50_000,
        "<" * 50_000,
        "a" * 100_000,
        "garlic butter noodles with lemon and " * 20,
        "😀" * 5_000,
        "e\u0301" * 3_000,
        "NEVER BOIL THE PASTA IN SALTED WATER AGAIN.",
    ],
)
def test_odd_texts_make_a_proper_brief(brief, text):
    made = brief([text, "", text[:50]], [text[:500], text[-500:], ""], ["Food"])
    assert len(made.summary.split()) <= summariser.SUMMARY_WORDS
    assert count_words(made.summary) <= summariser.SUMMARY_WORDS
    assert 1 <= len(made.tags) <= 10
    assert all(tag.strip() and "," not in tag and "#" not in tag for tag in made.tags)
    assert all(len(split(idea.concept)) == 2 and 0 < len(idea.title) <= 60 for idea in made.ideas)
    assert count_words(made.image_prompt) <= 60


def test_markup_in_a_transcript_stays_literal(brief):
    text = "<b>Garlic</b> butter goes into {x} the hot pan."
    assert brief([text]).summary == text


def test_an_hour_of_speech_is_summed_up_in_seconds(brief, clips_of):
    transcripts = [" ".join(clips_of(c)[0]) for c in CATEGORIES]
    long = [" ".join(f"Day {n}: {text}" for n in range(40) for text in transcripts[i:]) for i in range(3)]
    assert min(len(text.split()) for text in long) > 5_000
    brief(["Warm up the models."])
    start = time.process_time()
    assert brief(long).summary
    assert time.process_time() - start < 30  # of processor time on a busy machine; about 3 s on a quiet one


def test_each_step_is_reported_and_a_cancelled_search_stops(settings):
    steps = []
    summariser.summarise(BriefRequest(("Hot soup.",), ("",), ("food",)), settings, lambda *step: steps.append(step))
    assert [done for done, _, _ in steps] == list(range(len(steps)))
    assert steps[-1][0] == steps[-1][1]

    def cancel(done, total, what):
        raise engines.Cancelled

    with pytest.raises(engines.Cancelled):
        summariser.summarise(BriefRequest(("Hot soup.",), ("",), ("food",)), settings, cancel)


def test_who_calls_off_a_search_of_many_sentences_waits_for_a_few_of_them(settings):
    request, told = BriefRequest((" ".join(f"Bake loaf {n} slowly." for n in range(150)),), ("",), ("food",)), []

    def cancel_half_way(done, total, what):
        told.append(done)
        if done > 2:
            raise engines.Cancelled

    with pytest.raises(engines.Cancelled):
        summariser.summarise(request, settings, cancel_half_way)
    assert told[:3] == [0, 1, 2]
    assert 2 < told[3] < 2.5


def test_once_warm_a_brief_embeds_nothing_but_what_the_clips_say(brief, clips_of, monkeypatch):
    def refuse(_texts):
        raise AssertionError("a list of the program's own was embedded")

    summariser.warm()
    monkeypatch.setattr(embeddings, "embed", refuse)
    transcripts, shown, tags = clips_of(CATEGORIES[0])
    assert brief(transcripts, shown, tags).summary


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Stop peeling garlic like this.", "warning"),
        ("Do you know why bread is flat?", "question"),
        ("POV: you adopted a dog.", "pov"),
        ("I tried this routine for a month.", "confession"),
        ("Three prompts save me an hour.", "list"),
        ("The secret to crispy potatoes is salt.", "secret"),
        ("You can run a model on your laptop.", "promise"),
        ("If your outfit feels wrong, count the colors.", "problem"),
        ("Sit on the left side of this train.", "command"),
        ("Boil the potatoes until the edges look fluffy.", "command"),
        ("Your skin feels tight because the soap is strong.", "problem"),
        ("Coffee is a fruit.", "statement"),
        ("", "none"),
    ],
)
def test_hooks_are_told_apart(sentence, kind):
    assert read(sentence).kind == kind


@pytest.mark.parametrize(
    "phrase",
    [
        "an AI tool",
        "a GPU",
        "an hour",
        "a university",
        "an umbrella",
        "a uniform",
        "an SPF stick",
        "a blazer",
        "a one-pot dish",
    ],
)
def test_the_article_follows_the_sound(phrase):
    article, rest = phrase.split(" ", 1)
    assert a_or_an(rest) == article


def test_verbs_that_open_a_tip_are_not_taken_for_nouns():
    assert [token.tag[:2] for token in parse("Toss garlic butter in a hot pan.")][:3] == ["VV", "NN", "NN"]
    assert parse("Heat olive oil before the potatoes go in.")[0].is_verb
    assert parse("Heat is what garlic fears.")[0].is_noun


def test_a_tagger_model_of_other_bytes_is_not_unpickled(monkeypatch):
    monkeypatch.setattr(grammar, "MODEL_SHA256", "0" * 64)
    with pytest.raises(RuntimeError, match="not the one that was checked"):
        grammar._tagger.__wrapped__()
