"""Google's speech service: what is sent, what becomes of the answers, and what happens when it fails."""

import gc
import json
import logging
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
import wave
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError

import imageio_ffmpeg
import numpy as np
import pytest

import tiktok_to_text
from engines import Cancelled, EngineError, silent
from settings import Settings
from tests.services.drive import certify
from tests.services.faults import FAULTS, answers, eventually, refusing
from tests.services.google_speech import GoogleSpeech, knows
from tiktok_to_text import google, speech

RATE = 16_000  # samples a second
KEY = "AIza-very-secret-0123456789"
GRACE = 1.5  # seconds that a busy machine may add to a time-out

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


@pytest.fixture(autouse=True)
def nothing_is_remembered_or_left_behind(monkeypatch):
    """No failure of another test counts, no proxy is in the way, and no thread or socket is left in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    google.forget_failures()
    before = sockets()
    gc.disable()  # what only the garbage collector closes was left open
    yield
    google.forget_failures()
    try:
        assert eventually(lambda: not threads() and sockets() <= before)
    finally:
        gc.enable()


@pytest.fixture
def server():
    with GoogleSpeech(key=KEY) as server:
        yield server


@pytest.fixture
def settings(settings, server):
    return replace(
        settings,
        google_speech_url=server.address,
        google_speech_key=KEY,
        speech_engines=("google", "whisper"),
        service_timeout=20,
    )


@pytest.fixture
def hurried(settings):
    return replace(settings, service_timeout=1)


@pytest.fixture(scope="module")
def sample(samples):
    """A clip of four sentences, as they are spoken."""
    clip = sorted(samples.glob("*/*.mp4"))[0]
    return clip, re.findall(r"\S[^.!?]*[.!?]", json.loads(clip.with_suffix(".json").read_text())["script"])


@pytest.fixture(scope="module")
def wav(sample, tmp_path_factory):
    """The sound of the clip with four sentences."""
    return ffmpeg(sample[0], tmp_path_factory.mktemp("sound") / "sound.wav", "-ac", "1", "-ar", str(RATE))


@pytest.fixture(scope="module")
def sentences(wav, sample):
    """The sentences of the clip: when each begins and ends, in seconds, by its loudness, and its words."""
    sound = samples_of(wav).astype(float)
    frames = sound[: sound.size // 160 * 160].reshape(-1, 160)
    loud = np.flatnonzero(np.abs(frames).max(1) > 0.02 * np.abs(sound).max())  # in hundredths of a second
    stretches = np.split(loud, np.flatnonzero(np.diff(loud) > 55) + 1)
    return [
        (stretch[0] / 100, stretch[-1] / 100, " ".join(words(sentence)))
        for stretch, sentence in zip(stretches, sample[1], strict=True)
    ]


@pytest.fixture(scope="module")
def short_wav(wav, sentences, tmp_path_factory):
    """The first sentence alone."""
    path = tmp_path_factory.mktemp("sound") / "short.wav"
    return write(path, samples_of(wav)[: int((sentences[0][1] + 0.3) * RATE)])


@pytest.fixture(scope="module")
def short_clip(short_wav):
    """A clip of the first sentence, with nothing to see."""
    return ffmpeg(short_wav, short_wav.with_suffix(".mp4"))


def ffmpeg(source, target, *options):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-i", source, *options, target]
    subprocess.run(command, check=True, timeout=60)
    return target


def samples_of(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def words(text):
    return re.findall(r"[\w'’-]+", text.casefold())


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("google")]


def sockets():
    """The sockets that this process holds, by the names of their file descriptors."""
    return {file.name for file in Path("/dev/fd").iterdir() if file.is_socket()}


def listen(wav, settings, report=silent, language="en-US"):
    return google.listen(wav, language, settings, report)


def error_of(wav, settings):
    with pytest.raises(EngineError) as failed:
        listen(wav, settings)
    return str(failed.value)


def seconds_of(call, *arguments):
    started = time.monotonic()
    with suppress(EngineError, Cancelled):
        call(*arguments)
    return time.monotonic() - started


# --- what it hears


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
    text = tiktok_to_text.read(short_clip, "en-US", settings, silent)
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
    text = tiktok_to_text.read(short_clip, "en-US", settings, silent)
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


# --- what goes wrong


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
        text = tiktok_to_text.read(short_clip, "en-US", hurried, silent)

    assert text.speech_engine == "whisper" and len(words(text.transcript)) > 3
    [warning] = text.warnings
    assert FAILURES[fault] in warning
    [failed] = [record for record in caplog.records if record.name == "engines"]
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
    with deaf() as port:
        far = replace(settings, google_speech_url=f"http://127.0.0.1:{port}/recognize")
        started = time.monotonic()
        assert "cannot be reached" in error_of(short_wav, far)
        assert time.monotonic() - started < 0.5 + GRACE
        assert eventually(lambda: not threads(), 3)


@contextmanager
def deaf():
    """A port whose queue is full, so that connecting to it takes for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for waiting in queue:
            waiting.close()


def test_urlopen_stays_as_it_was_for_everybody_else(server, settings, short_wav):
    listen(short_wav, settings)
    with GoogleSpeech() as other, pytest.raises(HTTPError, match="404") as failed:
        server.fail(answers(302, b"", Location=f"{other.url}/elsewhere"), path="/moved")
        urllib.request.urlopen(f"{server.url}/moved", timeout=5)
    failed.value.close()
    assert [request.path for request in other.requests] == ["/elsewhere"]


# --- secure connections


@pytest.fixture
def secure(server, settings, tmp_path, monkeypatch):
    """The service with a certificate for localhost, and the file that makes it trusted."""
    monkeypatch.setattr("tests.services.drive.HOSTS", ("localhost",))
    certificate = certify(tmp_path / "certificate.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.get_request = lambda: greet(context, *server.socket.accept())
    address = server.address.replace("http://127.0.0.1", "https://localhost")
    return replace(settings, google_speech_url=address), certificate


def greet(context, connection, address):
    try:
        return context.wrap_socket(connection, server_side=True), address
    except OSError:
        connection.close()
        raise


def test_a_secure_service_with_a_trusted_certificate_is_used(secure, short_wav, monkeypatch):
    settings, certificate = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert [phrase.text for phrase in listen(short_wav, settings)] == ["Hello world."]


def test_a_secure_service_that_drips_is_cut_off(server, secure, short_wav, monkeypatch):
    settings, certificate = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server.fail("slow drip")
    assert "did not answer within 1 s" in error_of(short_wav, replace(settings, service_timeout=1))
    assert server.idle()


def test_a_certificate_that_nobody_vouches_for_is_refused(server, secure, short_wav):
    assert "no certificate that can be trusted" in error_of(short_wav, secure[0])
    assert server.requests == []


def test_a_secure_service_that_never_greets_is_cut_off(hurried, short_wav):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"https://127.0.0.1:{mute.getsockname()[1]}/recognize"
        assert "did not answer within 1 s" in error_of(short_wav, replace(hurried, google_speech_url=address))


# --- a service that keeps failing


def test_after_two_failures_the_service_is_left_alone_and_then_asked_again(server, settings, short_wav, monkeypatch):
    monkeypatch.setattr(google, "REST", 2.0)
    server.fail("500")
    errors = {error_of(short_wav, settings) for _ in range(2)}
    assert seconds_of(listen, short_wav, settings) < 0.1
    errors.add(error_of(short_wav, settings))
    assert len(errors) == 1
    assert len(server.requests) == 2

    server.heal()
    time.sleep(2)
    assert [phrase.text for phrase in listen(short_wav, settings)] == ["Hello world."]


def test_a_success_makes_the_failures_before_it_forgotten(server, settings, short_wav):
    for _ in range(3):
        server.fail("500", times=1)
        assert "is out of order" in error_of(short_wav, settings)
        assert listen(short_wav, settings)


def test_a_service_that_failed_again_after_its_rest_rests_at_once(server, settings, short_wav, monkeypatch):
    monkeypatch.setattr(google, "REST", 0.3)
    server.fail("500")
    for _ in range(2):
        error_of(short_wav, settings)
    time.sleep(0.3)
    for _ in range(2):
        error_of(short_wav, settings)
    assert len(server.requests) == 3


def test_clips_side_by_side_lose_the_time_of_one_call_and_say_the_same(server, hurried, wav):
    listen(wav, hurried)  # with all that loads
    server.fail("hangs")
    started = time.monotonic()
    with ThreadPoolExecutor(3) as clips:
        errors = set(clips.map(lambda _: error_of(wav, hurried), range(3)))
    assert time.monotonic() - started < 1 + GRACE
    assert len(errors) == 1
    assert seconds_of(listen, wav, hurried) < 0.1


# --- a search that is called off


def test_calling_off_ends_calls_that_hang(server, settings, wav):
    server.fail("hangs")
    few = replace(settings, speech_concurrency=2)
    started = time.monotonic()

    def call_off(*_progress):
        if len(server.requests) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        listen(wav, few, call_off)
    assert time.monotonic() - started < 1 + GRACE
    assert not threads() and server.idle()

    server.heal()
    assert len(listen(wav, few)) == 4  # it was no failure, and all slots are free again


def test_calling_off_ends_a_clip_that_waits_for_its_turn(server, settings, short_wav):
    server.fail("hangs")
    narrow = replace(settings, speech_concurrency=1)
    is_over = threading.Event()

    def call_off_first(*_progress):
        if is_over.is_set():
            raise Cancelled

    def call_off_second(*_progress):
        if len(threads()) == 2:
            raise Cancelled

    with ThreadPoolExecutor(1) as other:
        first = other.submit(listen, short_wav, narrow, call_off_first)
        assert eventually(lambda: len(server.requests) == 1, 10)
        with pytest.raises(Cancelled):
            listen(short_wav, narrow, call_off_second)
        assert eventually(lambda: len(threads()) == 1, 1)
        is_over.set()
        assert isinstance(first.exception(), Cancelled)
    assert len(server.requests) == 1
