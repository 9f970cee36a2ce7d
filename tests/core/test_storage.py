"""Where files are kept: the same in a folder and in an S3 store, and what a store says is understood."""

import os
import threading
import time
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from core import objects, storage
from core.storage import StorageError, Unreachable
from settings import Settings, SettingsError
from tools.services.line import Line

MB = 1024**2


@pytest.fixture(params=["file", "s3"])
def either(request, settings):
    """Settings that keep files in folders, then in a store."""
    return settings if request.param == "file" else request.getfixturevalue("storing")(settings)


@pytest.fixture
def stored(settings, storing):
    return storing(settings)


@pytest.fixture
def line(s3):
    """A line to the S3 server, mended."""
    line = Line(urlsplit(s3).port)
    line.mend()
    yield line
    line.cut()


def over(line, settings, **chosen):
    return replace(settings, storage_endpoint=f"http://127.0.0.1:{line.port}", **chosen)


def test_what_is_put_is_got_by_its_key_and_gone_when_it_is_deleted(either):
    assert storage.get("texts/a.json", either) is None
    assert storage.head("texts/a.json", either) is None
    storage.put("texts/a.json", b"first", either)
    storage.put("texts/a.json", b"second", either)
    found = storage.head("texts/a.json", either)
    assert (storage.get("texts/a.json", either), found.size) == (b"second", 6)
    assert abs(found.modified - time.time()) < 60
    storage.delete(["texts/a.json", "texts/never.json"], either)
    assert storage.get("texts/a.json", either) is None


def test_a_file_is_put_piece_by_piece_and_read_from_anywhere(either, tmp_path):
    content = os.urandom(7 * MB + 5)
    (tmp_path / "video.mp4").write_bytes(content)
    storage.put("videos/v.mp4", tmp_path / "video.mp4", either)
    assert b"".join(storage.stream("videos/v.mp4", 0, len(content), either)) == content
    start, stop = 3 * MB - 7, 5 * MB + 3
    assert b"".join(storage.stream("videos/v.mp4", start, stop, either)) == content[start:stop]
    assert storage.local("videos/v.mp4", either).read_bytes() == content


def test_what_is_to_be_made_only_once_stays_as_it_is(either):
    storage.put("uploads/u.mp4", b"first", either, create=True)
    storage.put("uploads/u.mp4", b"second", either, create=True)
    assert storage.get("uploads/u.mp4", either) == b"first"


def test_large_files_that_are_there_are_not_sent_again(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "IN_ONE", 10)
    for content in (b"the first content", b"another one"):
        (tmp_path / "video").write_bytes(content)
        storage.put("uploads/u.mp4", tmp_path / "video", stored, create=True)
    assert storage.get("uploads/u.mp4", stored) == b"the first content"


def test_files_are_listed_by_the_beginning_of_their_keys(either):
    names = ["texts/a-1.json", "texts/a-2.json", "texts/ab.json", "texts/b-1.json", "generated/a/x", "generated/ab/x"]
    for name in names:
        storage.put(name, b"123", either)
    listed = {
        prefix: [entry.key for entry in storage.entries(prefix, either)] for prefix in ("texts/a-", "generated/a/")
    }
    assert listed == {"texts/a-": names[:2], "generated/a/": ["generated/a/x"]}
    assert [entry.key for entry in storage.entries("texts/", either)] == names[:4]
    assert storage.entries("traits/", either) == []
    storage.delete_all("texts/a-", either)
    assert [entry.key for entry in storage.entries("texts/", either)] == names[2:4]


def test_more_files_than_one_answer_holds_are_listed_and_deleted(stored):
    def put(numbers):
        for number in numbers:
            storage.put(f"texts/{number:04}.json", b"1", stored)

    threads = [threading.Thread(target=put, args=[range(start, 1100, 10)]) for start in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.key for entry in storage.entries("texts/", stored)] == [f"texts/{n:04}.json" for n in range(1100)]
    storage.delete_all("texts/", stored)
    assert storage.entries("texts/", stored) == []


NO_KEYS = ["", "texts", "texts/", "/texts/a", "texts/../a", "texts/.part", "a/b/c/d", "texts/\0", "../a"]


@pytest.mark.parametrize("key", NO_KEYS)
def test_a_key_never_leads_elsewhere(either, key):
    assert storage.get(key, either) is None
    assert storage.head(key, either) is None
    assert storage.local(key, either) is None
    with pytest.raises(ValueError, match="no key"):
        storage.put(key, b"", either)


def test_folders_keep_the_names_that_they_always_had(settings):
    for key in ("generated/1/music.wav", "uploads/u.mp4", "texts/t.json"):
        storage.put(key, b"1", settings)
    assert (settings.generated_dir / "1" / "music.wav").is_file()
    assert (settings.data_dir / "uploads" / "u.mp4").is_file()
    assert (settings.data_dir / "texts" / "t.json").is_file()
    assert storage.local("uploads/u.mp4", settings) == settings.data_dir / "uploads" / "u.mp4"


def test_a_store_leaves_nothing_here_but_copies_and_those_not_for_long(stored):
    storage.put("uploads/u.mp4", b"1", stored)
    assert not stored.data_dir.exists()
    copy = storage.local("uploads/u.mp4", stored)
    storage.drop_copies(stored)
    assert copy.read_bytes() == b"1"
    long_ago = time.time() - storage.COPIES_KEPT - 1
    os.utime(copy, (long_ago, long_ago))
    assert storage.local("uploads/u.mp4", stored) == copy  # which is a use
    storage.drop_copies(stored)
    assert copy.is_file()
    os.utime(copy, (long_ago, long_ago))
    storage.drop_copies(stored)
    assert not copy.exists()


def test_what_is_deleted_is_gone_with_its_copy(stored):
    storage.put("uploads/u.mp4", b"1", stored)
    copy = storage.local("uploads/u.mp4", stored)
    storage.delete(["uploads/u.mp4"], stored)
    assert (copy.exists(), storage.local("uploads/u.mp4", stored)) == (False, None)


def test_copying_in_a_store_moves_nothing_through_here(stored):
    storage.put("generated/1/image.png", b"png", stored)
    assert storage.copy("generated/1/image.png", "generated/2/image.png", stored)
    assert not storage.copy("generated/1/none.png", "generated/2/none.png", stored)
    assert storage.get("generated/2/image.png", stored) == b"png"


def test_a_link_reads_one_file_and_has_its_type(stored):
    storage.put("generated/1/music.wav", b"sound", stored)
    assert storage.link("generated/1/music.wav", stored) is None  # STORAGE_LINKS is 0
    address = storage.link("generated/1/music.wav", replace(stored, storage_links=True))
    assert address.startswith(objects.origin(stored))
    with urllib.request.urlopen(address) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"sound", "audio/x-wav")
    assert "X-Amz-Expires=3600" in address
    assert stored.aws_secret_access_key not in address


def test_a_bucket_that_is_not_there_is_said(stored):
    wrong = replace(stored, storage_url="s3://nothing/here")
    for call in (
        lambda: storage.reach(wrong),
        lambda: storage.get("texts/a", wrong),
        lambda: storage.put("texts/a", b"", wrong),
        lambda: storage.entries("texts/", wrong),
    ):
        with pytest.raises(StorageError, match="bucket of STORAGE_URL does not exist") as error:
            call()
        assert not isinstance(error.value, Unreachable)


def test_a_store_that_is_not_there_is_said_within_the_timeout(stored):
    gone = replace(stored, storage_endpoint="http://127.0.0.1:9", storage_timeout=1)
    for call in (
        lambda: storage.get("texts/a", gone),
        lambda: storage.put("texts/a", b"", gone),
        lambda: storage.reach(gone),
    ):
        began = time.monotonic()
        with pytest.raises(Unreachable, match="cannot be reached just now"):
            call()
        assert time.monotonic() - began < 10


def test_a_store_that_is_away_for_a_moment_is_waited_for(stored, line):
    settings = over(line, stored, storage_timeout=20)
    storage.put("texts/a", b"1", settings)
    line.cut()
    threading.Timer(1.5, line.mend).start()
    began = time.monotonic()
    storage.put("texts/b", b"2", settings)
    assert time.monotonic() - began > 1
    assert storage.get("texts/b", settings) == b"2"


def test_a_check_tries_all_that_a_search_needs(stored):
    storage.check(stored)
    assert storage.entries("checks/", stored) == []
    with pytest.raises(StorageError):
        storage.check(replace(stored, storage_url="s3://nothing"))


@pytest.mark.parametrize(
    "url", ["s3:", "s3://", "s3://A_b", "gs://bucket", "/folder", "file:/elsewhere", "s3://studio/../x"]
)
def test_an_address_that_is_none_is_a_setting_to_mend(url):
    with pytest.raises(SettingsError, match=r"STORAGE_URL.*s3://bucket/prefix"):
        Settings.read({"STORAGE_URL": url})


def test_keys_of_a_store_are_not_shown():
    settings = Settings.read({"AWS_ACCESS_KEY_ID": "swordfish", "AWS_SECRET_ACCESS_KEY": "sesame"})
    assert not {"swordfish", "sesame"} & set(repr(settings).replace("'", " ").split())
