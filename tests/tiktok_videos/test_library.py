"""Videos in folders named by their tags."""

import os
from dataclasses import replace

import pytest

import tiktok_videos
from core.engines import EngineError, no_report
from tiktok_videos import UnknownTagsError, library


@pytest.fixture
def shelves(settings, tmp_path):
    """A library with clips whose ages differ by a day: clip 0 is the oldest."""
    root = tmp_path / "videos"
    for category, clips in {"AI-MachineLearning": 5, "Foodie-AI": 2, "Empty-Shelf": 0}.items():
        (root / category).mkdir(parents=True)
        for number in range(clips):
            path = root / category / f"clip-{number}.mp4"
            path.write_bytes(b"video")
            os.utime(path, (86400 * number, 86400 * number))
    return replace(settings, video_library=root)


def keys(found):
    return [video.key for video in found.videos]


def test_a_tag_finds_its_newest_three(shelves):
    found = tiktok_videos.find(["MachineLearning"], shelves)
    assert keys(found) == [f"AI-MachineLearning/clip-{number}.mp4" for number in (4, 3, 2)]
    assert found.warnings == ()


def test_case_does_not_matter_and_the_video_bears_the_tag_as_filed(shelves):
    assert {video.tag for video in tiktok_videos.find(["machinelearning"], shelves).videos} == {"MachineLearning"}


def test_a_clip_that_two_tags_find_is_taken_once(shelves):
    found = keys(tiktok_videos.find(["MachineLearning", "AI"], shelves))
    assert len(found) == len(set(found)) == 3


def test_a_tag_in_two_categories_still_finds_three(shelves):
    assert len(keys(tiktok_videos.find(["AI"], shelves))) == 3


def test_a_tag_nobody_used_goes_to_the_nearest_category_and_says_so(shelves):
    found = tiktok_videos.find(["robots"], shelves)
    assert found.videos
    assert "robots" in found.warnings[0]
    assert "nearest in meaning" in found.warnings[0]


def test_one_unknown_tag_among_known_ones_costs_itself_alone(shelves):
    found = tiktok_videos.find(["MachineLearning", "mortgage"], shelves)
    assert len(found.videos) == 3
    assert "mortgage" in found.warnings[0]


def test_where_nothing_is_near_the_known_tags_are_listed(shelves):
    with pytest.raises(UnknownTagsError, match="mortgage") as error:
        tiktok_videos.find(["mortgage"], shelves)
    assert error.value.known == ("AI", "Empty", "Foodie", "MachineLearning", "Shelf")


def test_an_empty_category_is_said(shelves):
    with pytest.raises(UnknownTagsError, match="no videos under “Shelf”"):
        tiktok_videos.find(["Shelf"], shelves)


def test_a_library_that_is_missing_finds_nothing(settings, tmp_path):
    with pytest.raises(UnknownTagsError):
        tiktok_videos.find(["AI"], replace(settings, video_library=tmp_path / "nowhere"))


def test_what_is_no_video_or_no_category_is_passed_over(shelves):
    root = shelves.video_library
    (root / "AI-MachineLearning" / "notes.txt").write_text("not a video")
    (root / "AI-MachineLearning" / ".hidden.mp4").write_bytes(b"video")
    (root / "AI-MachineLearning" / "folder.mp4").mkdir()
    (root / "two words & more").mkdir()
    (root / "stray.mp4").write_bytes(b"video")
    assert len(tiktok_videos.find(["AI"], shelves).videos) == 3
    assert [category.key for category in library.categories(shelves)] == [
        "AI-MachineLearning",
        "Empty-Shelf",
        "Foodie-AI",
    ]


def test_a_video_that_has_gone_since_is_a_clear_error(shelves):
    video = tiktok_videos.find(["AI"], shelves).videos[0]
    (shelves.video_library / video.key).unlink()
    with pytest.raises(EngineError, match="no longer"):
        tiktok_videos.fetch(video, shelves, no_report)


@pytest.mark.parametrize(
    "key", ["../secret.mp4", "/etc/passwd", "AI-MachineLearning/../../secret.mp4", "", ".", "a\\b.mp4"]
)
def test_a_key_never_leads_out_of_the_library(shelves, key):
    (shelves.video_library.parent / "secret.mp4").write_bytes(b"secret")
    assert library.stored(key, shelves) is None


def test_a_link_never_leads_out_of_the_library(shelves, tmp_path):
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (shelves.video_library / "AI-MachineLearning" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    assert library.stored("AI-MachineLearning/link.mp4", shelves) is None
