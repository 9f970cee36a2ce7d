"""What stands on what is read: pace, hook, text on screen, and the parts of a clip."""

import numpy as np
import pytest

from tools.known_clips import accuracy
from trend_insights import form, hook, loudness, pace, text

LOUD = np.full(400, -16.0)  # LUFS, each tenth of a second
STEPS = loudness.energies([np.full((6 * 48_000, 2), 0.1)])


@pytest.mark.slow
def test_words_a_minute_are_those_that_are_spoken(tmp_path, settings):
    errors = accuracy.pace_errors(tmp_path, settings)
    assert len(errors) == 6 and max(errors) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("busy", [False, True], ids=["calm", "busy"])
def test_the_share_of_text_is_that_which_is_shown(busy, tmp_path, settings):
    errors = accuracy.text_share_errors(tmp_path, settings, busy)
    assert len(errors) == 6 and max(errors) <= 0.05


# --- pace


def test_the_pace_is_from_the_first_word_to_the_last():
    found = pace.measure([(2.0, 6.0, "one two three four five"), (8.0, 12.0, "six seven eight nine ten")], LOUD)
    assert (found.words, found.words_per_minute, found.first_word_at, found.longest_silence) == (10, 60.0, 2.0, 2.0)


def test_a_pause_within_a_phrase_is_a_silence():
    levels = LOUD.copy()
    levels[40:60] = -70.0
    found = pace.measure([(1.0, 9.0, "one two three four five six")], levels)
    assert len(found.speech) == 2 and found.longest_silence == pytest.approx(2.0, abs=0.5)


def test_a_phrase_that_was_heard_too_long_ends_where_the_level_falls_to_that_of_the_music():
    levels = np.full(400, -30.0)  # music
    levels[17:60] = -16.0  # a voice from 2.0 to 6.0 s, in all blocks of 0.4 s that have any of it
    found = pace.measure([(1.5, 6.9, "one two three four five six seven eight")], levels)
    assert found.first_word_at == pytest.approx(2.0, abs=0.25)
    assert found.words_per_minute == pytest.approx(120, rel=0.06)


@pytest.mark.parametrize("phrases", [[], [(0.0, 2.0, "...")], [(0.0, 2.0, "♪ ♪")]])
def test_nothing_said_has_no_pace(phrases):
    found = pace.measure(phrases, LOUD)
    assert (found.words, found.words_per_minute, found.first_word_at, found.longest_silence, found.speech) == (
        0,
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize(
    ("said", "count"), [("don't stop", 2), ("8 eggs, 2.5 cups", 4), ("état-major", 2), ("¿Qué tal?", 2), ("…", 0)]
)
def test_words_are_counted_as_one_says_them(said, count):
    assert pace.count_words(said) == count


# --- hook


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Why does nobody tell you this?", "question"),
        ("What happens if you never clean it", "question"),
        ("Stop peeling garlic like this.", "command"),
        ("Three prompts that save an hour.", "number"),
        ("I saved 400 dollars in a week.", "number"),
        ("This is the cheapest trip of my life.", "claim"),
        ("Cut is the wrong word for it.", "claim"),
    ],
)
def test_the_kind_of_a_hook_is_told_by_rule(sentence, kind):
    assert hook.kind(sentence) == kind


def test_the_hook_is_the_first_sentence_with_its_moment_and_what_stands_there():
    found = hook.measure(
        [(0.4, 2.0, "Stop peeling garlic"), (2.0, 4.0, "like this. Shake it.")],
        [(0.0, 2.0, "NO MORE", (0, 0, 1, 1)), (4.0, 6.0, "later", (0, 0, 1, 1))],
        0.2,
        STEPS,
    )
    assert (found.text, found.kind, found.at, found.on_screen) == (
        "Stop peeling garlic like this.",
        "command",
        0.4,
        "NO MORE",
    )


def test_the_hook_begins_when_its_first_word_is_heard():
    phrases = [(0.4, 2.0, "Stop peeling garlic.")]
    assert hook.measure(phrases, (), None, STEPS, first_word_at=0.7).at == 0.7


def test_who_begins_to_speak_later_has_no_spoken_hook():
    found = hook.measure([(3.5, 5.0, "Hello there.")], (), None, STEPS)
    assert (found.text, found.kind, found.at, found.on_screen, found.motion) == (None, None, None, None, None)


# --- text


def test_overlapping_texts_count_once():
    found = text.measure([(0.0, 4.0, "a b", (0, 0, 1, 0.1)), (2.0, 6.0, "c", (0, 0.5, 1, 0.6))], 12.0)
    assert (found.share, found.first_at) == (0.5, 0.0)
    assert [(span.start, span.end) for span in found.spans] == [(0.0, 6.0)]


def test_the_map_says_where_text_stands_and_for_how_long():
    found = text.measure([(0.0, 5.0, "top", (0.0, 0.0, 1.0, 0.125)), (5.0, 6.0, "low", (0.0, 0.9, 0.3, 0.95))], 10.0)
    assert found.places[0] == (0.5,) * 9 and found.places[1] == (0.5,) * 9
    assert found.places[8] == (0.0,) * 9
    assert found.places[14][0] == 0.1 and found.places[14][8] == 0.0


def test_no_text_is_not_the_same_as_nobody_looked():
    assert (text.measure((), 10.0).share, text.measure(None, 10.0).share) == (0.0, None)


# --- form


def parts(phrases=(), texts=(), cuts=(), seconds=20.0):
    return form.measure(seconds, (1080, 1920), np.arange(0, seconds, 1 / 25), phrases, texts, cuts)


def test_what_a_clip_asks_for_is_found_with_its_moment():
    found = parts([(0.0, 5.0, "Salt the water."), (15.0, 18.0, "Follow for more recipes.")])
    assert found.call_to_action.text == "Follow for more recipes." and found.call_to_action.at == 15.0
    assert [(part.name, part.start) for part in found.sections] == [("body", 0.0), ("ending", 15.0)]


def test_a_clip_that_asks_for_nothing_has_no_call():
    assert parts([(0.0, 5.0, "I follow the river north."), (6.0, 9.0, "It is calm.")]).call_to_action is None


def test_a_short_clip_has_no_parts():
    assert parts(seconds=5.0).sections == ()


@pytest.mark.parametrize(
    ("size", "aspect"), [((1080, 1920), "9:16"), ((720, 1278), "9:16"), ((1920, 1080), "16:9"), ((500, 500), "1:1")]
)
def test_the_shape_is_called_by_its_usual_name(size, aspect):
    assert form.measure(5.0, size, np.arange(0, 5, 0.04), (), (), ()).aspect == aspect
