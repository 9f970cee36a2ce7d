"""What the music and the cover are asked to be: the brief's words, and what the clips share."""

import pytest

from pipeline import requests
from pipeline.clips import Clip
from pipeline.query import Query
from summariser import Brief
from tests.trend_insights.clips import rows, traits
from tiktok_to_text import VideoText
from tiktok_videos import Video

QUERY = Query(("AI",), seconds=10, seed=7)
BRIEF = Brief("A summary.", ("AI",), (), "A house track at 124 BPM.", "A city at night.")


def clip(measured=None, stills=()):
    return Clip(Video("library", "a.mp4", "A clip", 0.0), VideoText(10.0, (), (), stills, None), None, measured)


TREND = [
    clip(traits(118.0, key="A minor", palette=("#c8203a",), shares=(1.0,), places=rows(2)), (b"one",)),
    clip(traits(118.4, palette=("#2050d0",), shares=(1.0,), places=rows(2, 3)), (b"two",)),
    clip(traits(90.0)),
    clip(),
]


def test_the_music_is_asked_for_at_the_tempo_and_in_the_key_of_most_clips():
    asked = requests.music(QUERY, BRIEF, TREND)
    assert (asked.tempo, asked.key, asked.seconds, asked.seed) == (118.2, "A minor", 10, 7)
    assert requests.with_tempo(BRIEF, TREND).music_prompt == "A house track at 118 BPM. In A minor."


def test_without_a_common_tempo_the_brief_s_own_words_decide():
    for clips in ([], [clip()], [clip(traits(90.0)), clip(traits(118.0))]):
        asked = requests.music(QUERY, BRIEF, clips)
        assert (asked.tempo, asked.key, asked.prompt) == (None, None, "A house track at 124 BPM.")
        assert requests.with_tempo(BRIEF, clips) == BRIEF


def test_the_cover_gets_the_colours_of_the_clips_and_the_places_of_their_text():
    asked = requests.picture(QUERY, BRIEF, "A title", TREND)
    assert (asked.title, asked.hashtags, asked.prompt, asked.seed) == ("A title", ("AI",), "A city at night.", 7)
    assert asked.stills == (b"one", b"two")
    assert set(asked.palette) == {"#c8203a", "#2050d0"}
    assert asked.text_places[2] == pytest.approx([0.8] * 9) and asked.text_places[3] == pytest.approx([0.4] * 9)


def test_clips_of_which_nothing_was_measured_leave_the_cover_to_itself():
    asked = requests.picture(QUERY, BRIEF, "A title", [clip(), clip()])
    assert (asked.palette, asked.text_places) == ((), ())
