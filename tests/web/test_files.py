"""Files of a store as a studio serves them: with ranges, by links, in the archive; and when it is away."""

import io
import urllib.request
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from app import create_app
from core import objects, storage
from jobs.queue import Jobs
from tests.searches import instant
from tests.servers import started
from tools.waiting import until

CONTENT = bytes(range(256)) * 3000  # more than one block


def pretty(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
    """A search whose files are a long recording and a real picture."""

    def better(stage, result):
        if stage == "music":
            (folder / "music.wav").write_bytes(CONTENT)
        if stage == "image":
            Image.new("RGB", (300, 500), "teal").save(folder / "image.png")
        on_result(stage, result)

    instant(query, search_id, folder, settings, pools, on_progress, better, earlier)


@pytest.fixture(params=["file", "s3"])
def client(request, settings):
    """Who asks a studio that keeps its files in folders, then in a store."""
    chosen = settings if request.param == "file" else request.getfixturevalue("storing")(settings)
    with studio(chosen) as app:
        yield app.test_client()


def studio(settings):
    app = create_app(settings)
    app.extensions["jobs"].close()
    app.extensions["jobs"] = Jobs(app.extensions["settings"], app.extensions["pools"], pretty)
    return started(app)


def made(client):
    """A search that is done: its answer."""
    answer = client.post("/search", json={"tags": ["AI"]}).get_json()
    until(lambda: client.get(f"/jobs/{answer['id']}").get_json()["state"] == "done")
    return answer


def test_a_whole_file_has_its_length_type_and_tag(client):
    answer = client.get(made(client)["music_url"])
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert (answer.content_length, answer.mimetype) == (len(CONTENT), "audio/x-wav")
    assert answer.headers["ETag"]
    assert answer.headers["Last-Modified"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.cache_control.private
    assert answer.cache_control.no_cache


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("0-", 0, len(CONTENT)),
        ("0-0", 0, 1),
        ("300000-300001", 300000, 300002),
        ("-10", len(CONTENT) - 10, len(CONTENT)),
        ("1000-600000", 1000, 600001),
        ("767000-9999999", 767000, len(CONTENT)),
    ],
)
def test_a_part_of_a_file_is_given_where_it_is_asked_for(client, asked, start, stop):
    address = made(client)["music_url"]
    answer = client.get(address, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.data == CONTENT[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    head = client.head(address)
    assert (head.status_code, head.content_length, head.data) == (200, len(CONTENT), b"")


def test_conditions_are_kept(client):
    address = made(client)["music_url"]
    whole = client.get(address)
    tag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    assert client.get(address, headers={"Range": f"bytes={len(CONTENT)}-"}).status_code == 416
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(address, headers={"If-Modified-Since": date}).status_code == 304
    assert client.get(address, headers={"Range": "bytes=5-6", "If-Range": tag}).data == CONTENT[5:7]
    changed = client.get(address, headers={"Range": "bytes=5-6", "If-Range": '"another"'})
    assert (changed.status_code, changed.data) == (200, CONTENT)


@pytest.mark.parametrize("name", ["none.wav", ".half", "..%2f..%2fstudio.db", "%00", "a" * 5000, "music.wav/"])
def test_what_is_not_there_is_not_found(client, name):
    address = made(client)["music_url"].rpartition("/")[0]
    assert client.get(f"{address}/{name}").status_code == 404


def test_the_archive_and_the_small_picture_are_made_of_them(client):
    answer = made(client)
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/jobs/{answer['id']}/everything.zip").data))
    assert archive.read("music.wav") == CONTENT
    assert {"image.png", "README.txt", "result.json"} <= set(archive.namelist())
    small = client.get(f"/jobs/{answer['id']}/thumbnail.jpg")
    assert Image.open(io.BytesIO(small.data)).size == (216, 360)
    assert client.get(f"/jobs/{answer['id']}/draft").status_code == 404


def test_with_links_players_and_programs_are_sent_to_the_store_and_downloads_are_not(settings, storing):
    stored = storing(settings, storage_links=True)
    with studio(stored) as app:
        client = app.test_client()
        address = made(client)["music_url"]
        for asks in ({}, {"Sec-Fetch-Dest": "audio"}, {"Sec-Fetch-Dest": "video"}):
            answer = client.get(address, headers=asks)
            assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
            read = urllib.request.Request(answer.headers["Location"], headers={"Range": "bytes=10-19"})
            with urllib.request.urlopen(read) as part:
                assert (part.status, part.read()) == (206, CONTENT[10:20])
        for asks in ("document", "empty"):  # a download; the waveform, which reads it by a script
            assert client.get(address, headers={"Sec-Fetch-Dest": asks}).data == CONTENT
        assert client.get(f"{address}x").status_code == 404
        policy = client.get("/").headers["Content-Security-Policy"]
        assert f"media-src 'self' blob: {objects.origin(stored)};" in policy
        assert f"img-src 'self' data: {objects.origin(stored)};" in policy


def test_without_links_a_page_loads_nothing_from_elsewhere(client):
    assert "http" not in client.get("/").headers["Content-Security-Policy"]


def test_private_links_give_the_store_away_to_nobody_else(settings, storing):
    with studio(storing(settings, storage_links=True, private_links=True)) as app:
        client = app.test_client()
        address = made(client)["music_url"]
        assert (client.get(address).status_code, app.test_client().get(address).status_code) == (302, 404)


def test_while_the_store_is_away_a_file_is_a_503_that_says_so(settings, storing):
    stored = storing(settings)
    with studio(stored) as app:
        answer = made(app.test_client())
        until(lambda: not app.extensions["jobs"].running())
        away = {"storage_endpoint": "http://127.0.0.1:9", "storage_timeout": 1}
        app.extensions["settings"] = replace(stored, **away)
        for path in (answer["music_url"], f"/jobs/{answer['id']}/everything.zip"):
            refused = app.test_client().get(path)
            assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
            assert refused.get_json()["detail"] == "The studio's storage cannot be reached just now."
            assert refused.headers["Retry-After"] == "5"
        assert app.test_client().get(f"/jobs/{answer['id']}").status_code == 200  # all but its files
        app.extensions["settings"] = stored
        assert app.test_client().get(answer["music_url"]).data == CONTENT


def test_a_search_in_the_terminal_leaves_its_files_in_the_store(settings, storing, small_library, monkeypatch):
    import pipeline

    def search(query, search_id, folder, settings, pools, on_progress, on_result):
        instant(query, search_id, folder, settings, pools, on_progress, on_result, {})
        return pipeline.SearchResult.of(query, search_id, {})

    monkeypatch.setattr(pipeline, "search", search)
    stored = storing(settings)
    app = create_app(stored)
    assert app.test_cli_runner().invoke(args=["search", "AI"]).exit_code == 0
    names = [entry.key.rpartition("/")[2] for entry in storage.entries("generated/", stored)]
    assert names == ["image.png", "music.wav"]
    assert not list((stored.data_dir / "tmp").glob("*"))
    app.extensions["jobs"].close()
    app.extensions["pools"].close()


def test_a_studio_that_starts_beside_a_search_in_the_terminal_leaves_it_its_files(settings, storing, monkeypatch):
    import pipeline

    def search(query, search_id, folder, settings, pools, on_progress, on_result):
        def and_a_studio_starts(stage, result):
            if stage == "image":
                (folder.parent / ("f" * 32)).mkdir()  # of a search that was killed
                studio.start()
            on_result(stage, result)

        instant(query, search_id, folder, settings, pools, on_progress, and_a_studio_starts, {})
        return pipeline.SearchResult.of(query, search_id, {})

    stored = storing(settings)
    app = create_app(stored)
    studio = app.extensions["jobs"]
    monkeypatch.setattr(pipeline, "search", search)
    told = app.test_cli_runner().invoke(args=["search", "AI"])
    assert (told.exit_code, told.exception) == (0, None)
    names = [entry.key.rpartition("/")[2] for entry in storage.entries("generated/", stored)]
    assert names == ["image.png", "music.wav"]
    assert not list((stored.data_dir / "tmp").glob("*"))
    studio.close()
    app.extensions["pools"].close()
