"""Google's speech service: what is sent, and what is heard in it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import tiktok_to_text
from core.engines import no_report
from settings import Settings
from tests.tiktok_to_text.google.support import KEY, RATE, ffmpeg, listen, samples_of, words, write
from tiktok_to_text import google
from tools.services.faults import answers
from tools.services.google_speech import knows


def test_a_clip_is_sent_sentence_by_sentence_and_comes_back_in_order(server, settings, wav, sentences):
    server.understand = knows(samples_of(wav).tobytes(), sentences)
    phrases = listen(wav, settings)

    assert [words(phrase.text) for phrase in phrases] == [words(text) for _, _, text in sentences]
    for phrase, (start, end, _) in zip(phrases, sentences, strict=True):
        assert phrase.start == pytest.approx(start, abs=0.3)
        assert phrase.end == pytest.approx(end, abs=0.4)
        assert phrase.text[0].isupper() and phrase.text.endswith(".")
    assert server.idle()


@pytest.mark.slow
def test_all_sample_clips_fall_apart_into_their_sentences(samples, tmp_path):
    for clip in sorted(samples.glob("*/*.mp4")):
        script = json.loads(clip.with_suffix(".json").read_text())["script"]
        sound = ffmpeg(clip, tmp_path / "sound.wav", "-ac", "1", "-ar", str(RATE))
        assert len(google._pieces(sound)) == len(re.findall(r"[.!?](?:\s|$)", script)), clip


def test_a_clip_read_through_google_says_so(server, settings, short_clip):
    server.understand = lambda piece: "never skip the shoulders"
    text = tiktok_to_text.read(short_clip, "en-US", settings, no_report)
    assert (text.transcript, text.speech_engine, text.warnings) == ("Never skip the shoulders.", "google", ())


def test_the_language_is_passed_on(server, settings, short_wav):
    listen(short_wav, settings, language="pt-BR")
    assert [piece.language for piece in server.pieces] == ["pt-BR"]


@pytest.mark.parametrize(
    ("heard", "sentence"),
    [
        ("is it blue ", "Is it blue."),
        ("is it blue?", "Is it blue?"),
        ("élan\nvital", "Élan vital."),
        ("你好。", "你好。"),
        ("grüße aus köln", "Grüße aus köln."),
        ("24 hours", "24 hours."),
    ],
)
def test_what_is_heard_becomes_a_sentence(server, settings, short_wav, heard, sentence):
    server.understand = lambda piece: heard
    [phrase] = listen(short_wav, settings)
    assert phrase.text == sentence


def test_pieces_in_which_nothing_is_understood_are_left_out(server, settings, wav, sentences):
    spoken = [(start, end, text if number % 2 else "") for number, (start, end, text) in enumerate(sentences)]
    server.understand = knows(samples_of(wav).tobytes(), spoken)
    assert [words(phrase.text) for phrase in listen(wav, settings)] == [words(text) for *_, text in spoken if text]


@pytest.mark.parametrize("nothing", ['{"result":[]}', '{"result":[]}\n{"result":[{"alternative":[],"final":true}]}'])
def test_nothing_understood_is_an_empty_transcript_and_no_error(server, settings, short_clip, nothing):
    server.fail(answers(200, nothing.encode()))
    text = tiktok_to_text.read(short_clip, "en-US", settings, no_report)
    assert (text.phrases, text.speech_engine, text.warnings) == ((), "google", ())
    assert len(server.requests) == 1


def test_sound_in_which_nobody_speaks_is_not_sent(server, settings, tmp_path):
    noise = np.random.default_rng(1).normal(0, 300, 5 * RATE)
    assert listen(write(tmp_path / "noise.wav", noise), settings) == ()
    assert listen(write(tmp_path / "nothing.wav", np.zeros(0)), settings) == ()
    assert server.requests == []


def test_speech_without_a_pause_is_split_before_the_service_has_enough(server, settings, wav, sentences, tmp_path):
    start, end, _ = sentences[1]
    breathless = np.tile(samples_of(wav)[int(start * RATE) : int(end * RATE)], int(100 / (end - start)))
    phrases = listen(write(tmp_path / "breathless.wav", breathless), settings)

    assert len(phrases) >= 3
    assert max(piece.seconds for piece in server.pieces) <= 45
    assert sum(piece.seconds for piece in server.pieces) == pytest.approx(breathless.size / RATE, rel=0.05)


def test_no_more_pieces_than_allowed_are_under_way_in_the_whole_process(server, settings, wav):
    few = replace(settings, speech_concurrency=3)
    server.thinking = 0.3
    with ThreadPoolExecutor(2) as clips:
        heard = list(clips.map(lambda _: listen(wav, few), range(2)))
    assert [len(phrases) for phrases in heard] == [4, 4]
    assert server.most_at_once == 3


def test_progress_is_told_piece_by_piece(settings, wav):
    told = []
    listen(wav, settings, lambda done, total, what: told.append((done, total)))
    assert told[0] == (0, 4) and told == sorted(told) and len(told) > 1


def test_it_is_set_up_by_a_key_or_by_another_address():
    assert "GOOGLE_SPEECH_KEY" in google.missing(Settings.read({}))
    assert google.missing(Settings.read({"GOOGLE_SPEECH_KEY": KEY})) is None
    assert google.missing(Settings.read({"GOOGLE_SPEECH_URL": "http://localhost:9/recognize"})) is None
