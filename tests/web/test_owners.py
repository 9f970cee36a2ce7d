"""A link shows a search; changing it needs whoever made it."""

import io

import pytest
from sqlalchemy import select

from jobs import keys
from jobs.models import Job, Upload
from tools.waiting import until

JSON = {"Accept": "application/json"}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def app(open_app):
    return open_app()


def ask(client, headers=None, **more):
    return client.post("/search", headers=ASYNC | (headers or {}), **(more or {"json": {"tags": ["AI"]}}))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


CHANGES = [
    ("delete", ""),
    ("post", "/cancel"),
    ("post", "/delete"),
    ("post", "/name"),
]


@pytest.mark.parametrize(("method", "change"), CHANGES)
def test_a_stranger_sees_a_search_and_changes_nothing(app, held, method, change):
    maker, stranger = app.test_client(), app.test_client()
    address = ask(maker).headers["Location"]
    ask(stranger)
    until(lambda: held.begun)
    assert stranger.get(address).status_code == 200
    for client, headers in (
        (stranger, {}),
        (app.test_client(), {}),
        (stranger, bearer("0" * 64)),
        (stranger, bearer("é")),
    ):
        refused = getattr(client, method)(address + change, headers=JSON | headers)
        assert refused.status_code == 404
    now = maker.get(address).get_json()
    assert now["state"] in ("queued", "running")
    changed = getattr(maker, method)(address + change, headers=JSON)
    assert changed.status_code in (200, 303)


@pytest.mark.parametrize(("method", "change"), CHANGES)
def test_a_program_without_cookies_changes_its_search_with_the_token(app, method, change):
    asked = ask(app.test_client(use_cookies=False))
    program, address = app.test_client(use_cookies=False), asked.headers["Location"]
    token = asked.get_json()["token"]
    others = ask(app.test_client(use_cookies=False), json={"tags": ["AI"], "seed": 5}).get_json()["token"]
    assert getattr(program, method)(address + change, headers=JSON | bearer(others)).status_code == 404
    assert getattr(program, method)(address + change, headers=JSON | bearer(token)).status_code in (200, 303)


def test_only_the_answer_to_the_maker_holds_the_token(app, held):
    held.go.set()
    client = app.test_client()
    whole = client.post("/search", json={"tags": ["AI"]}).get_json()
    assert len(whole["token"]) == 64
    for path in (f"/jobs/{whole['id']}", f"/jobs/{whole['id']}/events", "/history"):
        assert whole["token"] not in client.get(path, headers=JSON).text
    page = client.get(f"/jobs/{whole['id']}", headers={"Accept": "text/html"}).text
    assert whole["token"] not in page


def test_a_page_offers_what_who_looks_may_do(app, held):
    maker, stranger = app.test_client(), app.test_client()
    address = ask(maker).headers["Location"]
    page = {"Accept": "text/html"}
    assert "/cancel" in maker.get(address, headers=page).text
    assert "/cancel" not in stranger.get(address, headers=page).text


def with_own_video(app, samples, client):
    clip = min(samples.glob("*/*.mp4")).read_bytes()
    asked = ask(client, data={"videos": (io.BytesIO(clip), "mine.mp4")})
    assert asked.status_code == 202
    return asked.headers["Location"]


def uploads(settings):
    return sorted(path.name for path in (settings.data_dir / "uploads").glob("*"))


def test_again_with_own_videos_needs_their_owner_and_deleting_leaves_none(app, held, samples, settings):
    """Another's "again" would keep a private video alive after its owner has deleted it."""
    held.go.set()
    maker, stranger = app.test_client(), app.test_client()
    address = with_own_video(app, samples, maker)
    until(lambda: maker.get(address).get_json()["state"] == "done")
    assert stranger.post(address + "/again", headers=JSON).status_code == 404
    assert "/again" not in stranger.get(address, headers={"Accept": "text/html"}).text
    again = maker.post(address + "/again", headers=JSON)
    assert again.status_code == 303
    until(lambda: maker.get(again.location).get_json()["state"] == "done")
    for one in (address, again.location):
        assert len(uploads(settings)) == 1
        maker.post(one + "/delete", headers=JSON)
    assert uploads(settings) == []
    with app.extensions["jobs"].store.reading() as session:
        assert (session.scalars(select(Upload)).all(), session.scalars(select(Job)).all()) == ([], [])


def test_what_was_called_off_cannot_be_repeated_without_its_videos(app, samples, settings):
    client = app.test_client()
    address = with_own_video(app, samples, client)
    client.delete(address)
    assert uploads(settings) == []
    refused = client.post(address + "/again", headers=JSON)
    assert (refused.status_code, "send them again" in refused.get_json()["detail"]) == (404, True)
    assert "/again" not in client.get(address, headers={"Accept": "text/html"}).text


def test_a_search_without_own_videos_may_be_repeated_by_anyone(app, held):
    held.go.set()
    client = app.test_client()
    address = ask(client).headers["Location"]
    until(lambda: client.get(address).get_json()["state"] == "done")
    assert app.test_client().post(address + "/again", headers=JSON).status_code == 303


def test_private_links_show_a_search_to_its_maker_only(open_app, held, samples):
    app = open_app(private_links=True)
    held.go.set()
    maker, stranger = app.test_client(), app.test_client()
    address = with_own_video(app, samples, maker)
    until(lambda: maker.get(address).get_json()["state"] == "done")
    result = maker.get(address).get_json()["result"]
    key = uploads(app.extensions["settings"])[0]
    everything = [
        address,
        f"{address}/events",
        f"{address}/everything.zip",
        result["music_url"],
        f"/clips/uploads/{key}",
    ]
    assert [maker.get(path).status_code for path in everything] == [200] * 5
    assert [stranger.get(path).status_code for path in everything] == [404] * 5


def test_a_key_owns_what_it_made_wherever_it_is_used(app, held):
    key, other = (keys.add(name, app.extensions["jobs"].store) for name in ("one", "two"))
    asked = ask(app.test_client(), bearer(key)).get_json()
    address = f"/jobs/{asked['id']}"
    assert app.test_client().delete(address, headers=bearer(other)).status_code == 404
    listed = app.test_client().get("/history", headers=JSON | bearer(key)).get_json()
    assert [job["id"] for job in listed] == [asked["id"]]
    assert app.test_client().delete(address, headers=bearer(key)).get_json()["state"] == "cancelled"


def test_a_program_that_keeps_cookies_and_waits_is_the_maker_too(app, held):
    held.go.set()
    client = app.test_client()
    made = client.post("/search", json={"tags": ["AI"]}).get_json()
    assert [job["id"] for job in client.get("/history", headers=JSON).get_json()] == [made["id"]]
