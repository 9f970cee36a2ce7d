"""Failures of a service over HTTP: what is tried again, what is said, where the key goes."""

import ssl
import time

import pytest

from core import http
from core.breaker import Breaker
from core.engines import EngineError
from tests.core.http.support import KEY, ask, error_of
from tools.services import faults
from tools.services.drive import certify
from tools.services.faults import Reply, Service, answers


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("closed at once", "broke off its answer"),
        ("closed half-way", "broke off its answer"),
        ("length too long", "broke off its answer"),
        ("not HTTP", "makes no sense"),
        ("503", r"is out of order \(HTTP 503\); try again later"),
        ("429", r"takes no more requests for now \(HTTP 429\)"),
    ],
)
def test_what_may_pass_is_tried_again_and_said_in_the_end(server, fault, said):
    server.fail(fault, times=1)
    assert ask(server.url, timeout=5).status == 200
    server.fail(fault)
    with pytest.raises(http.CallError, match=said):
        ask(server.url, timeout=5, attempts=2)
    assert len(server.requests) == 4
    assert server.idle()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("400", "did not accept the request (HTTP 400); check VOICE_API_URL and VOICE_API_KEY"),
        ("401", "refused the key; check VOICE_API_KEY (HTTP 401)"),
        ("403", "refused the key; check VOICE_API_KEY (HTTP 403)"),
        ("404", "is not at this address (HTTP 404); check VOICE_API_URL"),
    ],
)
def test_what_does_not_pass_is_said_at_once(server, status, said):
    server.fail(status)
    assert error_of(server.url) == f"The voice service {said}."
    assert len(server.requests) == 1


def test_a_last_attempt_that_is_cut_short_does_not_hide_what_is_wrong(server):
    server.fail("503", times=1)
    server.fail("hangs")
    assert "is out of order" in error_of(server.url)


def test_a_service_that_asks_for_more_patience_than_there_is_is_not_waited_for(server):
    server.fail("429 for an hour")
    assert "takes no more requests" in error_of(server.url, timeout=30)
    assert len(server.requests) == 1


def test_a_port_that_refuses_and_a_name_that_is_none_are_out_of_reach():
    with faults.refusing() as nowhere:
        for url in (nowhere, "http://nowhere.invalid/"):
            assert "cannot be reached; check the network and VOICE_API_URL" in error_of(url, within=10)


def test_a_certificate_that_nobody_vouches_for_is_refused(server, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certify(tmp_path / "certificate.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    assert "no certificate that can be trusted" in error_of(server.url.replace("http:", "https:"))
    assert not server.requests


def test_a_redirect_is_not_followed_unless_wanted(server):
    server.fail(answers(307, b"", Location=f"{server.url}/elsewhere"))
    assert "has moved (HTTP 307)" in error_of(server.url, token=KEY)
    assert len(server.requests) == 1


def test_a_redirect_to_another_origin_goes_there_without_the_key(server):
    with Service(lambda request: Reply(b"here")) as other:
        server.fail(answers(302, b"", Location=f"{other.url}/there"), path="/far")
        server.fail(answers(302, b"", Location="/near"), path="/begin")
        assert ask(server.url + "/far", token=KEY, follow=True).body == b"here"
        assert ask(server.url + "/begin", token=KEY, follow=True).body == b'{"said": "hello"}'
    assert [request.path for request in other.requests] == ["/there"]
    assert "authorization" not in other.requests[0].headers
    assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_redirects_in_a_circle_and_to_other_schemes_end(server):
    server.fail(answers(302, b"", Location="/again?"), path="again")
    server.fail(answers(302, b"", Location="file:///etc/hostname"), path="file")
    for path in ("/again", "/file"):
        assert "has moved (HTTP 302)" in error_of(server.url + path, follow=True, timeout=5)


def test_a_breaker_opens_after_failures_in_a_row_and_closes_after_a_rest():
    breaker = Breaker(2, 0.2)
    for _ in range(3):
        breaker.failed(EngineError("Down."))
        breaker.succeeded()
    breaker.failed(EngineError("Down."))
    breaker.check()
    breaker.failed(EngineError("Still down."))
    with pytest.raises(EngineError, match="Still down"):
        breaker.check()
    time.sleep(0.2)
    breaker.check()
    breaker.failed(EngineError("Down again."))
    with pytest.raises(EngineError, match="Down again"):
        breaker.check()
