"""`/docs`: the description of the interface as a page of the studio's own."""

import re

import pytest

from web import openapi, reference

PAGE = {"Accept": "text/html"}


@pytest.fixture
def page(open_app):
    answer = open_app().test_client().get("/docs", headers=PAGE)
    assert answer.status_code == 200
    return answer


def test_it_shows_every_operation_and_every_schema(page):
    anchors = set(re.findall(r'id="([\w-]+)"', page.text))
    assert {operation.name for operation in openapi.OPERATIONS.values()} <= anchors
    assert set(openapi.document()["components"]["schemas"]) <= anchors
    for method, path in openapi.OPERATIONS:
        assert re.search(rf">{method.upper()}</code> <code class=\"path\">{re.escape(path)}</code>", page.text)


def test_its_links_lead_to_what_is_on_it(page):
    targets = set(re.findall(r'href="#([\w-]+)"', page.text))
    assert len(targets) > 10
    assert targets <= set(re.findall(r'id="([\w-]+)"', page.text))


def test_nothing_of_it_comes_from_elsewhere_or_runs_inline(page):
    assert all(address.startswith(("/", "#")) for address in re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", page.text)


def test_every_page_leads_to_it(open_app):
    client = open_app().test_client()
    for path in ("/", "/history", "/docs", "/nowhere", "/sign-in"):
        assert 'href="/docs"' in client.get(path, headers=PAGE).text


def test_it_is_open_where_keys_are_required(open_app):
    client = open_app(api_keys_required=True).test_client()
    assert [client.get(path, headers=PAGE).status_code for path in ("/docs", "/openapi.json", "/")] == [200, 200, 303]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 9}, "whole number from 0 to 9"),
        ({"type": "integer", "minimum": 1}, "whole number from 1"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/A"}}, "list of A"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number or null"),
        ({"type": ["array", "string"], "items": {"type": "string"}}, "list of text or text"),
        ({"enum": ["a", "b"]}, '"a" or "b"'),
        ({"const": "message"}, '"message"'),
        ({"type": "string", "format": "binary"}, "file"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "names, each with text"),
        ({"allOf": [{"$ref": "#/x/A"}, {"type": "object", "properties": {"token": {}}}]}, "A with object with token"),
    ],
)
def test_a_schema_is_told_in_words(schema, told):
    assert "".join(text for text, _ in reference.kind(schema)) == told
