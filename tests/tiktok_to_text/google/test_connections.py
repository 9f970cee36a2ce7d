"""Google's speech service over secure connections."""

import socket
import ssl
from dataclasses import replace

import pytest

from tests.tiktok_to_text.google.support import error_of, listen
from tools.services.drive import certify


@pytest.fixture
def secure(server, settings, tmp_path, monkeypatch):
    """The service with a certificate for localhost, and the file that makes it trusted."""
    monkeypatch.setattr("tools.services.drive.HOSTS", ("localhost",))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
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
