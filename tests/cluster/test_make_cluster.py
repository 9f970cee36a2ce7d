"""`make cluster` starts everything on this machine, a search on it works, and a studio may go."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from settings import ROOT
from tests.servers import environment
from tools.waiting import free_port, until


def get(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)


def ask(address, seed):
    """Search, and wait for the end: three workers that load their models share this machine's processors."""
    headers = {"content-type": "application/json", "prefer": "respond-async"}
    body = json.dumps({"tags": ["AI"], "seconds": 5, "seed": seed}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address}/search", body, headers), timeout=60) as answer:
        job = f"{address}{answer.headers['location']}"
    until(lambda: get(job)["state"] not in ("queued", "running"), 400)
    return get(job)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
    reason="There is no PostgreSQL (apt-get install postgresql).",
)
def test_a_search_runs_on_it_and_goes_on_when_a_studio_is_gone(tmp_path, small_library):
    port, log = free_port(), tmp_path / "log"
    own = environment(tmp_path, PORT=port, VIDEO_LIBRARY=small_library)
    with log.open("w") as output:
        cluster = subprocess.Popen([sys.executable, "-m", "tools.cluster"], cwd=ROOT, env=own, stdout=output)
    try:
        until(lambda: "The cluster is ready" in log.read_text() or cluster.poll() is not None, 200)
        assert cluster.poll() is None, log.read_text()
        address = f"http://127.0.0.1:{port}"
        until(lambda: len(get(f"{address}/healthz")["cluster"]["workers"]) == 3, 120)
        first = ask(address, 1)
        assert (first["state"], first["result"]["warnings"]) == ("done", [])
        folder = Path(re.search(r"logs are in (\S+)", log.read_text())[1])
        studio = next(
            int(process.name)
            for process in Path("/proc").iterdir()
            if process.name.isdecimal() and f"{folder}/studio-1\0" in _environment(process)
        )
        os.kill(studio, signal.SIGKILL)
        until(lambda: "studio-1 has ended" in log.read_text())
        assert get(f"{address}/jobs/{first['id']}")["state"] == "done"
        assert ask(address, 2)["result"]["music_url"]
    finally:
        cluster.send_signal(signal.SIGINT)
        assert cluster.wait(60) == 0
    assert not folder.exists()


def _environment(process):
    try:
        return (process / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
