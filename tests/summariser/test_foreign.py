"""Briefs in Spanish, German, French and Portuguese without a model."""

import tomllib
from pathlib import Path

import pytest

from settings import Settings
from summariser import BriefRequest, extractive, foreign_nouns, ideas, languages, summarise
from summariser.hooks import read
from summariser.sentences import split

TEXTS = tomllib.loads(Path(__file__).with_name("foreign.toml").read_text())["text"]
BY_LANGUAGE = pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["language"])
ENGLISH = [
    "Grind the beans finer and weigh eighteen grams every time.",
    "Hope is the thing with feathers that perches in the soul.",
    "No gym? No problem! Ten squats, ten push-ups, one minute plank.",
]


def brief(text):
    return extractive.write(BriefRequest((text["said"],), ("",), language="en-US"), Settings())


@BY_LANGUAGE
def test_the_language_is_told_from_the_words_whatever_was_asked_for(text):
    assert languages.of([text["said"]], "en-US") == text["language"]


@pytest.mark.parametrize("said", ENGLISH)
def test_english_is_told_from_the_others(said):
    assert languages.of([said], "de-DE") == "en"


@pytest.mark.parametrize(
    ("texts", "asked", "code"),
    [
        ([], "fr-FR", "fr"),
        (["OK"], "es-ES", "es"),
        (["今日はいい天気です。海に行く"], "ja-JP", ""),
        ([], "tr-TR", ""),
    ],
)
def test_with_too_few_words_it_is_the_language_asked_for_where_that_is_known(texts, asked, code):
    assert languages.of(texts, asked) == code


@BY_LANGUAGE
def test_the_summary_is_sentences_of_the_clip_without_greetings_and_calls_to_follow(text):
    said = [sentence.text for sentence in split(text["said"])]
    found = [sentence.text for sentence in split(brief(text).summary)]
    assert len(found) >= 3
    assert set(found) <= set(said)
    greetings = languages.known()[text["language"]].greetings
    assert not [sentence for sentence in found if languages.words(sentence.lower())[0] in greetings]
    assert languages.words(found[0].lower())[0] not in languages.known()[text["language"]].leaning


@BY_LANGUAGE
def test_tags_are_nouns_of_the_clip(text):
    tags = brief(text).tags
    language = languages.known()[text["language"]]
    assert 3 <= len(tags) <= 10
    assert all(tag.casefold() in text["said"].casefold() for tag in tags)
    assert not set(" ".join(tags).lower().split()) & (language.stopwords - language.joins - language.articles)
    assert sum(any(wanted.casefold() in tag.casefold() for tag in tags) for wanted in text["tags"]) >= 3


@BY_LANGUAGE
def test_ideas_and_the_question_of_the_post_are_in_the_language(text):
    made = summarise(BriefRequest((text["said"],), ("",), language=text["language"]), Settings()).value
    language = languages.known()[text["language"]]
    reasons = {frame.reason for frame in ideas.frames(text["language"])}
    assert len({idea.title for idea in made.ideas}) == 3
    assert {idea.reason for idea in made.ideas} <= reasons
    assert any(question in made.post for question in language.questions.values())
    assert "BPM" in made.music_prompt


@pytest.mark.parametrize("code", sorted(set(languages.known()) - {"en"}))
def test_each_language_has_frames_for_whatever_clips_have(code):
    frames = ideas.frames(code)
    assert len(frames) >= 12
    assert {frame.takes for frame in frames} >= {"quote", "line", "figure", "subject"}
    for tone in ("light", "grave", "law"):
        assert sum(frame.takes == "subject" and tone in frame.tones for frame in frames) >= 2
    english = {frame.title for frame in ideas.frames()}
    assert not {frame.title for frame in frames} & english


@pytest.mark.parametrize(
    ("code", "sentence", "phrases"),
    [
        ("es", "Fríe la cebolla con aceite de oliva en la sartén.", ["cebolla", "aceite de oliva", "sartén"]),
        ("de", "Füttere den Sauerteig zweimal am Tag vor dem Backen.", ["Sauerteig", "Backen"]),
        ("fr", "La moutarde la rend épaisse dans un bocal.", ["moutarde", "bocal"]),
        ("pt", "A melhor praia da ilha fica depois do farol.", ["praia da ilha", "farol"]),
    ],
)
def test_nouns_are_found_by_the_rules_of_the_language(code, sentence, phrases):
    assert foreign_nouns.phrases(sentence, languages.known()[code]) == phrases


@pytest.mark.parametrize(
    ("code", "sentence", "kind"),
    [
        ("es", "¿Sabes por qué se pega el arroz?", "question"),
        ("es", "Nunca laves las setas con agua.", "warning"),
        ("de", "Drei Fehler, die jeder macht.", "list"),
        ("fr", "Personne ne te dit ça.", "secret"),
        ("pt", "Chegue cedo ao porto.", "statement"),
    ],
)
def test_hooks_are_told_apart_in_each_language(code, sentence, kind):
    assert read(sentence, languages.known()[code]).kind == kind


@pytest.mark.parametrize(
    ("code", "said", "tone"),
    [
        (
            "es",
            "La guerra empezó de noche. Las víctimas eran del mercado y los refugiados huyen.",
            "grave",
        ),
        ("de", "Die Kündigung braucht eine Frist. Der Mieter kann vor Gericht gehen.", "law"),
        ("fr", "La vinaigrette se garde une semaine dans un bocal.", "light"),
    ],
)
def test_a_grave_subject_is_told_by_its_words(code, said, tone):
    assert languages.known()[code].tone([said]) == tone


def test_a_number_s_abbreviation_ends_no_sentence_but_the_word_no_does():
    assert [s.text for s in split("Le dije que no. Luego salí. Mira el no. 5 otra vez.")] == [
        "Le dije que no.",
        "Luego salí.",
        "Mira el no. 5 otra vez.",
    ]
