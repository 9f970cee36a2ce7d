"""What clips share: a tempo, colours, the place of their text; and what is said of it, which is never too much."""

import json

import pytest

from tests.trend_insights.clips import rows, traits
from trend_insights import as_clip, common_tempo, compare

# --- tempo


def test_the_tempo_of_most_clips_is_the_common_one():
    tempo = common_tempo([traits(118.0, key="A minor"), traits(119.0), traits(90.0)])
    assert (tempo.bpm, tempo.clips, tempo.of, tempo.key) == (118.5, 2, 3, "A minor")


def test_one_clip_with_a_sure_beat_is_enough_where_no_other_has_one():
    tempo = common_tempo([traits(100.0), traits(), traits()])
    assert (tempo.bpm, tempo.clips, tempo.of) == (100.0, 1, 3)


@pytest.mark.parametrize("bpms", [(), (None, None), (90.0, 118.0), (90.0, 118.0, 140.0), (90.0, 91.0, 118.0, 119.0)])
def test_clips_that_do_not_agree_have_no_tempo_in_common(bpms):
    assert common_tempo([traits(bpm) for bpm in bpms]) is None


def test_a_tempo_that_is_not_sure_does_not_count():
    assert common_tempo([traits(118.0, surety=0.2), traits(118.0, surety=0.3)]) is None
    assert common_tempo([traits(118.0, surety=0.2), traits(100.0)]).bpm == 100.0


def test_half_a_tempo_is_another_one():
    assert common_tempo([traits(120.0), traits(60.0)]) is None


# --- what is said


def test_of_few_clips_nothing_is_called_typical():
    few = compare([traits(words_per_minute=180.0), traits(words_per_minute=184.0)])
    assert any(line.startswith("In these clips: pace 182 words a minute") for line in few.said)
    assert not any("ypical" in line for line in few.said)
    many = compare([traits(words_per_minute=180.0 + n) for n in range(5)])
    assert any(line.startswith("Typical of these clips: pace 182 words a minute (180 to 184)") for line in many.said)


def test_what_differs_is_not_said_to_be_shared():
    said = compare([traits(words_per_minute=90.0), traits(words_per_minute=210.0)]).said
    assert not any("pace" in line for line in said)


def test_what_is_known_of_some_clips_only_says_of_how_many():
    said = compare([traits(words_per_minute=180.0), traits(words_per_minute=182.0), traits()]).said
    assert any(line.endswith("in 2 of 3.") and "pace" in line for line in said)


def test_a_clip_that_stands_apart_is_told_by_how_much():
    shared = compare([traits(seconds=length) for length in (14.0, 15.0, 15.0, 60.0)])
    assert shared.apart[3] == ("Length 60.0 s; the others 15.0.",)
    assert shared.apart[:3] == ((), (), ())


def test_a_measure_that_no_clip_has_is_not_known():
    spread = compare([traits(), traits()]).spreads["words_per_minute"]
    assert (spread.n, spread.median, spread.low, spread.high, spread.alike) == (0, None, None, None, False)
    assert spread.values == (None, None)


def test_nothing_measured_shares_nothing():
    shared = compare([])
    assert (shared.n, shared.tempo, shared.said, shared.apart) == (0, None, (), ())
    assert (shared.palette, shared.text_places) == ((), ())


# --- colours and the place of text


def test_the_palette_is_that_of_all_clips_and_those_alike_are_one():
    shared = compare(
        [
            traits(palette=("#c8203a", "#f0f0f0"), shares=(0.7, 0.3)),
            traits(palette=("#c4243c", "#2050d0"), shares=(0.6, 0.4)),
        ]
    )
    assert shared.palette == ("#c8203a", "#2050d0", "#f0f0f0")


def test_the_map_of_text_is_the_mean_of_the_clips_that_have_any():
    shared = compare([traits(places=rows(2, share=0.8)), traits(places=rows(2, 9, share=0.4)), traits()])
    assert shared.text_places[2] == pytest.approx([0.6] * 9)
    assert shared.text_places[9] == pytest.approx([0.2] * 9)
    assert sum(map(sum, shared.text_places)) == pytest.approx(0.8 * 9)


# --- the interface


def test_a_clip_is_given_as_plain_values_and_what_is_not_known_is_null():
    clip = json.loads(json.dumps(as_clip("A clip", traits(cuts=(1.0, 2.5)))))
    assert clip["title"] == "A clip" and clip["cuts"] == [1.0, 2.5]
    for name in ("tempo", "key", "words_per_minute", "loudness_lufs", "text_share", "speech_share", "call_to_action"):
        assert clip[name] is None
    assert clip["hook"]["text"] is None and clip["palette"] == []
