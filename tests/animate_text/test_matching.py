"""Pictures follow what is said: which of them, or which moment of a clip, goes with which line."""

import pytest

import animate_text
from animate_text import Footage, StoryboardRequest, matching, storyboard
from core import embeddings
from core.engines import EngineError

LINES = (
    "Nobody tells you this about dinner.",
    "Fold the dough twice and let it rest.",
    "Walk up to the old castle before sunrise.",
    "A red lipstick needs two thin layers.",
)
SAID = {
    "cover": (),
    "make-up": ("Put on your red lipstick in thin layers.", "Blot it once."),
    "castle": ("We went up to the castle while it was still dark.",),
    "bread": ("Hello again.", "Now fold your dough and leave it to rest."),
}


def test_a_line_is_shown_with_what_was_said_like_it():
    assert animate_text.pictures_for(LINES, SAID) == ("cover", "bread", "castle", "make-up")


def test_a_picture_comes_again_where_it_suits_but_not_three_times_in_a_row():
    lines = (LINES[0], *[LINES[1]] * 4)
    assert animate_text.pictures_for(lines, SAID) == ("cover", "bread", "bread", "make-up", "bread")


def test_a_draft_opens_with_the_first_picture_and_shows_it_again_where_it_suits():
    said = {"cover": SAID["castle"], "bread": SAID["bread"], "make-up": SAID["make-up"]}
    assert animate_text.pictures_for((LINES[1], LINES[2], LINES[0]), said) == ("cover", "cover", "bread")


def test_lines_that_nothing_was_said_like_have_the_pictures_in_their_order():
    lines = ["The parliament votes on taxes."] * 3
    assert animate_text.pictures_for(lines, SAID) == ("cover", "make-up", "castle")
    assert animate_text.pictures_for(lines, {"cover": (), "other": ()}) == ("cover", "other", "cover")
    assert animate_text.pictures_for(lines, {}) == animate_text.pictures_for([], SAID) == ()


def test_nothing_goes_with_two_lines():
    found = animate_text.pairs([LINES[1], "Fold your dough and leave it to rest."], list(SAID.values()))
    assert found == {1: 3}


@pytest.fixture
def clips():
    return (
        Footage("clip-0", 20.0, (3.0, 9.0), (SAID["make-up"], SAID["castle"])),
        Footage("clip-1", 20.0, (5.0,), (SAID["bread"],)),
    )


def test_a_scene_begins_with_the_moment_that_its_line_speaks_of_and_others_in_turn(clips):
    moments = animate_text.moments_for(LINES, clips)
    assert moments == (None, ("clip-1", 5.0), ("clip-0", 9.0), ("clip-0", 3.0))
    timeline = storyboard(StoryboardRequest(LINES, ("cover",), footage=clips, moments=moments)).timeline
    firsts = [(scene.shots[0].picture, scene.shots[0].start) for scene in timeline.scenes]
    assert firsts == [("cover", 0.0), *moments[1:]]


def test_moments_of_which_nothing_is_known_come_in_turn(clips):
    silent = tuple(Footage(clip.name, clip.seconds, clip.moments) for clip in clips)
    assert animate_text.moments_for(LINES, silent) == (("clip-0", 3.0), ("clip-1", 5.0), ("clip-0", 9.0), None)


def test_a_line_that_is_left_out_takes_its_moment_with_it(clips):
    long = tuple(f"{line} " + "and so on, " * 12 for line in LINES)
    moments = animate_text.moments_for(LINES, clips)
    board = storyboard(StoryboardRequest(long, ("cover",), footage=clips, moments=moments))
    assert board.lines == (0, 1, 3)
    assert [scene.shots[0].picture for scene in board.timeline.scenes[1:]] == ["clip-1", "clip-0"]
    assert board.timeline.scenes[-1].shots[0].start == 3.0


def test_without_the_model_of_meanings_they_come_in_turn(clips, monkeypatch):
    def embed(texts):
        raise EngineError("The model of meanings cannot be prepared.")

    monkeypatch.setattr(embeddings, "embed", embed)
    assert matching.pictures_for(LINES, SAID) == tuple(SAID)
    assert matching.moments_for(LINES[:2], clips) == (("clip-0", 3.0), ("clip-1", 5.0))
