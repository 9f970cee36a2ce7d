"""Lines, beats and pace become a timeline."""

import json
from itertools import pairwise

import pytest

from animate_text import SpokenLine, StoryboardRequest, Timeline, TimelineError, Word, split_lines, storyboard, views
from animate_text.timeline import FPS, LONGEST, SHORTEST

LINES = ("Stop peeling garlic like this.", "Put the cloves in a jar and shake it.", "Save this for dinner.")
BEATS = tuple(n * 60 / 104 for n in range(110))
PICTURES = ("cover",)


def spoken(line, seconds=None):
    words = line.split()
    seconds = seconds or 0.32 * len(words)
    step = seconds / len(words)
    return SpokenLine(seconds, tuple(Word(word, n * step, (n + 1) * step) for n, word in enumerate(words)))


def request(lines=LINES, **more):
    given = {"spoken": tuple(map(spoken, lines)), "pictures": PICTURES, "beats": BEATS, **more}
    return StoryboardRequest(tuple(lines), **given)


def cuts(timeline):
    """The seconds at which one shot gives way to the next, and the end."""
    at, found = 0.0, []
    for shot in timeline.shots:
        at += shot.seconds
        found.append(at)
    return found


def test_every_cut_falls_on_a_beat_to_the_frame():
    timeline = storyboard(request()).timeline
    nearest = [min(abs(cut - beat) for beat in BEATS) for cut in cuts(timeline)]
    assert max(nearest) < 1e-6
    for (_, last), cut in zip(timeline.frames, cuts(timeline), strict=True):
        assert abs(last / FPS - cut) <= 0.5 / FPS + 1e-9


def test_without_beats_cuts_fall_on_frames():
    for cut in cuts(storyboard(request(beats=())).timeline):
        assert abs(cut * FPS - round(cut * FPS)) < 1e-6


def test_no_scene_ends_before_its_line():
    for tempo in (60, 97, 140, 180):
        made = storyboard(request(beats=tuple(n * 60 / tempo for n in range(200)))).timeline
        for scene in made.scenes:
            assert scene.words[-1].end <= scene.seconds


def test_a_draft_has_at_least_ten_seconds_and_at_most_sixty():
    assert storyboard(request(("Hi.",))).timeline.seconds >= SHORTEST
    many = storyboard(request(LINES * 20)).timeline
    assert many.seconds <= LONGEST


def test_a_short_script_is_stretched_over_all_of_its_scenes():
    scenes = storyboard(request(("Hi there.", "This is all.", "Save it."))).timeline.scenes
    assert max(scene.seconds for scene in scenes) < 0.5 * SHORTEST
    wished = storyboard(request(("Hi there.", "This is all.", "Save it."), lengths=(2.0, None, None))).timeline.scenes
    assert wished[0].seconds < 2.0 + 60 / 104 < wished[1].seconds


def test_what_does_not_fit_is_left_out_with_a_warning_and_the_last_line_stays():
    lines = (*("This is one of very many sentences in a long idea.",) * 30, "Follow for more.")
    made = storyboard(request(lines))
    assert made.timeline.scenes[-1].line == "Follow for more."
    left_out = len(lines) - len(made.timeline.scenes)
    assert left_out > 10
    assert made.warnings == (f"{left_out} lines of the script were left out: a draft has at most 60 seconds.",)
    assert made.lines[-1] == len(lines) - 1


def test_an_idea_of_three_hundred_words_is_cut_into_breaths():
    idea = " ".join(f"word{n}{',' if n % 11 == 0 else ''}" for n in range(300))
    lines = split_lines([idea])
    assert " ".join(lines) == idea
    assert all(4 <= len(line.split()) <= 16 for line in lines)
    assert storyboard(request(lines)).timeline.seconds <= LONGEST


def test_a_long_sentence_is_parted_where_one_breathes():
    long = "Get off at the quiet village before the summit and follow the narrow path that leads down to the lake."
    first, _ = split_lines([long])
    assert first == "Get off at the quiet village before the summit"
    comma = "Cook the cherry tomatoes until they burst, then fold in the basil and serve it all while hot."
    assert split_lines([comma])[0].endswith("burst,")


def test_sentences_are_lines_of_their_own():
    assert split_lines(["One thing. Another thing!", "日本語です。次の文。"]) == (
        "One thing.",
        "Another thing!",
        "日本語です。",
        "次の文。",
    )


def test_an_abbreviation_does_not_end_a_line():
    assert split_lines(["Ask Dr. Lee at 5 p.m. today. He knows."]) == ("Ask Dr. Lee at 5 p.m. today.", "He knows.")


def test_shots_change_at_about_the_pace_of_the_trend():
    lines = tuple(f"{line} And then something else happens here." for line in LINES)
    lengths = {}
    for wanted in (20, 40):
        shots = storyboard(request(lines, cuts_per_minute=wanted)).timeline.shots
        lengths[wanted] = sum(shot.seconds for shot in shots) / len(shots)
        assert 60 / wanted / 1.6 < lengths[wanted] < 60 / wanted * 1.6
    assert lengths[40] < lengths[20]


def test_no_picture_is_shown_twice_in_a_row_and_scenes_differ():
    for seed in range(10):
        timeline = storyboard(request(LINES * 3, seed=seed)).timeline
        assert all(one.picture != other.picture for one, other in pairwise(timeline.shots))
        firsts = [scene.shots[0].picture for scene in timeline.scenes]
        assert firsts[0] == "cover"
        assert len(set(firsts)) == len(firsts)
        shots = [shot.picture for scene in timeline.scenes[:5] for shot in scene.shots[:3]]
        assert len(set(shots)) == len(shots)


def test_scenes_show_the_pictures_in_turn_each_whole_at_first():
    pictures = ("cover", "scene-1", "scene-2")
    scenes = storyboard(request(LINES * 2, pictures=pictures)).timeline.scenes
    assert [scene.shots[0].picture for scene in scenes[:3]] == list(pictures)
    for number, scene in enumerate(scenes):
        assert {views.split(shot.picture)[0] for shot in scene.shots} == {pictures[number % 3]}


def test_what_has_layers_moves_in_parallax_and_nothing_else():
    for seed in range(4):
        for shot in storyboard(request(LINES * 3, seed=seed)).timeline.shots[1:]:
            assert (shot.move == "parallax") == views.is_layered(shot.picture)


def test_a_view_that_there_is_not_is_the_whole_picture():
    assert views.split("cover@arch") == ("cover", "arch")
    assert views.split("cover@upside-down") == ("cover", "")
    assert views.split("cover") == ("cover", "")


def test_a_wished_length_is_kept_to_the_next_beat_and_never_cuts_a_line():
    wished = storyboard(request(lengths=(5.0, None, 0.5))).timeline
    assert 5.0 - 0.15 <= wished.scenes[0].seconds < 5.0 + 60 / 104
    assert wished.scenes[2].seconds >= spoken(LINES[2]).seconds


def test_without_a_voice_words_are_shown_at_the_pace_of_reading():
    slow = storyboard(request(spoken=(), words_per_minute=100)).timeline
    fast = storyboard(request(spoken=(), words_per_minute=180)).timeline
    assert not slow.voice
    assert slow.scenes[1].seconds > fast.scenes[1].seconds
    for scene in slow.scenes:
        assert [word.text for word in scene.words] == scene.line.split()
        assert all(one.end <= other.start + 1e-6 for one, other in pairwise(scene.words))


def test_the_same_request_gives_the_same_timeline_and_another_seed_another():
    assert storyboard(request(seed=3)) == storyboard(request(seed=3))
    assert storyboard(request(LINES * 3, seed=3)) != storyboard(request(LINES * 3, seed=4))


def test_a_draft_without_a_line_is_refused():
    with pytest.raises(ValueError, match="at least one line"):
        storyboard(request(()))


def test_a_timeline_survives_json():
    timeline = storyboard(request()).timeline
    assert Timeline.from_json(json.loads(json.dumps(timeline.to_json()))) == timeline


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"scenes": []}, "scenes"),
        ({"caption_style": "comic"}, "caption_style"),
        ({"voice_speed": 9}, "voice_speed"),
        ({"music_db": float("nan")}, "music_db"),
        ({"scenes": [{"line": "x" * 401, "shots": [{"picture": "cover", "seconds": 2}]}]}, "line"),
        ({"scenes": [{"line": "x", "shots": [{"picture": "cover", "seconds": 2, "move": "spin"}]}]}, "move"),
        ({"scenes": [{"line": "x", "shots": [{"picture": "cover", "seconds": 50}] * 3}]}, "shorten"),
    ],
)
def test_a_timeline_that_cannot_be_rendered_is_refused_with_what_is_wrong(change, hint):
    with pytest.raises(TimelineError, match=hint):
        Timeline.from_json(storyboard(request()).timeline.to_json() | change)
