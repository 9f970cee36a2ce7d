"""What the music and the cover are asked to be: the brief's words, and what the clips share."""

from dataclasses import replace

import pytest

import tiktok_videos
from pipeline import requests
from pipeline.clips import Clip
from pipeline.draft_pictures import ClipStills
from pipeline.query import Query
from summariser import Brief, Idea
from tests.trend_insights.clips import rows, traits
from tiktok_to_text import Phrase, VideoText
from tiktok_to_text.video_text import ScreenText
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


@pytest.mark.parametrize(("number", "fitting"), [(1, (b"two",)), (None, ()), (3, ()), (9, ())])
def test_the_cover_is_told_which_stills_are_of_the_clip_that_its_title_is_about(number, fitting):
    ideas = (Idea("A title", "What it is.", clip=number), Idea("Another", "What it is.", clip=0))
    assert requests.picture(QUERY, replace(BRIEF, ideas=ideas), "A title", TREND).fitting == fitting
    assert requests.picture(QUERY, BRIEF, "A title", TREND).fitting == ()


def test_clips_of_which_nothing_was_measured_leave_the_cover_to_itself():
    asked = requests.picture(QUERY, BRIEF, "A title", [clip(), clip()])
    assert (asked.palette, asked.text_places) == ((), ())


# What of clips a draft may show


def own(measured=None, key="own.mp4"):
    return replace(clip(measured), video=Video("uploads", key, "My own", 0.0))


def test_own_clips_may_be_shown_and_found_ones_only_where_somebody_says_so(settings):
    clips = [TREND[0], own()]
    assert requests.may_be_shown(clips, settings) == [clips[1]]
    assert requests.may_be_shown(clips, replace(settings, use_found_footage=True)) == clips


def test_footage_are_the_measured_clips_that_are_here_with_their_moments(settings, monkeypatch, tmp_path):
    here = {"own.mp4": tmp_path / "own.mp4", "unmeasured.mp4": tmp_path / "unmeasured.mp4"}
    monkeypatch.setattr(tiktok_videos, "stored", lambda source, key, settings: here.get(key))
    measured = traits(seconds=12.0, cuts=(4.0, 5.0))
    clips = [own(measured, "gone.mp4"), own(None, "unmeasured.mp4"), own(measured)]
    (shown,), (file,) = requests.footage(clips, settings)
    assert (shown.name, shown.seconds, shown.moments[:2]) == ("clip-0", 12.0, (0.0, 5.1))
    assert file.path == here["own.mp4"]


def test_what_has_no_picture_is_no_footage(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(tiktok_videos, "stored", lambda *_: tmp_path / "sound.m4a")
    measured = traits(seconds=12.0)
    heard = replace(measured, form=replace(measured.form, width=None, height=None))
    assert requests.footage([own(heard)], settings) == ((), ())


def test_a_moment_has_the_words_that_are_said_and_shown_in_it(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(tiktok_videos, "stored", lambda *_: tmp_path / "own.mp4")
    phrases = (Phrase(0.0, 2.0, "Fold the dough."), Phrase(6.0, 8.0, "Bake it hot."))
    texts = (ScreenText(5.5, 9.0, "240 °C", (0.1, 0.1, 0.5, 0.2)), ScreenText(5.5, 9.0, "", (0.1, 0.1, 0.5, 0.2)))
    text = VideoText(12.0, phrases, ("240 °C",), (b"still",), None, texts=texts)
    one = replace(own(traits(seconds=12.0, cuts=(4.0, 5.0))), text=text)
    ((shown,), _) = requests.footage([one], settings)
    words = dict(zip(shown.moments, shown.said, strict=True))
    assert words[0.0] == ("Fold the dough.",)
    assert words[5.1] == ("Bake it hot.", "240 °C")
    (stills,) = requests.clip_stills([one, clip()], settings)
    assert stills == ClipStills((b"still",), ("Fold the dough.", "Bake it hot.", "240 °C"), may_be_shown=True)
