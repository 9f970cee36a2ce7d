"""Two studios, each the real process with folders of its own, on one PostgreSQL and one S3 store."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from core import storage
from jobs import leases
from jobs.database import Store
from jobs.models import RUNNING, Job
from settings import ROOT, Settings
from tests.conftest import own_schema
from tests.servers import environment
from tools.services import s3 as s3_server
from tools.waiting import free_port, until

SECRET = "a secret that both of them have, and nobody else"
BOUNDARY = "boundary-of-this-test"


class Studio:
    """A studio's own process."""

    def __init__(self, folder: Path, **chosen: object):
        self.port, self.log = free_port(), folder / "log"
        self.address = f"http://127.0.0.1:{self.port}"
        self.variables = environment(folder, PORT=self.port, LOG_FORMAT="json", MAX_RUNNING=1, **chosen)
        self.data_dir = folder / "data"
        folder.mkdir(exist_ok=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=self.variables, stdout=log, stderr=log
            )

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return self.ask("/healthz").status == 200
        except OSError:
            return False

    def name(self):
        """The id by which searches say that they run here."""
        return (self.data_dir / "instance_id").read_text()

    def ask(self, path, body=None, method=None, **headers):
        request = urllib.request.Request(f"{self.address}{path}", body, headers, method=method)
        return urllib.request.urlopen(request, timeout=60)

    def search(self, **asked):
        headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
        return json.load(self.ask("/search", json.dumps(asked).encode(), **headers))

    def upload(self, path: Path):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="videos"; filename="own.mp4"\r\n\r\n'
        body = head.encode() + path.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Prefer": "respond-async"}
        return json.load(self.ask("/search", body, **headers, Accept="application/json"))

    def job(self, job_id):
        return json.load(self.ask(f"/jobs/{job_id}"))

    def until(self, job_id, *states, seconds=300):
        def there():
            job = self.job(job_id)
            return job if job["state"] in states else None

        return until(there, seconds)

    def status(self, path):
        try:
            return self.ask(path).status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def shared(s3, small_library):
    """The settings that both studios have."""
    with own_schema() as url:
        store = {name.upper(): value for name, value in s3_server.chosen(s3, uuid4().hex).items()}
        yield store | {"DATABASE_URL": url, "FLASK_SECRET_KEY": SECRET, "VIDEO_LIBRARY": small_library}


@pytest.fixture(scope="module")
def two(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studios")
    studios = [Studio(folder / name, **shared) for name in ("one", "two")]
    try:
        for studio in studios:
            until(studio.is_up, seconds=300)
        yield studios
    finally:
        for studio in studios:
            studio.process.kill()
            studio.process.wait()


def settings_of(shared, folder):
    return Settings.read({**shared, "VIDEO_LIBRARY": str(shared["VIDEO_LIBRARY"]), "DATA_DIR": str(folder)})


def owner(store, job_id):
    with store.reading() as session:
        job = session.get(Job, job_id)
        return job.owner if job.state == RUNNING else None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_asked_of_one_is_seen_played_exported_and_deleted_at_the_other(two, shared, tmp_path, small_library):
    one, another = two
    asked = one.upload(next(small_library.rglob("*.mp4")))
    result = another.until(asked["id"], "done", "failed")["result"]
    assert result["warnings"] == []
    own = result["videos"][0]["url"]
    for studio in two:
        whole = studio.ask(result["music_url"]).read()
        part = studio.ask(result["music_url"], Range="bytes=44-143")
        assert (part.status, part.read()) == (206, whole[44:144])
        assert studio.ask(own, Range="bytes=4-7").read() == b"ftyp"
        archive = zipfile.ZipFile(io.BytesIO(studio.ask(f"/jobs/{asked['id']}/everything.zip").read()))
        assert archive.read("music.wav") == whole
    settings = settings_of(shared, tmp_path)
    kinds = {entry.key.split("/")[0] for top in ("generated/", "uploads/", "texts/", "traits/") for entry in
             storage.entries(top, settings)}  # fmt: skip
    assert kinds == {"generated", "uploads", "texts", "traits"}
    another.ask(f"/jobs/{asked['id']}/delete", b"", Authorization=f"Bearer {asked['token']}", Accept="application/json")
    assert [studio.status(f"/jobs/{asked['id']}") for studio in two] == [404, 404]
    assert [studio.status(own) for studio in two] == [404, 404]
    left = [entry.key for top in ("generated/", "uploads/") for entry in storage.entries(top, settings)]
    assert left == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_in_a_search_a_studio_is_followed_by_the_other_when_its_lease_ends(two, shared, tmp_path):
    store = Store(replace(settings_of(shared, tmp_path)))
    asked = two[0].search(tags=["AI"], language="en-GB", seed=5)  # which was not read yet
    name = until(lambda: owner(store, asked["id"]), seconds=120)
    (killed,) = [studio for studio in two if studio.name() == name]
    (left,) = [studio for studio in two if studio is not killed]
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    began = time.monotonic()
    until(lambda: owner(store, asked["id"]) == left.name(), seconds=4 * leases.LEASE_SECONDS)
    print(f"taken over after {time.monotonic() - began:.1f} s")
    done = left.until(asked["id"], "done", "failed")
    assert (done["state"], done["result"]["warnings"]) == ("done", [])
    assert left.ask(done["result"]["music_url"]).read(4) == b"RIFF"
    with store.reading() as session:
        job = session.get(Job, asked["id"])
        assert (job.attempts, job.owner) == (2, left.name())
    store.close()
