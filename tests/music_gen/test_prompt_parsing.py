"""What a description says outright is read out of it."""

import pytest

from music_gen.prompt_parsing import parse


@pytest.mark.parametrize(
    ("words", "root", "mode"),
    [
        ("sad piano in D minor", 2, "minor"),
        ("in F# major please", 6, "major"),
        ("Bb minor trap", 10, "minor"),
        ("key of E", 4, "major"),
        ("house in F#m", 6, "minor"),
        ("jazz, A minor", 9, "minor"),
        ("in D dorian", 2, "dorian"),
        ("C-sharp minor sonata", 1, "minor"),
        ("a song in a minor key", None, "minor"),
        ("a minor change, a major hit", None, None),
        ("A major trend in AI and C programming", None, None),
        ("in A quiet room", None, None),
    ],
)
def test_a_key_is_read_from_the_description(words, root, mode):
    asked = parse(words)
    assert (asked.root, asked.mode) == (root, mode)


@pytest.mark.parametrize(
    ("words", "tempo"),
    [
        ("120 BPM", 120),
        ("at 90bpm", 90),
        ("tempo: 75", 75),
        ("100-110 bpm", 105),
        ("96 beats per minute", 96),
        ("999 bpm", 220),
        ("10 bpm", 40),
        ("top 10 of 2024", None),
        ("1000000 bpm", None),
    ],
)
def test_a_tempo_is_read_from_the_description(words, tempo):
    assert parse(words).tempo == tempo
