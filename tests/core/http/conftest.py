import threading

import pytest
import tenacity

from core import http
from tools.services.faults import Reply, Service
from tools.waiting import until


@pytest.fixture(autouse=True)
def nothing_is_left_behind(monkeypatch):
    """No proxy is in the way, pauses are short, and no request is left running."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(http, "JITTER", tenacity.wait_random_exponential(multiplier=0.01, max=0.05))
    yield
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "http"], 2)


@pytest.fixture
def server():
    with Service(lambda request: Reply({"said": "hello"}, headers={"Content-Type": "application/json"})) as server:
        yield server
