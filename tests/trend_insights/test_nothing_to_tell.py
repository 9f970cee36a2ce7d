"""Where nothing can be told, each measure says so: never a number that is wrong."""

import json

import numpy as np
import pytest

from core.engines import no_report
from tools.known_clips import made
from tools.known_clips.accuracy import SAID
from trend_insights import MeasureRequest, as_clip, compare, measure

STILL = made.scene(3)[:320, :180]
OF_SOUND = ("tempo", "key", "loudness_lufs", "speech_share", "music_share", "speech_over_music", "cuts_on_beats")
OF_SPEECH = ("words_per_minute", "first_word_at", "longest_silence")
OF_CUTS = ("cuts_per_minute", "shot_seconds", "first_cut_at", "motion", "camera_motion")


@pytest.fixture
def clip(tmp_path, settings):
    """What is measured of frames and a sound, as the interface gives it."""

    def clip(frames, fps=25, sound=None, more=(), phrases=(), texts=()):
        wav = None if sound is None else made.write_wav(tmp_path / "sound.wav", sound)
        path = made.write_clip(tmp_path / "clip.mp4", frames, fps, wav, more)
        traits = measure(MeasureRequest(str(path), phrases, texts), settings, no_report)
        compare([traits, traits])
        return json.loads(json.dumps(as_clip("clip", traits), allow_nan=False))

    return clip


def none_of(found, names):
    return {name: found[name] for name in names if found[name] is not None}


def voice(seconds):
    return np.resize(made.in_a_room(made.speech(SAID)), round(seconds * made.RATE))


def test_without_a_sound_nothing_of_it_is_known(clip):
    found = clip(made.shot(1, 60))
    assert none_of(found, (*OF_SOUND, *OF_SPEECH, "cuts_follow_beats")) == {}
    assert (found["beats"], found["levels"], found["speech"], found["words"]) == ([], [], [], 0)
    assert found["hook"]["text"] is None and found["hook"]["loudness_lufs"] is None


def test_a_silent_track_is_as_good_as_none(clip):
    found = clip(made.shot(1, 125), sound=np.zeros(5 * made.RATE, np.float32))
    assert none_of(found, ("tempo", "key", "loudness_lufs", "speech_over_music", *OF_SPEECH)) == {}
    assert found["beats"] == [] and not any(found["levels"])


def test_a_picture_that_does_not_change_has_no_cuts_and_no_motion(clip):
    found = clip([STILL] * 100)
    assert (found["cuts"], found["cuts_per_minute"], found["first_cut_at"]) == ([], 0.0, None)
    assert (found["motion"], found["camera_motion"], found["shots"]) == (0.0, 0.0, [4.0])
    assert found["cuts_on_beats"] is None and found["cuts_follow_beats"] is None


def test_one_frame_has_no_rate_no_cuts_and_no_beat(clip):
    found = clip([STILL])
    assert none_of(found, (*OF_SOUND, *OF_CUTS, *OF_SPEECH, "frames_per_second", "call_to_action")) == {}
    assert (found["cuts"], found["shots"], found["sections"], found["variable_rate"]) == ([], [], [], False)
    assert found["palette"] and found["aspect"] == "9:16"


@pytest.mark.slow
def test_speech_alone_has_no_beat_no_key_and_no_music(clip):
    spoken = ((0.2, 11.8, SAID),)
    found = clip([STILL] * 60, 5, voice(12), phrases=spoken)
    assert none_of(found, ("tempo", "key", "cuts_on_beats", "cuts_follow_beats", "speech_over_music")) == {}
    assert found["beats"] == [] and found["music_share"] < 0.05
    assert found["words_per_minute"] and found["loudness_lufs"]


@pytest.mark.slow
def test_five_minutes_of_speech_before_a_picture_that_stands_still(clip):
    more = ("-vf", "tpad=stop_mode=clone:stop_duration=299", "-shortest", "-g", "500")
    found = clip([STILL] * 5, 5, voice(300), more)
    assert found["seconds"] == pytest.approx(300, abs=0.5)
    assert none_of(found, ("tempo", "key", "cuts_on_beats", "first_cut_at", *OF_SPEECH)) == {}
    assert (found["cuts"], found["beats"], found["motion"]) == ([], [], 0.0)
    assert found["music_share"] < 0.05


def test_where_the_rate_varies_the_mean_is_given_and_named_so(clip):
    kept = [number for number in range(100) if number < 50 or number % 5 == 0]
    more = ("-vf", "select='" + "+".join(f"eq(n,{number})" for number in kept) + "'", "-fps_mode", "vfr")
    found = clip(made.shot(4, 100, speed=0.3), more=more)
    assert found["variable_rate"] is True
    assert found["frames_per_second"] == pytest.approx(60 / 4, rel=0.05)
    assert found["seconds"] == pytest.approx(4.0, abs=0.25)
    assert (found["cuts"], found["cuts_per_minute"]) == ([], 0.0)


def test_nobody_who_looked_is_not_no_text(clip):
    frames = list(made.shot(1, 30))
    assert clip(frames, texts=None)["text_share"] is None
    found = clip(frames, texts=())
    assert (found["text_share"], found["text_first_at"], found["text_words"], found["text_places"]) == (
        0.0,
        None,
        None,
        [],
    )
