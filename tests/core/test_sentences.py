"""Where sentences end."""

import pytest

from core.sentences import spans, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I met Dr. Smith at 5 p.m. today. It cost 3.50!", ["I met Dr. Smith at 5 p.m. today.", "It cost 3.50!"]),
        ("Really?! Yes… sure. “Go.” Now", ["Really?!", "Yes… sure.", "“Go.”", "Now"]),
        ("That is no. 5 of ten. Is it? No. Fine.", ["That is no. 5 of ten.", "Is it?", "No.", "Fine."]),
        ("So do I. We go.", ["So do I.", "We go."]),
        ("天気です。雨です！", ["天気です。", "雨です！"]),
        ("One.\nTwo", ["One.", "Two"]),
        (" \n", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text, sentences):
    assert split_sentences(text) == sentences


def test_each_sentence_has_its_place_in_the_text():
    assert list(spans("  One.  Two! ")) == [(2, 6), (8, 12)]


@pytest.mark.parametrize("text", ["." * 1_000_000 + "x", "?!" * 500_000, "a. B " * 200_000, " " * 1_000_000])
def test_a_million_odd_characters_are_gone_through_once(text):
    assert len(split_sentences(text)) <= 1
