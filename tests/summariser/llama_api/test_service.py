"""The chat service: its failures, keys and addresses."""

import logging
import ssl
import threading
import time

import pytest

import summariser
from core import engines
from settings import Settings, SettingsError
from summariser import BriefRequest, llama_api
from tests.summariser.llama_api.support import ABOUT_BREAD, BREAD, GRACE, KEY, brief_or_error, configure, write
from tools.services import llama
from tools.services.drive import certify
from tools.services.faults import FAULTS, answers, refusing
from tools.services.llama import Llama, brief
from tools.waiting import until

FAILURES = {
    "refused": "cannot be reached",
    "hangs": "did not answer within 1 s",
    "slow drip": "did not answer within 1 s",
    "slow head": "did not answer within 1 s",
    "400": "did not accept the request",
    "401": "refused the key; check LLAMA_API_KEY",
    "403": "refused the key; check LLAMA_API_KEY",
    "404": "check LLAMA_API_URL and LLAMA_MODEL",
    "429": "takes no more requests for now",
    "429 for an hour": "takes no more requests for now",
    "500": "is out of order",
    "503": "is out of order",
    "closed half-way": "broke off its answer",
    "closed at once": "broke off its answer",
    "length too long": "broke off its answer",
    "length too short": "did not answer as a chat service does",
    "invalid JSON": "did not answer as a chat service does",
    "wrong shape": "did not answer as a chat service does",
    "a list": "did not answer as a chat service does",
    "nested too deep": "did not answer as a chat service does",
    "empty": "did not answer as a chat service does",
    "10 MB of rubbish": "more than 2 MB",
    "not UTF-8": "did not answer as a chat service does",
    "not HTTP": "broke off its answer",
    "redirects elsewhere": "has moved",
}


@pytest.mark.parametrize("fault", FAILURES)
def test_every_failure_leaves_the_built_in_brief_and_one_clear_warning(server, fault, caplog):
    caplog.set_level(logging.DEBUG)
    with refusing() as nowhere:
        settings = configure(nowhere if fault == "refused" else server.url, SERVICE_TIMEOUT="1")
        if fault != "refused":
            server.fail(fault)
        started = time.time()
        answer = summariser.summarise(BriefRequest((BREAD,), ("",), ("bread",)), settings)

    assert answer.engine == "extractive"
    assert answer.value.summary
    [warning] = answer.warnings
    assert FAILURES[fault] in warning
    [failed] = [record for record in caplog.records if record.name == "core.engines"]
    assert failed.created - started < 1 + GRACE
    assert KEY not in caplog.text + repr(answer) + repr(settings)
    assert server.idle()
    until(lambda: not any(thread.name == "http" for thread in threading.enumerate()), 2)


def test_every_fault_of_the_test_server_is_in_the_table():
    assert set(FAILURES) == {"refused", *FAULTS}


def test_a_wrong_key_is_told_apart_from_a_service_that_is_down(server):
    with pytest.raises(engines.EngineError, match=r"refused the key; check LLAMA_API_KEY \(HTTP 401\)"):
        write(server, LLAMA_API_KEY="sk-wrong")
    assert len(server.requests) == 1  # a key does not mend itself


def test_a_server_that_wants_a_key_says_which_setting_is_empty(server):
    with pytest.raises(engines.EngineError, match="wants a key; set LLAMA_API_KEY"):
        write(server, LLAMA_API_KEY="")


@pytest.mark.parametrize("key", ["sk-broken\nline", "sk-ключ", "sk-\x00"])
def test_a_key_that_cannot_be_sent_is_an_error_that_does_not_show_it(server, key, caplog):
    caplog.set_level(logging.DEBUG)
    answer = summariser.summarise(BriefRequest((BREAD,), ("",)), configure(server.url, LLAMA_API_KEY=key))
    assert "copy it again" in answer.warnings[0]
    assert key not in caplog.text + answer.warnings[0]


def test_a_brief_comes_from_the_model(server):
    server.think = lambda messages: brief(ABOUT_BREAD)
    answer = summariser.summarise(BriefRequest((BREAD,), ("Bread 101",), ("bread",)), configure(server.url))

    assert (answer.engine, answer.warnings) == ("llama", ())
    assert answer.value.summary == ABOUT_BREAD
    assert answer.value.tags == ("bread", "baking", "home cooking", "steam", "flour")
    assert [idea.title for idea in answer.value.ideas] == ["Bread idea 1", "Bread idea 2", "Bread idea 3"]
    assert "guitar" in answer.value.music_prompt
    assert "loaf" in answer.value.image_prompt
    [asked] = server.asked()
    assert asked["model"] == "llama3-8b"
    assert asked["response_format"]["json_schema"]["schema"]["required"]
    assert {"clip": 1, "spoken": BREAD} in llama.rows(asked["messages"])
    assert {"clip": 1, "shown": "Bread 101"} in llama.rows(asked["messages"])
    assert {"asked_for": "bread"} in llama.rows(asked["messages"])


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_address_may_end_in_a_slash(server, ending):
    settings = configure(server.url + ending)
    assert llama_api.summarise(BriefRequest((BREAD,), ("",)), settings).value.summary


def test_a_server_of_ones_own_needs_no_key(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Llama() as server:
        settings = configure(server.url, LLAMA_API_KEY="")
        assert llama_api.missing(settings) is None
        assert llama_api.summarise(BriefRequest((BREAD,), ("",)), settings).value.summary
    assert "authorization" not in server.requests[0].headers


def test_it_is_not_in_use_until_a_key_or_an_address_is_set():
    assert "LLAMA_API_KEY" in llama_api.missing(Settings.read({}))
    assert llama_api.missing(Settings.read({"LLAMA_API_URL": Settings.llama_api_url + "/"}))
    assert llama_api.missing(Settings.read({"LLAMA_API_KEY": KEY})) is None
    assert llama_api.missing(Settings.read({"LLAMA_API_URL": "http://127.0.0.1:11434/v1"})) is None


@pytest.mark.parametrize("url", ["api.example.com", "ftp://example.com", "http://", "http://a:b@c", "http://a:port"])
def test_an_address_that_is_none_is_an_error_that_names_the_setting(url):
    with pytest.raises(SettingsError, match="LLAMA_API_URL"):
        Settings.read({"LLAMA_API_URL": url})


def test_the_key_is_not_sent_on_to_where_a_server_points(server):
    with Llama(key=KEY) as elsewhere:
        server.fail(answers(307, b"", Location=elsewhere.url + "/chat/completions"))
        assert "has moved" in brief_or_error(server)
    assert not elsewhere.requests


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(server, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certify(tmp_path / "certificate.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    settings = configure(server.url.replace("http:", "https:"))
    with pytest.raises(engines.EngineError, match="no certificate that can be trusted"):
        llama_api.summarise(BriefRequest((BREAD,), ("",)), settings)
    assert not server.requests


def test_a_server_without_response_format_is_asked_without():
    with Llama(takes_format=False) as server:
        assert write(server).summary
    assert ["response_format" in body for body in server.asked()] == [True, False]


@pytest.mark.parametrize("text", ["```json\n{}\n```", "```\n{}\n```\n"])
def test_an_answer_in_a_code_block_is_read(server, text):
    server.think = lambda messages: text.replace("{}", brief(ABOUT_BREAD))
    assert write(server).summary == ABOUT_BREAD
