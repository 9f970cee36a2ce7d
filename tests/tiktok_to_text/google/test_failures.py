"""Google's speech service: what goes wrong, and what it costs."""

import logging
import time
import urllib.request
from dataclasses import replace
from urllib.error import HTTPError

import pytest

import tiktok_to_text
from core.engines import EngineError, no_report
from tests.tiktok_to_text.google.support import GRACE, KEY, error_of, listen, threads, words
from tiktok_to_text import google, speech
from tools.services.faults import FAULTS, answers, deaf, refusing
from tools.services.google_speech import GoogleSpeech
from tools.waiting import until

FAILURES = {
    "refused": "cannot be reached; check the network",
    "hangs": "did not answer within 1 s",
    "slow drip": "did not answer within 1 s",
    "slow head": "did not answer within 1 s",
    "400": "did not accept the request (HTTP 400); check GOOGLE_SPEECH_KEY",
    "401": "refused the key; check GOOGLE_SPEECH_KEY",
    "403": "refused the key; check GOOGLE_SPEECH_KEY",
    "404": "is not at this address (HTTP 404); check GOOGLE_SPEECH_URL",
    "429": "takes no more requests for now",
    "429 for an hour": "takes no more requests for now",
    "500": "is out of order",
    "503": "is out of order",
    "closed half-way": "broke off its answer",
    "closed at once": "broke off its answer",
    "length too long": "broke off its answer",
    "length too short": "did not answer as it should",
    "invalid JSON": "did not answer as it should",
    "wrong shape": "did not answer as it should",
    "a list": "did not answer as it should",
    "nested too deep": "did not answer as it should",
    "empty": "did not answer as it should",
    "10 MB of rubbish": "did not answer as it should",
    "not UTF-8": "did not answer as it should",
    "not HTTP": "broke off its answer",
    "redirects elsewhere": "has moved",
}


@pytest.mark.parametrize("fault", FAILURES)
def test_every_failure_ends_in_whispers_transcript_and_one_clear_warning(server, hurried, short_clip, fault, caplog):
    speech.load(hurried)
    caplog.set_level(logging.DEBUG)
    server.understand = lambda piece: "never skip the shoulders"
    with refusing() as nowhere:
        if fault == "refused":
            hurried = replace(hurried, google_speech_url=nowhere)
        else:
            server.fail(fault)
        started = time.time()
        text = tiktok_to_text.read(short_clip, "en-US", hurried, no_report)

    assert text.speech_engine == "whisper" and len(words(text.transcript)) > 3
    [warning] = text.warnings
    assert FAILURES[fault] in warning
    [failed] = [record for record in caplog.records if record.name == "core.engines"]
    assert failed.created - started < 1 + GRACE
    assert KEY not in caplog.text + repr(text) + repr(hurried)
    assert not threads() and server.idle()


def test_every_fault_of_the_test_server_is_in_the_table():
    assert set(FAILURES) == {"refused", *FAULTS}


@pytest.mark.parametrize(
    "body",
    [
        b"5",
        b"null",
        b'{"result": 5}',
        b'{"result": {"a": 1}}',
        b'{"result": ["a"]}',
        b'{"result": [{"alternative": [{"transcript": 5}]}]}',
        b'{"result": [{"alternative": [null]}]}',
        b"<html>Log in to the hotel's network</html>",
        b" \n",
    ],
)
def test_an_answer_of_another_shape_is_an_error(server, settings, short_wav, body):
    server.fail(answers(200, body))
    assert "did not answer as it should" in error_of(short_wav, settings)


def test_a_wrong_key_is_told_apart_from_a_service_that_is_down(settings, short_wav):
    with pytest.raises(EngineError, match="refused the key; check GOOGLE_SPEECH_KEY") as failed:
        listen(short_wav, replace(settings, google_speech_key="AIza-wrong"))
    assert failed.value.__context__ is None  # urllib's errors hold the address, and the address holds the key


def test_a_server_that_wants_a_key_says_which_setting_is_empty(settings, short_wav):
    assert "wants a key; set GOOGLE_SPEECH_KEY" in error_of(short_wav, replace(settings, google_speech_key=""))


@pytest.mark.parametrize("key", ["AIza broken\nline", "AIza-ключ", "AIza-\x00&pFilter=1"])
def test_a_key_with_odd_characters_is_refused_and_not_shown(settings, short_wav, key, caplog):
    caplog.set_level(logging.DEBUG)
    error = error_of(short_wav, replace(settings, google_speech_key=key))
    assert "refused the key" in error
    assert key not in caplog.text + error


def test_a_redirect_is_not_followed(server, settings, short_wav):
    with GoogleSpeech() as other:
        server.fail(answers(307, b"", Location=other.address))
        assert "has moved (HTTP 307); set GOOGLE_SPEECH_URL" in error_of(short_wav, settings)
        assert other.requests == []


def test_a_machine_without_the_packer_is_told_so(settings, short_wav, monkeypatch):
    from speech_recognition import audio

    def none():
        raise OSError("FLAC conversion utility not available")

    monkeypatch.setattr(audio, "get_flac_converter", none)
    assert "install the program flac" in error_of(short_wav, settings)


def test_an_address_that_answers_no_connection_costs_no_more_than_a_moment(settings, short_wav, monkeypatch):
    monkeypatch.setattr(google, "CONNECT_TIMEOUT", 0.5)
    with deaf() as far_away:
        far = replace(settings, google_speech_url=f"{far_away}/recognize")
        started = time.monotonic()
        assert "cannot be reached" in error_of(short_wav, far)
        assert time.monotonic() - started < 0.5 + GRACE
        until(lambda: not threads(), 3)


def test_urlopen_stays_as_it_was_for_everybody_else(server, settings, short_wav):
    listen(short_wav, settings)
    with GoogleSpeech() as other, pytest.raises(HTTPError, match="404") as failed:
        server.fail(answers(302, b"", Location=f"{other.url}/elsewhere"), path="/moved")
        urllib.request.urlopen(f"{server.url}/moved", timeout=5)
    failed.value.close()
    assert [request.path for request in other.requests] == ["/elsewhere"]
