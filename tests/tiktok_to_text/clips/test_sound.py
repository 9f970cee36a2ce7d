"""What is heard in a clip, and what is not."""

from dataclasses import replace

import jiwer
import pytest

import tiktok_to_text
from core.engines import no_report
from tests.tiktok_to_text.clips.support import PICTURE, read, truth, words


def with_sound(sound, seconds=4):
    return ("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", sound, "-t", str(seconds), "-shortest")


def test_a_clip_without_an_audio_track_has_no_phrases(silent_picture, settings):
    text = read(silent_picture, settings)
    assert (text.phrases, text.speech_engine, text.warnings) == ((), None, ())
    assert text.transcript == ""


SOUNDS = {
    "silence": "anullsrc=r=44100",
    "noise": "anoisesrc=color=pink:amplitude=0.4:r=44100:seed=1",
    "a tone": "sine=440:r=44100",
    "chords with a beat": "aevalsrc='0.2*(sin(1382*t)+sin(1740*t)+sin(2073*t))*(0.4+0.6*lt(mod(t\\,0.5)\\,0.1))'",
}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_nothing_is_heard_where_nobody_speaks(make, settings, sound):
    text = read(make("mute.mp4", *with_sound(sound, 12)), settings)
    assert (text.phrases, text.warnings) == ((), ())


def test_a_file_of_sound_alone_is_read(sample_clips, make, settings):
    clip = make("sound.mp4", "-i", str(sample_clips[0]), "-vn", "-c:a", "copy")
    text = read(clip, settings)
    assert (text.on_screen, text.stills, text.warnings) == ((), (), ())
    said = " ".join(words(truth(sample_clips[0])["script"]))
    assert jiwer.wer(said, " ".join(words(text.transcript))) <= 0.08


def test_speech_longer_than_a_window_of_the_model_is_heard_to_its_end(sample_clips, make, settings):
    clips = [argument for clip in sample_clips[:3] for argument in ("-i", str(clip))]
    clip = make("long.mp4", *clips, "-filter_complex", "[0:a][1:a][2:a]concat=n=3:v=0:a=1", "-vn")
    said = " ".join(word for clip_ in sample_clips[:3] for word in words(truth(clip_)["script"]))
    text = read(clip, settings)
    assert jiwer.wer(said, " ".join(words(text.transcript))) <= 0.08
    assert text.phrases[-1].end > 40


def test_a_language_that_the_model_does_not_know_is_said_in_a_warning(sample_clips, make, settings):
    clip = make("sound.mp4", "-i", str(sample_clips[0]), "-vn", "-c:a", "copy")
    text = tiktok_to_text.read(clip, "de-DE", settings, no_report)
    assert text.phrases == () and text.speech_engine is None
    assert len(text.warnings) == 1 and "de-DE" in text.warnings[0]


def test_a_model_that_cannot_be_loaded_is_said_in_a_warning_and_not_kept(make, settings, tmp_path):
    (tmp_path / "model").mkdir()
    settings = replace(settings, whisper_model=str(tmp_path / "model"))
    text = read(make("tone.mp4", *with_sound("sine", 1)), settings)
    assert len(text.warnings) == 1 and "WHISPER_MODEL" in text.warnings[0]
    assert not (settings.data_dir / "texts").exists()
    assert text.stills
