"""How much a client may ask from afar, that nothing is limited on this machine, and what is told to whom."""

import re
from dataclasses import replace

import pytest

from app import create_app
from jobs import keys
from settings import Settings, SettingsError
from tools.waiting import until

AFAR, ALSO = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "198.51.100.7"}
ASYNC = {"Prefer": "respond-async"}
PAGE = {"Accept": "text/html"}


def ask(app, seed, where=None, headers=None):
    client = app.test_client(use_cookies=False)
    return client.post(
        "/search", json={"tags": ["AI"], "seed": seed}, headers=ASYNC | (headers or {}), environ_overrides=where or {}
    )


def test_who_asks_too_often_is_told_when_to_come_again_and_nobody_else_is(open_app):
    app = open_app(rate_searches="3 per minute")
    answers = [ask(app, seed, AFAR) for seed in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    refused = answers[-1]
    assert refused.mimetype == "application/problem+json"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert 0 <= int(answers[0].headers["RateLimit-Reset"]) <= 61
    assert ask(app, 5, ALSO).status_code == 202
    assert [ask(app, seed).status_code for seed in range(10, 20)] == [202] * 10  # on this machine


def test_a_video_counts_as_a_search(open_app, held):
    app = open_app(rate_searches="2 per minute")
    held.go.set()
    job = ask(app, 1, AFAR).get_json()
    until(lambda: app.test_client().get(f"/jobs/{job['id']}").get_json()["state"] == "done")
    client = app.test_client(use_cookies=False)
    drafts = [
        client.post(f"/jobs/{job['id']}/draft", json={"idea": 0}, headers={"X": str(n)}, environ_overrides=AFAR)
        for n in range(2)
    ]
    assert [draft.status_code for draft in drafts] == [202, 429]


def test_pages_are_counted_too_and_health_is_not(open_app):
    app = open_app(rate_requests="5 per minute")
    client = app.test_client()
    assert [client.get("/", environ_overrides=AFAR).status_code for _ in range(6)] == [200] * 5 + [429]
    assert client.get("/healthz", environ_overrides=AFAR).status_code == 200


def test_a_key_has_a_count_of_its_own(open_app):
    app = open_app(rate_searches="1 per minute")
    key = {"Authorization": f"Bearer {keys.add('one', app.extensions['jobs'].store)}"}
    assert [ask(app, seed, AFAR).status_code for seed in range(2)] == [202, 429]
    assert [ask(app, seed, AFAR, key).status_code for seed in range(2)] == [202, 429]


def test_an_ipv6_network_is_one_address(open_app):
    app = open_app(rate_searches="1 per minute")
    addresses = ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.1")
    assert [ask(app, 1, {"REMOTE_ADDR": one}).status_code for one in addresses] == [202, 429, 202, 202, 429]


def test_uploads_are_counted_by_their_size(open_app):
    app = open_app(rate_upload_mb="3 per minute")
    client = app.test_client()
    answers = [
        client.post(
            "/search",
            data={"videos": (__import__("io").BytesIO(b"\0" * 1_500_000), "a.mp4")},
            environ_overrides=AFAR,
            headers={"Accept": "application/json"},
        ).status_code
        for _ in range(2)
    ]
    assert answers == [415, 429]


def test_one_address_leaves_room_in_the_queue_for_others(open_app):
    app = open_app(max_queued=8, rate_searches="1000 per minute")
    answers = [ask(app, seed, AFAR) for seed in range(20)]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert len(refused) >= 15
    assert {answer.status_code for answer in refused} == {429}
    assert int(refused[-1].headers["Retry-After"]) >= 1
    assert ask(app, 30, ALSO).status_code == 202


def test_streams_beyond_the_share_are_refused_and_their_place_is_given_back(open_app):
    app = open_app(max_streams=4)
    address = ask(app, 1, AFAR).headers["Location"] + "/events"
    clients = [app.test_client(use_cookies=False) for _ in range(6)]
    streams = [client.get(address, environ_overrides=AFAR) for client in clients]
    assert [stream.status_code for stream in streams].count(200) == 1  # one visitor: without cookies all are one
    assert {stream.status_code for stream in streams} == {200, 429}
    assert [client.get(address).status_code for client in clients] == [200] * 6  # on this machine
    next(stream for stream in streams if stream.status_code == 200).close()
    assert clients[0].get(address, environ_overrides=AFAR).status_code == 200


def test_limits_that_cannot_be_read_are_named(settings):
    for name, value in (("rate_searches", "often"), ("rate_storage", "nonsense://x")):
        with pytest.raises(SettingsError, match=name.upper()):
            create_app(replace(settings, **{name: value}))
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        Settings.read({"TRUSTED_PROXIES": "proxy.example"})


def test_the_inside_is_shown_on_this_machine_and_to_keys(open_app):
    app = open_app()
    client, key = app.test_client(), keys.add("one", app.extensions["jobs"].store)
    proxied = {"X-Forwarded-For": "192.0.2.1"}  # by a proxy on this machine that nobody has said to trust
    signed = {"Authorization": f"Bearer {key}"}
    for where, headers, shown in ((None, {}, True), (AFAR, {}, False), (None, proxied, False), (AFAR, signed, True)):
        metrics = client.get("/metrics", headers=headers, environ_overrides=where or {})
        assert (metrics.status_code == 200) is shown
        health = client.get("/healthz", headers=headers, environ_overrides=where or {})
        assert (health.status_code, "engines" in health.get_json()) == (200, shown)


def test_pages_and_results_are_not_left_in_caches(open_app):
    app = open_app()
    client = app.test_client()
    address = ask(app, 1).headers["Location"]
    for path in ("/", "/history", address, f"{address}/nothing"):
        for accept in ("text/html", "application/json"):
            assert client.get(path, headers={"Accept": accept}).headers["Cache-Control"] == "no-store"
    style = re.search(r'href="([^"]*studio.css[^"]*)"', client.get("/", headers=PAGE).text)[1]
    assert "max-age" in client.get(style).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("names", "where", "host", "served"),
    [
        ((), None, "localhost:8888", True),
        ((), None, "127.0.0.1:8888", True),
        ((), None, "[::1]:8888", True),
        ((), None, "evil.example", False),  # whose name leads to this machine
        ((), AFAR, "studio.example", True),
        (("studio.example",), AFAR, "studio.example", True),
        (("studio.example",), AFAR, "studio.example:8443", True),
        (("studio.example",), AFAR, "evil.example", False),
        (("studio.example",), AFAR, "127.0.0.1", False),
        (("studio.example",), None, "127.0.0.1:8888", True),  # the container's health check
        ((".example",), AFAR, "any.example", True),
        (("studio.example",), AFAR, "", False),
    ],
)
def test_only_our_own_names_are_answered_to(open_app, names, where, host, served):
    client = open_app(trusted_hosts=names).test_client()
    answer = client.get("/", headers={"Host": host} | PAGE, environ_overrides=where or {})
    assert answer.status_code == (200 if served else 400)


# Keys


@pytest.fixture
def closed(open_app):
    return open_app(api_keys_required=True)


def test_without_a_key_only_the_way_in_is_open(closed):
    client = closed.test_client()
    assert client.get("/healthz").status_code == 200
    for method, path in (
        ("get", "/"),
        ("post", "/search"),
        ("get", "/history"),
        ("get", "/jobs/0"),
        ("get", "/metrics"),
    ):
        refused = getattr(client, method)(path, headers={"Accept": "application/json"})
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        sent_away = getattr(client, method)(path, headers=PAGE)
        assert (sent_away.status_code, sent_away.location) == (303, "/sign-in")


def test_a_browser_signs_in_until_the_key_is_revoked(closed):
    client, store = closed.test_client(), closed.extensions["jobs"].store
    key = keys.add("one", store)
    wrong = client.post("/sign-in", data={"key": key + "x"}, headers=PAGE)
    assert (wrong.status_code, "not valid" in wrong.text) == (403, True)
    assert client.get("/", headers=PAGE).status_code == 303
    page = client.get("/sign-in", headers=PAGE).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    assert client.post("/sign-in", data={"key": key, "csrf_token": token}, headers=PAGE).location == "/"
    assert "Sign out" in client.get("/", headers=PAGE).text
    keys.revoke("one", store)
    assert client.get("/", headers=PAGE).status_code == 303


def test_signing_out_ends_it(closed):
    client = closed.test_client()
    client.post("/sign-in", data={"key": keys.add("one", closed.extensions["jobs"].store)}, headers=PAGE)
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/", headers=PAGE).text)[1]
    assert client.post("/sign-out", data={"csrf_token": token}, headers=PAGE).location == "/sign-in"
    assert client.get("/", headers=PAGE).status_code == 303


def test_keys_cannot_be_guessed_at_will(closed):
    client = closed.test_client()
    answers = [
        client.post("/sign-in", data={"key": "x"}, headers=PAGE, environ_overrides=AFAR).status_code for _ in range(12)
    ]
    assert answers == [403] * 10 + [429] * 2
