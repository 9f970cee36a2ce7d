"""What the machine runs out of, for real: a clear error, nothing stored is damaged, and it serves again afterwards."""

import errno
import io
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import create_app
from jobs.queue import Jobs
from settings import ROOT
from tests import processes
from tests.searches import instant
from tests.servers import serving, started
from tools.environments import environment
from tools.waiting import until

ASYNC = {"Prefer": "respond-async"}
MB = 1024**2


@contextmanager
def mounted(folder, *options):
    """A small disk of its own at a folder; the test is skipped where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = ["mount", "-t", "tmpfs", "-o", ",".join(("size=100m", *options)), "tmpfs", str(folder)]
    try:
        subprocess.run(disk, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("No disk can be mounted here.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def studio(settings, search=instant):
    app = create_app(settings)
    app.extensions["jobs"].close()
    app.extensions["jobs"] = Jobs(settings, app.extensions["pools"], search)
    with started(app):
        yield app


def ask(app, seed=1, **more):
    asked = more or {"json": {"tags": ["AI"], "seed": seed}}
    return app.test_client(use_cookies=False).post("/search", headers=ASYNC, **asked)


def done(app, answer):
    """The search that was taken, when it has ended."""
    assert answer.status_code == 202, answer.text
    return app.extensions["jobs"].wait(answer.get_json()["id"])


def is_whole(settings):
    with closing(sqlite3.connect(settings.data_dir / "studio.db")) as database:
        return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def fill(folder):
    """Write until nothing more fits, and return the file."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        for size in (MB, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return path


# The disk


def on(disk, settings):
    return replace(settings, data_dir=disk / "data", generated_dir=disk / "generated")


def test_a_full_disk_refuses_searches_until_there_is_room(settings, tmp_path, silent_clip):
    with mounted(tmp_path / "disk") as disk, studio(on(disk, settings)) as app:
        kept = done(app, ask(app, 1))
        filler = fill(disk)
        video = {"data": {"videos": (io.BytesIO(silent_clip.read_bytes()), "mine.mp4")}}
        for seed, more in ((2, {}), (3, video)):
            refused = ask(app, seed, **more)
            assert refused.status_code == 507, refused.text
            assert re.search("full|No space", refused.get_json()["detail"])
            assert str(disk) not in refused.text
        assert app.test_client().get("/", headers={"Accept": "text/html"}).status_code == 200
        assert app.test_client().get(f"/jobs/{kept.id}").get_json()["state"] == "done"
        filler.unlink()
        assert done(app, ask(app, 4)).state == "done"
        assert is_whole(app.extensions["settings"])


def test_a_search_on_a_disk_that_fills_up_meanwhile_goes_on_or_fails_clearly(settings, tmp_path):
    fillers = []

    def fills_up(query, search_id, folder, *rest):
        if query.seed == 1 and not fillers:
            fillers.append(fill(tmp_path / "disk"))
        instant(query, search_id, folder, *rest)

    with mounted(tmp_path / "disk") as disk, studio(on(disk, settings), fills_up) as app:
        answer = ask(app, 1)
        until(lambda: fillers and not app.extensions["jobs"].running())
        fillers[0].unlink()
        job = done(app, answer)
        assert job.state == "done" or (job.error["status"], "No space" in job.error["detail"]) == (507, True)
        assert job.attempts <= 1
        assert done(app, ask(app, 2)).state == "done"
        assert is_whole(app.extensions["settings"])


@pytest.mark.slow
def test_a_disk_that_is_read_only_is_named_at_the_start(tmp_path):
    with mounted(tmp_path / "disk", "ro") as disk:
        refused = subprocess.run(
            [sys.executable, "app.py"],
            check=False,
            cwd=ROOT,
            env=environment(disk, DATA_DIR=disk / "data", GENERATED_DIR=tmp_path / "generated"),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "Read-only" in refused.stderr
    assert "DATA_DIR" in refused.stderr
    assert "PORT" not in refused.stderr


# The database


@pytest.mark.slow
def test_a_database_that_is_locked_for_ten_seconds_is_waited_for(settings):
    begun, go = threading.Event(), threading.Event()

    def held(*rest):
        begun.set()
        go.wait(30)
        instant(*rest)

    with studio(settings, held) as app:
        running = ask(app, 1)
        begun.wait(30)
        with closing(sqlite3.connect(settings.data_dir / "studio.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            go.set()  # from here on the search has something to store
            asked = []
            asking = threading.Thread(target=lambda: asked.append(ask(app, 2)))
            asking.start()
            assert app.test_client().get(f"/jobs/{running.get_json()['id']}").status_code == 200  # reading goes on
            time.sleep(10)
            assert not asked
            holder.execute("ROLLBACK")
        asking.join(30)
        assert [done(app, answer).state for answer in (running, asked[0])] == ["done", "done"]
        assert is_whole(settings)


@pytest.mark.slow
def test_a_database_that_is_gone_for_ten_seconds_is_come_back_to(postgresql_away):
    """A search that runs meanwhile is neither lost nor failed: it goes on."""
    settings, away = postgresql_away
    begun, go, runs = threading.Event(), threading.Event(), []

    def held(*rest):
        runs.append(rest[0].seed)
        begun.set()
        go.wait(60)
        instant(*rest)

    with studio(settings, held) as app:
        running = ask(app, 1)
        begun.wait(30)
        with away():
            go.set()
            until_gone = time.monotonic() + 10
            while time.monotonic() < until_gone:
                refused = ask(app, 2)
                assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
                assert int(refused.headers["Retry-After"]) >= 1
                assert "postgres" not in refused.text
                time.sleep(1)
        ended = done(app, running)
        assert (ended.state, ended.attempts) == ("done", 1)
        assert runs == [1, 1]
        assert done(app, ask(app, 3)).state == "done"


@pytest.fixture
def postgresql_away(on_both):
    """Settings whose PostgreSQL is reached by a door of the test's own, and a context in which that door is shut."""
    if not on_both.database_url:
        pytest.skip("SQLite is a file: it does not go away")
    from sqlalchemy import make_url

    from tools.services.door import Door

    url = make_url(on_both.database_url)
    with Door(url.host or url.query.get("host"), url.port or 5432) as door:
        query = {name: value for name, value in url.query.items() if name != "host"}
        through = url.set(host="127.0.0.1", port=door.port, query={**query, "connect_timeout": "2"})
        yield replace(on_both, database_url=through.render_as_string(hide_password=False)), door.shut


# Descriptors, programs, memory


def test_without_descriptors_it_says_so_and_serves_again_when_there_are_some(settings, silent_clip):
    video = silent_clip.read_bytes()

    def send(app, seed):
        return ask(app, seed, data={"videos": (io.BytesIO(video), "mine.mp4"), "seed": str(seed)})

    with studio(settings) as app:
        assert done(app, send(app, 1)).state == "done"
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (processes.open_files() + 20, hard))
        try:
            with suppress(OSError):
                while True:
                    taken.append(os.open("/dev/null", os.O_RDONLY))
            refused = send(app, 2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)
        assert refused.status_code == 503, refused.text
        assert "too much to do" in refused.get_json()["detail"]
        assert done(app, send(app, 3)).state == "done"


@pytest.mark.slow
def test_a_server_with_few_descriptors_outlives_more_clients_than_it_has(tmp_path):
    import socket

    command = ["prlimit", "--nofile=200:200", sys.executable, "app.py"]
    with serving(tmp_path / "studio", command) as address:
        port = int(address.rpartition(":")[2])
        clients = []
        for _ in range(300):
            with suppress(OSError):
                clients.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        for client in clients:
            client.close()
        answer = until(lambda: reached(address), seconds=30)
        assert answer == 200
        log = (tmp_path / "studio" / "log").read_text()
        assert "Traceback" not in log
        assert log.count("No more clients fit") <= 1


def reached(address):
    with suppress(OSError), urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
        return answer.status
    return None


@contextmanager
def killing():
    """Kill every ffmpeg that this process starts."""
    over, killed = threading.Event(), []

    def hunt():
        while not over.is_set():
            for pid, line in processes.children().items():
                if "ffmpeg" in line:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
            time.sleep(0.001)

    hunting = threading.Thread(target=hunt)
    hunting.start()
    try:
        yield killed
    finally:
        over.set()
        hunting.join()


def test_an_ffmpeg_that_is_killed_costs_its_clip_alone(settings, samples):
    video = min(samples.glob("*/*.mp4")).read_bytes()
    with studio(settings) as app:
        with killing() as killed:
            refused = ask(app, data={"videos": (io.BytesIO(video), "mine.mp4")})
        assert killed
        assert refused.status_code == 422, refused.text
        assert refused.get_json()["detail"].startswith("“mine.mp4” ")
        assert list((settings.data_dir / "uploads").iterdir()) == []
        assert done(app, ask(app, data={"videos": (io.BytesIO(video), "mine.mp4")})).state == "done"


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_a_stage_out_of_memory_fails_its_search_alone(settings, error):
    def hungry(query, *rest):
        if query.seed == 1 and isinstance(error, MemoryError):
            np.zeros(2**61, np.int8)  # which no machine has
        elif query.seed == 1:
            raise error
        instant(query, *rest)

    with studio(settings, hungry) as app:
        failed = done(app, ask(app, 1))
        assert (failed.state, failed.error["status"]) == ("failed", 507)
        assert "memory" in failed.error["detail"]
        assert not Path(settings.generated_dir / failed.id).exists()
        assert done(app, ask(app, 2)).state == "done"
