"""The moments of a clip that are worth showing again: the hook, the longest shots, where somebody speaks."""

from dataclasses import replace
from itertools import combinations

from tests.trend_insights.clips import traits
from trend_insights import moments
from trend_insights.moments import AFTER_CUT, APART, MOST
from trend_insights.traits import Hook, Pace, Span


def clip(hook=None, cuts=(), seconds=15.0, speech=()):
    made = traits(seconds=seconds, cuts=cuts)
    said = Pace(0, None, None, None, tuple(Span(start, start + 1) for start in speech), 1.0)
    return replace(made, hook=Hook("Stop.", "command", hook, None, None, None, 0.9), pace=said)


def test_the_hook_comes_first_and_then_the_longest_shots():
    found = moments(clip(hook=0.4, cuts=(3.0, 5.0, 11.0)))
    assert found[:4] == (0.4, 5.0 + AFTER_CUT, 11.0 + AFTER_CUT, 3.0 + AFTER_CUT)


def test_without_a_sentence_the_beginning_is_the_hook():
    assert moments(clip(cuts=(4.0,)))[:2] == (0.0, 4.0 + AFTER_CUT)


def test_a_clip_without_cuts_is_shown_from_where_somebody_speaks():
    assert moments(clip(speech=(2.2, 6.0)))[:3] == (0.0, 2.2, 6.0)


def test_a_silent_clip_of_one_shot_has_moments_all_over_it():
    found = moments(clip(seconds=12.0))
    assert len(found) == 6 and max(found) == 10.0


def test_no_two_moments_are_close_and_none_is_at_the_very_end():
    found = moments(clip(hook=1.0, cuts=[n / 2 for n in range(1, 60)], seconds=30.0, speech=(1.2, 29.5)))
    assert min(abs(one - other) for one, other in combinations(found, 2)) >= APART - 0.01
    assert max(found) < 30.0 - APART
    assert len(found) == MOST


def test_a_clip_that_is_hardly_there_has_none():
    assert moments(clip(seconds=0.5)) == ()
