"""Who speaks the lines of a draft, what happens where nobody can, and when each word is said."""

import json
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import animate_text
import tiktok_to_text
from animate_text import VoiceRequest, Word, espeak, one_recording, time_lines, voice
from animate_text.alignment import align
from animate_text.wav import read_wav, seconds_of, write_wav
from core.engines import AllEnginesFailed, Cancelled
from tools.services.faults import Reply, Service

LINES = ("Stop peeling garlic like this.", "Put the cloves in a jar.")
KEY = "voice-key"


@pytest.fixture
def service(settings):
    """A service that speaks a tone over loopback: it answers `reply`; `settings` are those of a studio that asks it."""
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(24_000) / 24_000)
    with Service(lambda _request: service.reply) as service:
        service.reply = Reply(write_wav(tone, 24_000))
        service.settings = replace(
            settings, voice_api_url=f"{service.url}/v1", voice_api_key=KEY, voice_name="nova", service_timeout=5
        )
        yield service


def test_the_built_in_voice_speaks_each_line_alike_each_time(settings, tmp_path):
    one = animate_text.speak(VoiceRequest(LINES), settings)
    other = animate_text.speak(VoiceRequest(LINES), replace(settings, data_dir=tmp_path / "elsewhere"))
    assert (one.engine, one.warnings) == ("hibari", ())
    assert one.value == other.value
    assert all(1 < speech.seconds < 5 for speech in one.value.lines)


def test_speed_is_a_choice(settings):
    slow, fast = (animate_text.speak(VoiceRequest(LINES, speed=speed), settings).value for speed in (0.8, 1.3))
    assert sum(s.seconds for s in slow.lines) > 1.4 * sum(s.seconds for s in fast.lines)


def test_lines_are_equally_loud_and_without_silence_around_them(settings):
    made = animate_text.speak(VoiceRequest(LINES), settings).value
    levels = []
    for speech in made.lines:
        samples, rate = read_wav(speech.wav)
        levels.append(20 * np.log10(np.sqrt(np.mean(samples**2))))
        assert np.abs(samples[: round(0.1 * rate)]).max() > 0.005
    assert abs(levels[0] - levels[1]) < 3


def test_an_empty_line_is_silent_and_emoji_are_not_read_out(settings):
    made = animate_text.speak(VoiceRequest(("", "🔥", "Hello 🔥 you", "Hello you")), settings).value
    assert [speech.seconds for speech in made.lines[:2]] == [0, 0]
    assert made.lines[2] == made.lines[3]


def test_what_was_spoken_before_is_not_spoken_again(service):
    animate_text.speak(VoiceRequest(LINES), service.settings)
    animate_text.speak(VoiceRequest((LINES[1], "A new line."), speed=1.0), service.settings)
    assert [json.loads(asked.body)["input"] for asked in service.requests] == [*LINES, "A new line."]


def test_a_service_is_asked_as_openai_documents_it(service):
    answer = animate_text.speak(VoiceRequest(LINES[:1], speed=1.15), service.settings)
    assert answer.engine == "openai"
    asked = service.requests[0]
    assert (asked.path, asked.headers["authorization"]) == ("/v1/audio/speech", f"Bearer {KEY}")
    wanted = {"model": "tts-1", "voice": "nova", "input": LINES[0], "response_format": "wav", "speed": 1.15}
    assert json.loads(asked.body) == wanted


@pytest.mark.parametrize(
    ("status", "data", "reason"),
    [
        (401, b"", "refused the key"),
        (404, b"", "turned the request down"),
        (302, b"", "has moved"),
        (200, b"<html>Hello</html>", "no sound"),
        (200, b"", "no sound"),
    ],
)
def test_a_service_that_fails_gives_way_to_the_built_in_voice_with_the_reason(service, status, data, reason):
    service.reply = Reply(data, status)
    answer = animate_text.speak(VoiceRequest(LINES[:1]), service.settings)
    assert answer.engine == "hibari"
    assert reason in answer.warnings[0]
    assert KEY not in answer.warnings[0]


def test_a_failure_that_passes_is_tried_again(service):
    service.reply = Reply(status=503)
    answer = animate_text.speak(VoiceRequest(LINES[:1]), service.settings)
    assert len(service.requests) == 3
    assert "is out of order (HTTP 503)" in answer.warnings[0]


def test_a_service_that_is_waited_for_can_be_called_off_within_a_second(service):
    service.delay = 4

    def report(done, total, what):
        if time.monotonic() - start > 0.3:
            raise Cancelled

    start = time.monotonic()
    with pytest.raises(Cancelled):
        animate_text.speak(VoiceRequest(LINES[:1]), service.settings, report)
    assert time.monotonic() - start < 2


def test_the_built_in_voice_says_that_it_speaks_english_only(settings):
    for request in (VoiceRequest(("こんにちは",), "ja-JP"), VoiceRequest(("مرحبا بالعالم",))):
        with pytest.raises(AllEnginesFailed) as failed:
            animate_text.speak(request, replace(settings, voice_engines=("hibari",)))
        assert "speaks English only" in failed.value.warnings[0]


def test_no_voice_is_a_choice(settings):
    answer = animate_text.speak(VoiceRequest(LINES), replace(settings, voice_engines=("none",)))
    assert (answer.value.lines, answer.warnings) == ((), ())


@pytest.mark.skipif(espeak.missing(None) is not None, reason="espeak-ng is not installed")
def test_espeak_speaks_other_languages_where_it_is_installed(settings):
    answer = animate_text.speak(
        VoiceRequest(("Guten Morgen.",), "de-DE"), replace(settings, voice_engines=("espeak-ng",))
    )
    assert 0.4 < answer.value.lines[0].seconds < 3


# When each word is said


def test_the_words_of_the_script_keep_their_spelling_whatever_was_heard():
    heard = [Word("ate", 0.1, 0.4), Word("gigabytes,", 0.4, 1.0), Word("our", 1.0, 1.2), Word("enough", 1.2, 1.6)]
    timed = align(("8", "GB", "are", "enough."), heard, 1.8)
    assert [word.text for word in timed] == ["8", "GB", "are", "enough."]
    assert timed[3].start == pytest.approx(1.2, abs=0.05)
    assert all(one.start < other.start for one, other in pairwise(timed))


def test_a_first_word_begins_with_its_line_though_the_model_heard_it_late_and_for_no_time(settings):
    line = "Follow for more AI."
    (speech,) = animate_text.speak(VoiceRequest((line,)), settings).value.lines
    _, (start,) = one_recording([speech.wav], 0.6)
    heard = [("Follow", 0.35, 0.35), ("for", 0.35, 0.57), ("more", 0.57, 0.83), ("AI.", 0.83, 1.15)]
    (timed,) = time_lines([line], [speech.wav], [start], [Word(text, start + a, start + b) for text, a, b in heard])
    assert [word.text for word in timed.words] == line.split()
    assert timed.words[0].start == 0
    assert timed.words[1].start > 0.25


def test_where_nothing_was_heard_words_share_the_line():
    timed = align(("one", "two", "three"), (), 1.2)
    assert timed[0].start == 0
    assert timed[-1].end == pytest.approx(1.2)


@pytest.mark.slow
def test_captions_are_within_a_tenth_of_a_second_of_known_word_times(settings, tmp_path):
    """Each word spoken by itself and put next to the others, so that its time is known."""
    lines = (
        "The mistake everyone makes with this assistant.",
        "Stop writing rules and teach a machine learning model with examples.",
        "Cook cherry tomatoes in olive oil until they burst.",
        "Follow the paper lanterns down to the river and find the night market.",
        "Press moisturizer into damp skin and wait one minute before any makeup.",
        "Save this, and follow for more travel tips.",
    )
    spoken = {
        word: read_wav(speech.wav)[0]
        for words in [tuple({word for line in lines for word in line.split()})]
        for word, speech in zip(words, animate_text.speak(VoiceRequest(words), settings).value.lines, strict=True)
    }
    breath = round(voice.BREATH * 24_000)
    wavs, known = [], []
    for line in lines:
        parts, at = [], 0.0
        for word in line.split():
            sound = spoken[word][breath:-breath]
            known.append(at)
            parts += [sound, np.zeros(round(0.04 * 24_000), np.float32)]
            at += len(sound) / 24_000 + 0.04
        wavs.append(write_wav(np.concatenate(parts), 24_000))
    recording, starts = one_recording(wavs, 0.6)
    (tmp_path / "voice.wav").write_bytes(recording)
    heard = tiktok_to_text.word_times(tmp_path / "voice.wav", "en-US", settings)
    timed = time_lines(lines, wavs, starts, [Word(word.text, word.start, word.end) for word in heard])
    errors = [abs(w.start - k) for w, k in zip([w for line in timed for w in line.words], known, strict=True)]
    assert np.percentile(errors, 95) <= 0.1
    assert sum(seconds_of(wav) for wav in wavs) > 15
