"""What other sites may make a browser do here: nothing. And the cookie, which neither they nor clocks break."""

import time

import pytest

from app import create_app
from tests.servers import started

PAGE = {"Accept": "text/html"}
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port or subdomain
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Origin": "http://evil.example"},  # plain http on another machine: the browser says no more
    {"Origin": "http://localhost:8000"},
    {"Origin": "null"},
    {"Referer": "http://evil.example/page"},
    {"Origin": "http://[broken"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost"},  # a proxy has ended https
    {"Referer": "http://localhost/history"},
]


@pytest.fixture
def app(settings):
    with started(create_app(settings)) as app:
        yield app


@pytest.fixture
def client(app):
    return app.test_client()


def visitor(client):
    with client.session_transaction() as session:
        return session.get("visitor")


def become_visitor(client):
    client.post("/search", json={"tags": ["AI"]}, headers={"Prefer": "respond-async"})
    return visitor(client)


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path"), [("post", "/search"), ("delete", "/jobs/x"), ("post", "/nowhere")])
def test_what_another_site_sends_is_refused_before_anything_else(app, client, headers, method, path):
    answer = getattr(client, method)(path, headers=PAGE | headers, data={"tags": "AI"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert app.extensions["jobs"].load() == (0, 0)


@pytest.mark.parametrize("headers", OWN)
def test_own_pages_and_programs_are_served(client, headers):
    asked = client.post("/search", json={"tags": ["AI"]}, headers={"Prefer": "respond-async"} | headers)
    assert asked.status_code == 202


def test_a_link_from_another_site_is_followed(client):
    headers = PAGE | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200


def test_another_site_cannot_wipe_the_history(client):
    """A form that another site posts arrives without the cookie: an answer with a new one would replace it."""
    own = become_visitor(client)
    cookie = client.get_cookie("session")
    client.delete_cookie("session")
    for headers in FOREIGN:
        answer = client.post("/search", data={"tags": "AI"}, headers=PAGE | headers)
        assert "Set-Cookie" not in answer.headers
        assert "Set-Cookie" not in client.get("/", headers=PAGE | {"Sec-Fetch-Site": "cross-site"}).headers
    client.set_cookie("session", cookie.value)
    assert visitor(client) == own


@pytest.mark.parametrize("shift", [-3, -86_400 * 400, 3, 86_400 * 400])
def test_no_clock_loses_the_visitor(client, monkeypatch, shift):
    own = become_visitor(client)
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + shift)
    client.get("/history", headers=PAGE)
    client.get("/", headers=PAGE)
    assert become_visitor(client) == own


def test_a_cookie_that_is_not_ours_makes_a_new_visitor(client):
    own = become_visitor(client)
    client.set_cookie("session", client.get_cookie("session").value[:-2] + "xx")
    assert become_visitor(client) not in (None, own)


def test_looking_makes_nobody_a_visitor(client):
    for path in ("/history", "/jobs/0", "/healthz"):
        client.get(path, headers=PAGE)
    assert visitor(client) is None


def test_the_cookie_is_out_of_reach_of_scripts_and_of_plain_http(client):
    plain = client.post("/search", json={"tags": ["AI"]}, headers={"Prefer": "respond-async"}).headers["Set-Cookie"]
    client.delete_cookie("session")
    secure = {"base_url": "https://localhost", "headers": {"Prefer": "respond-async"}}
    over_https = client.post("/search", json={"tags": ["AI"]}, **secure).headers["Set-Cookie"]
    assert ("HttpOnly" in plain, "SameSite=Lax" in plain, "Secure" in plain) == (True, True, False)
    assert "Secure" in over_https
    assert "Max-Age" in over_https  # which the browser counts itself
