"""`flask check --public` and `flask key`: what is open, and who may come in."""

from dataclasses import replace

import pytest

from app import create_app
from jobs import keys
from web.exposure import still_open

CLOSED = {
    "trusted_proxies": ("10.0.0.0/8",),
    "trusted_hosts": ("studio.example",),
    "api_keys_required": True,
}


@pytest.fixture
def open_app(settings):
    opened = []

    def open_(**chosen):
        opened.append(create_app(replace(settings, **chosen)))
        return opened[-1]

    yield open_
    for app in opened:
        app.extensions["jobs"].close()
        app.extensions["pools"].close()


def test_nothing_is_open_where_all_is_set(settings):
    assert still_open(replace(settings, **CLOSED)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", ()),
        ("trusted_hosts", ()),
        ("api_keys_required", False),
        ("host", "0.0.0.0"),
        ("flask_secret_key", "secret"),
    ],
)
def test_each_thing_that_is_open_is_named(settings, name, value):
    (sentence,) = still_open(replace(settings, **CLOSED | {name: value}))
    assert sentence.startswith(name.upper())


def test_the_check_for_the_public_fails_while_something_is_open(open_app):
    result = open_app().test_cli_runner().invoke(args=["check", "--public"])
    assert (result.exit_code, "TRUSTED_HOSTS" in result.output) == (1, True)
    result = open_app(**CLOSED).test_cli_runner().invoke(args=["check", "--public"])
    assert (result.exit_code, "Nothing is open" in result.output) == (0, True)


def test_keys_are_made_listed_and_withdrawn_in_the_terminal(open_app):
    app = open_app()
    run, store = app.test_cli_runner().invoke, app.extensions["jobs"].store
    key = run(args=["key", "add", "laptop"]).output.strip()
    assert keys.find(key, store)
    listed = run(args=["key", "list"]).output
    assert ("laptop" in listed, key in listed) == (True, False)
    assert run(args=["key", "revoke", "laptop"]).exit_code == 0
    assert keys.find(key, store) is None
    assert "(revoked)" in run(args=["key", "list"]).output
    assert run(args=["key", "revoke", "laptop"]).exit_code == 1
