"""Ideas say how fast to cut and when the hook must stand, from what was measured of the clips."""

import re

import pytest

from settings import Settings
from summariser import BriefRequest, Idea, Measured, Shot, extractive, ideas, languages
from summariser.pacing import paced

CLIPS = Measured(3, seconds=16.6, shot_seconds=1.8, first_word_at=0.4, text_first_at=1.0, words_per_minute=180)
IDEA = Idea(
    "A", "B", opening="One two three four five six.", shots=(Shot(2, "First"), Shot(6, "Then"), Shot(2, "Last"))
)


def test_the_pace_of_the_clips_is_what_an_idea_advises():
    assert paced(IDEA, CLIPS).timing == "Cut every 1.8 s, as these 3 clips do; the hook is said by 2.4 s."


def test_shots_are_as_long_together_as_the_clips_and_the_long_ones_are_cut():
    made = paced(IDEA, CLIPS)
    assert abs(sum(shot.seconds for shot in made.shots) - 16.6) <= 1.5
    assert made.shots == (Shot(3, "First, in 2 shots"), Shot(10, "Then, in 6 shots"), Shot(3, "Last, in 2 shots"))


def test_without_a_voice_it_is_the_first_text_that_counts():
    silent = Idea("A", "B", shots=IDEA.shots)
    assert paced(silent, CLIPS).timing.endswith("the first words stand on screen by 1.0 s.")


def test_clips_of_one_take_are_followed_in_one_take():
    made = paced(IDEA, Measured(1, seconds=12.0, shot_seconds=12.0))
    assert made.timing == "Film it in one take, as the clip does."
    assert [shot.shows for shot in made.shots] == ["First", "Then", "Last"]


def test_what_was_not_measured_is_not_advised():
    assert paced(IDEA, None) == IDEA
    assert paced(IDEA, Measured(2)) == IDEA


@pytest.mark.parametrize("code", sorted(set(languages.known()) - {"en"}))
def test_the_timing_is_in_the_language_of_the_ideas(code):
    made = paced(IDEA, CLIPS, languages.known()[code])
    assert re.search(r"1,8 s.*; .*2,4 s", made.timing)
    assert "Cut" not in made.timing
    assert made.shots[1].shows != "Then, in 6 shots"


def test_the_built_in_brief_has_it_in_each_idea():
    request = BriefRequest(
        ("Stop peeling garlic like this. Put the cloves in a jar.",), ("READY IN 5 MINUTES",), measured=CLIPS
    )
    for idea in extractive.write(request, Settings()).ideas:
        assert re.match(r"Cut every 1.8 s, as these 3 clips do|The hook is said by \d|The first words", idea.timing)
        assert 14 <= sum(shot.seconds for shot in idea.shots) <= 19


def test_an_idea_that_lives_of_one_take_is_not_cut():
    made = paced(IDEA, CLIPS, one_take=True)
    assert made.timing == "The hook is said by 2.4 s."
    assert [shot.shows for shot in made.shots] == ["First", "Then", "Last"]


def test_a_shot_that_says_how_it_is_cut_is_told_nothing_else():
    listing = Idea("A", "B", shots=(Shot(2, "First"), Shot(9, "One caption a shot")))
    assert [shot.shows for shot in paced(listing, CLIPS).shots][1] == "One caption a shot"


def test_no_frame_asks_for_one_take_and_for_cuts():
    for code in ("", "es", "de", "fr", "pt"):
        for frame in ideas.frames(code):
            says_one = re.search(r"without a cut|one unbroken take|single shot|keep one shot", frame.concept.lower())
            assert frame.one_take or not says_one, frame.title
