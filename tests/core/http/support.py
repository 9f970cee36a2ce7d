"""What the tests of outbound HTTP have in common."""

import time

import pytest

from core import http

KEY = "sk-very-secret-0123456789"


VOICE = http.Service("The voice service", address="VOICE_API_URL", key="VOICE_API_KEY")


GRACE = 1.0  # seconds that a busy machine may add to a time-out


def ask(url, timeout=0.5, check=lambda: None, method="GET", **options):
    limits = {name: options.pop(name) for name in ("connect_timeout", "attempts") if name in options}
    with http.Client(VOICE, timeout, check, **limits) as client:
        return client.request(method, url, **options)


def error_of(url, within=0.5 + GRACE, **options):
    started = time.monotonic()
    with pytest.raises(http.CallError) as failed:
        ask(url, **options)
    assert time.monotonic() - started < within
    assert failed.value.__context__ is None  # what it comes from leads to the address, which may hold a key
    return str(failed.value)
