"""What a search survives: the process killed at any moment, and the process told to end."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace

import pytest

from core.executors import open_pools
from jobs import history
from jobs.models import DONE
from jobs.queue import Jobs
from pipeline import Query, SearchResult
from settings import ROOT
from tests.queues import work_until_done
from tests.rounds import amount
from tests.searches import media
from tools.waiting import free_port, until

KILLS = amount(6, 20)
QUERY = Query(("AI",), seconds=5, seed=7)


@pytest.fixture
def studio(settings, tmp_path, silent_clip):
    """Settings of a studio with one small clip, and a function that makes its folders anew."""
    shelf = tmp_path / "library" / "AI"
    shelf.mkdir(parents=True)
    shutil.copy(silent_clip, shelf / "clip.mp4")
    return replace(settings, video_library=shelf.parent, max_running=1)


def anew(settings):
    """A search that is stored in empty folders: its id."""
    for folder in (settings.data_dir, settings.generated_dir):
        shutil.rmtree(folder, ignore_errors=True)
    jobs = Jobs(settings, open_pools(settings))
    job_id = jobs.submit(QUERY, "v" * 32)
    jobs.close()
    return job_id


def stored(settings, job_id):
    """The search as it is stored, and the time of each file that is there, by its path without the search's id."""
    jobs = Jobs(settings, open_pools(settings))
    job = jobs.get(job_id)
    jobs.close()
    roots = (settings.data_dir, settings.generated_dir)
    paths = [path for root in roots for path in root.rglob("*") if path.is_file() and "studio.db" not in path.name]
    return job, {str(path).replace(job_id, "ID"): path.stat().st_mtime_ns for path in paths}


def result(settings, job):
    """What the search answers, and what is heard and seen of its files: their signatures have a time in them."""
    answer = SearchResult.of(job.query, "ID", job.results).to_json() | {"timings": None}
    for said in answer["provenance"].values():
        said["made"] = None
    files = {path.name: media(path) for path in sorted(history.folder(job.id, settings).iterdir())}
    return answer, files


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_any_moment_a_search_ends_with_the_same_result_and_nothing_done_twice(studio, processes):
    def run(job_id):
        process = processes.Process(target=work_until_done, args=(studio, job_id))
        process.start()
        return process

    job_id = anew(studio)
    run(job_id).join()
    undisturbed, its_files = stored(studio, job_id)
    assert undisturbed.state == DONE
    expected = result(studio, undisturbed)
    assert set(expected[1]) == {"music.wav", "music.mid", "image.png"}

    moments, killed_with = random.Random(5), []
    for _ in range(KILLS):
        job_id = anew(studio)
        kill(run(job_id), studio, job_id, progress=moments.uniform(-0.2, 1), delay=moments.uniform(0, 0.2))
        before, files_before = stored(studio, job_id)
        killed_with.append((before.state, *before.results))
        run(job_id).join()
        after, files_after = stored(studio, job_id)
        assert (after.state, after.error) == (DONE, None)
        assert result(studio, after) == expected
        assert set(files_after) == set(its_files), "an orphan"
        for stage in before.results.keys() - {"videos"}:  # whose clips come from the cache
            assert after.results[stage] == before.results[stage], "seconds and all: it was not done again"
        kept = [path for path in files_before if path in files_after and made_by(path) <= before.results.keys()]
        assert {path: files_after[path] for path in kept} == {path: files_before[path] for path in kept}
    assert len(set(killed_with)) > 2, killed_with  # the moments fell into different stages


def kill(process, settings, job_id, progress, delay):
    """Kill a process some seconds after its search has got that far, however fast the machine is."""
    jobs = Jobs(settings, open_pools(settings))
    until(lambda: jobs.get(job_id).progress >= progress or not process.is_alive(), seconds=300)
    jobs.close()
    process.join(delay)
    process.kill()
    process.join()


def made_by(path):
    """The stage whose output a file is: once that is stored, the file stays as it is."""
    return {stage for stage, names in {"music": ("music.",), "image": ("image.",)}.items() for n in names if n in path}


class Server:
    """The studio's own process, and a search in it."""

    def __init__(self, settings):
        values = {"DATA_DIR": settings.data_dir, "GENERATED_DIR": settings.generated_dir, "MAX_RUNNING": 1}
        values |= {"VIDEO_LIBRARY": settings.video_library}
        values |= {"PYTHONPATH": os.pathsep.join(sys.path), "LOG_FORMAT": "json", "PATH": os.environ["PATH"], "PORT": 0}
        self.variables = {name: str(value) for name, value in values.items()}
        self.process = None

    def start(self, *program):
        self.variables["PORT"] = str(free_port())
        self.process = subprocess.Popen(
            [sys.executable, *(program or ["app.py"])],
            cwd=ROOT,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        while "is ready" not in (line := self.process.stdout.readline().decode()):
            assert line, "it did not start"

    def ask(self, path, **asked):
        headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
        body = json.dumps(asked).encode() if asked else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.variables['PORT']}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def until(self, job_id, *states, stage=None):
        def there():
            job = self.ask(f"/jobs/{job_id}")
            return job if job["state"] in states and stage in (None, job["stage"]) else None

        return until(there, seconds=200)


@pytest.fixture
def server(settings, fonts, short_library):
    shutil.copytree(fonts, settings.data_dir / "drafts" / "fonts")
    server = Server(replace(settings, video_library=short_library))
    yield server
    if server.process:
        server.process.kill()
        server.process.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_real_server_killed_while_it_reads_goes_on_when_it_is_started_again(server, settings):
    server.start()
    job_id = server.ask("/search", tags=["AI"], seconds=5)["id"]
    server.until(job_id, "running", stage="videos")
    server.process.kill()
    server.process.wait()
    server.start()
    job = server.until(job_id, "done", "failed")
    assert (job["state"], job["result"]["warnings"]) == ("done", [])
    assert all(video["transcript"] for video in job["result"]["videos"])
    assert sorted(path.name for path in (settings.generated_dir / job_id).iterdir()) == [
        "image.png",
        "music.mid",
        "music.wav",
    ]
    assert list((settings.data_dir / "tmp").glob("trendtok-*")) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_told_to_end_the_server_leaves_within_ten_seconds_and_the_rest_queued(server, settings):
    server.start()
    ids = [server.ask("/search", tags=["AI"], seconds=5, seed=seed)["id"] for seed in range(3)]
    server.until(ids[0], "running", stage="videos")
    stream = urllib.request.urlopen(f"http://127.0.0.1:{server.variables['PORT']}/jobs/{ids[2]}/events", timeout=60)
    while b"queued" not in stream.readline():
        pass
    told = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    lines, _ = server.process.communicate(timeout=60)
    assert time.monotonic() - told < 10
    assert server.process.returncode == 0, lines.decode()[-5000:]
    stream.read()  # raises where it was cut, rather than ended
    events = [json.loads(line) for line in lines.decode().splitlines() if line.startswith("{")]
    assert any(re.fullmatch("running", event["message"]) and event["job"] == ids[0] for event in events)
    jobs = Jobs(settings, open_pools(settings))
    found = [jobs.get(job_id) for job_id in ids]
    jobs.close()
    assert [(job.state, job.attempts) for job in found] == [("queued", 0)] * 3


@pytest.mark.slow
def test_told_to_end_by_several_at_once_the_server_ends(server):
    """A terminal's Ctrl+C reaches `make` and the studio, and `make` passes it on."""
    server.start()
    for _ in range(200):
        server.process.send_signal(signal.SIGTERM)
    server.process.communicate(timeout=20)
    assert server.process.returncode == 0


@pytest.mark.slow
def test_whatever_holds_it_the_server_ends_within_ten_seconds_and_says_what_that_was(server):
    held = "jobs.queue.Jobs.close = lambda *_, **_options: threading.Event().wait()"
    server.start("-c", f"import threading, app, jobs.queue; {held}; app.serve()")
    server.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    lines, _ = server.process.communicate(timeout=20)
    assert time.monotonic() - told < 10
    assert server.process.returncode == 1
    assert b"in _leave" in lines
