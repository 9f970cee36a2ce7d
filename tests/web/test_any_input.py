"""Whatever is sent: never a 5xx, never a search or a file of somebody lost."""

import io
import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rounds import LONG, amount
from tools.waiting import until

ANYTHING = settings(
    max_examples=amount(50, 1000),
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ASYNC = {"Prefer": "respond-async"}
MP4 = b"\0\0\0\x20ftypisom"

characters = st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"])  # lone surrogates and NUL among them
texts = st.text(characters, max_size=60)
plain = st.text(st.characters(codec="utf-8"), max_size=60)
header_texts = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=200)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)
FIELDS = (
    "tags",
    "seconds",
    "seed",
    "language",
    "video",
    "videos",
    "idea",
    "lines",
    "caption_style",
    "music_db",
    "only",
)


@pytest.fixture
def app(open_app, held):
    held.go.set()
    return open_app(max_queued=100_000)


@pytest.fixture
def kept(app):
    """A finished search of somebody, and a check that all of it is still there."""
    client = app.test_client()
    asked = client.post("/search", json={"tags": ["AI"], "seed": 42}, headers=ASYNC)
    address = asked.headers["Location"]
    until(lambda: client.get(address).get_json()["state"] == "done")
    before = client.get(address).get_json()
    music = client.get(before["result"]["music_url"]).data

    def check(answer):
        assert answer.status_code < 500, answer.text
        assert client.get(address).get_json() == before
        assert client.get(before["result"]["music_url"]).data == music
        assert [job["id"] for job in client.get("/history", headers={"Accept": "application/json"}).get_json()] == [
            before["id"]
        ]

    check.address, check.music_url, check.music = address, before["result"]["music_url"], music
    return check


def stored(app, answer):
    """Of a search that was taken: that it is there."""
    if answer.status_code == 202:
        assert app.extensions["jobs"].get(answer.get_json()["id"]) is not None
    else:
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["detail"]


@ANYTHING
@given(tags=st.lists(texts, max_size=12) | texts, seed=st.integers() | st.none())
def test_any_tags(app, kept, tags, seed):
    body = json.dumps({"tags": tags, "seed": seed})  # in ASCII: a lone surrogate, which no UTF-8 can hold, is escaped
    answer = app.test_client().post("/search", data=body, content_type="application/json", headers=ASYNC)
    kept(answer)
    stored(app, answer)


@ANYTHING
@given(value=json_values | st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6), draft=st.booleans())
def test_any_json(app, kept, value, draft):
    path = f"{kept.address}/draft" if draft else "/search"
    body = json.dumps(value)
    answer = app.test_client().post(path, data=body, content_type="application/json", headers=ASYNC)
    kept(answer)
    stored(app, answer)


@ANYTHING
@given(body=st.binary(max_size=500) | st.binary(max_size=200).map(lambda more: b'{"tags": ["AI"], ' + more))
def test_any_bytes_as_json(app, kept, body):
    answer = app.test_client().post("/search", data=body, content_type="application/json", headers=ASYNC)
    kept(answer)
    stored(app, answer)


@ANYTHING
@given(
    fields=st.dictionaries(st.sampled_from(FIELDS) | plain, plain, max_size=5),
    files=st.lists(st.tuples(plain, st.binary(max_size=200), st.booleans()), max_size=4),
)
def test_any_form_with_files(app, kept, fields, files):
    sent = [(io.BytesIO(MP4 * is_video + content), name) for name, content, is_video in files]
    data = {**{name: value for name, value in fields.items() if name != "videos"}, "videos": sent}
    answer = app.test_client().post("/search", data=data, content_type="multipart/form-data", headers=ASYNC)
    kept(answer)
    stored(app, answer)
    assert list((app.extensions["settings"].data_dir / "uploads").glob("*")) == []


@ANYTHING
@given(
    parts=st.lists(st.binary(max_size=60) | st.sampled_from([b"--b\r\n", b"--b--", b"\r\n\r\n", b"\r\n"]), max_size=20),
    head=st.sampled_from([b'Content-Disposition: form-data; name="tags"\r\n\r\n', b"Content-Disposition: form-data"]),
    boundary=st.sampled_from(["b", '"b"', "", "b; charset=nonsense", "\xff", "b" * 300]),
)
def test_any_bytes_as_a_form(app, kept, parts, head, boundary):
    body, kind = b"--b\r\n" + head + b"".join(parts), f"multipart/form-data; boundary={boundary}"
    answer = app.test_client().post("/search", data=body, content_type=kind, headers=ASYNC)
    kept(answer)
    stored(app, answer)


HEADERS = (
    *("Accept", "Accept-Language", "Authorization", "Cookie", "Content-Type", "Prefer", "Last-Event-ID", "Range"),
    *(
        "If-Range",
        "If-None-Match",
        "If-Modified-Since",
        "Host",
        "Origin",
        "Referer",
        "Sec-Fetch-Site",
        "Sec-Fetch-Mode",
    ),
    *("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-CSRFToken", "User-Agent", "Content-Encoding", "Expect"),
)


@ANYTHING
@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), header_texts, max_size=5),
    where=st.sampled_from([("get", "/"), ("get", "/events"), ("get", ""), ("post", "/search"), ("get", "/clip")]),
)
def test_any_headers(app, kept, headers, where):
    method, path = where
    path = {"/events": f"{kept.address}/events", "": kept.address, "/clip": kept.music_url}.get(path, path)
    kept(getattr(app.test_client(), method)(path, headers=headers))


@ANYTHING
@given(
    name=texts,
    pattern=st.sampled_from(
        [
            *(
                "/jobs/{}",
                "/jobs/{}/events",
                "/jobs/{}/thumbnail.jpg",
                "/jobs/{}/everything.zip",
                "/jobs/{}/insights.csv",
            ),
            *(
                "/jobs/{}/captions/1.vtt",
                "/jobs/1/captions/{}.vtt",
                "/jobs/{}/draft",
                "/clips/library/{}",
                "/clips/{}/a",
            ),
            *(
                "/clips/uploads/{}",
                "/static/generated/{}/music.wav",
                "/static/{}",
                "/compare?a={}&b=1",
                "/history?tag={}",
            ),
        ]
    ),
    method=st.sampled_from(["get", "post", "delete", "head", "put", "options"]),
)
def test_any_ids_and_paths(app, kept, name, pattern, method):
    path = pattern.format(quote(name.encode("utf-8", "surrogatepass"), safe="/"))
    kept(getattr(app.test_client(), method)(path, data=None))


numbers = st.integers(-20, 2000) | st.integers()
ranges = st.builds(lambda first, last: f"{first}-{last}", numbers | st.just(""), numbers | st.just(""))


@ANYTHING
@given(
    asked=st.lists(ranges, min_size=1, max_size=4).map(",".join), unit=st.sampled_from(["bytes=", "bytes", "lines="])
)
def test_any_range_is_answered_with_that_part_or_refused(app, kept, asked, unit):
    answer = app.test_client().get(kept.music_url, headers={"Range": unit + asked})
    kept(answer)
    assert answer.status_code in (200, 206, 416)
    if answer.status_code == 200:
        assert answer.data == kept.music
    if answer.status_code == 206:
        first, last = answer.headers["Content-Range"].removeprefix("bytes ").split("/")[0].split("-")
        assert answer.data == kept.music[int(first) : int(last) + 1]
