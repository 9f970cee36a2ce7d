"""Google's speech service when it keeps failing, and when a search is called off."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from core.engines import Cancelled, EngineError
from tests.tiktok_to_text.google.support import GRACE, error_of, listen, threads
from tiktok_to_text import google
from tools.waiting import until


def seconds_of(call, *arguments):
    started = time.monotonic()
    with suppress(EngineError, Cancelled):
        call(*arguments)
    return time.monotonic() - started


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
        until(lambda: len(server.requests) == 1, 10)
        with pytest.raises(Cancelled):
            listen(short_wav, narrow, call_off_second)
        until(lambda: len(threads()) == 1, 1)
        is_over.set()
        assert isinstance(first.exception(), Cancelled)
    assert len(server.requests) == 1
