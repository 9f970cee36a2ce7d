"""The sample clips: what each must be so that searches, tests and the demo can rely on them."""

import json
import re
import subprocess
from itertools import pairwise

import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

from settings import ROOT

SAMPLES = ROOT / "tiktok_videos" / "samples"
TEXTS = sorted(SAMPLES.glob("*/*.json"))
CATEGORIES = {
    "AI-MachineLearning-TechInnovation",
    "Foodie-RecipeOfTheDay-CookingHacks",
    "MakeupTutorial-BeautyHacks-SkincareRoutine",
    "OOTD-FashionInspo-StyleTips",
    "TravelVlog-HiddenGems-TravelTips",
}


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def infos(text):
    return ffmpeg_parse_infos(str(text.with_suffix(".mp4")))


@pytest.fixture(params=TEXTS, ids=lambda path: path.stem)
def text(request):
    return request.param


def test_five_categories_hold_three_clips_each():
    assert {folder.name for folder in SAMPLES.iterdir() if folder.is_dir()} == CATEGORIES
    for category in CATEGORIES:
        assert len(list((SAMPLES / category).glob("*.mp4"))) == 3


def test_each_clip_has_its_text_beside_it():
    assert {clip.with_suffix("") for clip in SAMPLES.glob("*/*.mp4")} == {text.with_suffix("") for text in TEXTS}


def test_all_clips_together_stay_under_eight_megabytes():
    assert sum(clip.stat().st_size for clip in SAMPLES.glob("*/*.mp4")) < 8_000_000


def test_a_clip_is_portrait_and_lasts_12_to_20_seconds(text):
    found = infos(text)
    assert found["video_size"] == [540, 960]
    assert 12 <= found["duration"] <= 20


def test_a_clip_plays_in_any_browser(text):
    clip = text.with_suffix(".mp4")
    said = subprocess.run([get_ffmpeg_exe(), "-i", clip], capture_output=True, text=True, check=False).stderr
    assert re.search(r"Video: h264 .*yuv420p", said)
    assert "Audio: aac" in said
    head = clip.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "the index comes first, so that playing starts at once"


def test_each_clip_says_when_it_was_made_and_no_two_say_the_same():
    made = {infos(text)["metadata"]["creation_time"] for text in TEXTS}
    assert len(made) == len(TEXTS)
    assert all(time.startswith("2026-") for time in made)


def test_the_voice_says_a_few_whole_sentences(text):
    script = json.loads(text.read_text())["script"]
    assert 30 <= len(script.split()) <= 55
    assert 2 <= len(re.findall(r"[.!?](?= |$)", script)) <= 5
    assert script[-1] in ".!?"


def test_captions_tell_what_the_voice_does_not(text):
    truth = json.loads(text.read_text())
    captions = {word for caption in truth["captions"] for line in caption["lines"] for word in words(line)}
    assert captions
    assert not captions & set(words(truth["script"]))


def test_captions_stand_long_enough_to_read_and_leave_the_picture_free_between(text):
    truth, length = json.loads(text.read_text()), infos(text)["duration"]
    captions = truth["captions"]
    assert len(captions) == 3
    for caption in captions:
        assert 2.5 <= caption["end"] - caption["start"] <= 4.5
        assert caption["end"] <= length
        assert 1 <= len(caption["lines"]) <= 2
        assert len(" ".join(caption["lines"]).split()) <= 6
    for before, after in pairwise(captions):
        assert after["start"] - before["end"] >= 0.5


def test_every_scene_can_be_seen_without_a_caption(text):
    truth, length = json.loads(text.read_text()), infos(text)["duration"]
    starts = [scene["start"] for scene in truth["scenes"]]
    assert 3 <= len(starts) <= 4
    for since, until in zip(starts, [*starts[1:], length], strict=True):
        covered = sum(max(0, min(until, c["end"]) - max(since, c["start"])) for c in truth["captions"])
        assert until - since - covered >= 0.5
