"""Texts taken apart into sentences of a summary's length."""

import pytest

from summariser import SUMMARY_WORDS
from summariser.sentences import shorten, split


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("one line\r\n\nanother  line\x00", ["one line", "another line"]),
        ("😀 … !!", []),
    ],
)
def test_a_line_ends_a_sentence_and_what_says_nothing_is_none(text, sentences):
    assert [sentence.text for sentence in split(text)] == sentences


def test_no_sentence_is_longer_than_a_summary_may_be():
    assert all(sentence.words <= SUMMARY_WORDS for sentence in split("word " * 500 + "x" * 5_000))


def test_a_text_is_shortened_at_a_sentence_end():
    assert shorten("One two three. Four five. Six.", 5) == "One two three. Four five."
    assert shorten("one two three four five", 3) == "one two three"
    assert shorten("", 3) == ""
