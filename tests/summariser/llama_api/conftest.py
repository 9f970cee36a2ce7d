import pytest

from tests.summariser.llama_api.support import KEY
from tools.services.llama import Llama


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with Llama(key=KEY) as server:
        yield server
