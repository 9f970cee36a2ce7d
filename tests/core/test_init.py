"""`python init.py`: whole journeys of the command, and models that are here, missing or in folders."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress

import pytest

import init
from core import hub as downloads
from core.checkpoints import Checkpoint
from core.engines import EngineError
from settings import ROOT, Settings
from tests.hubs import (
    CHUNK,
    USED,
    cached,
    command,
    environment,
    served,
)
from tools.services import faults, hub
from tools.waiting import until


@pytest.mark.slow
def test_all_models_are_fetched_tried_and_then_used_without_the_hub(loopback, tmp_path, here):
    done = command(loopback.url, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "MusicGen: ready" in done.stdout
    assert "Stable Diffusion: ready" in done.stdout
    wanted = {f"{point.repository}/{name}" for point, names in USED.items() for name in names.split()}
    assert loopback.fetched() == cached(tmp_path) == wanted
    assert re.search(r"musicgen-small: [\d.]+ MB\n.*v1-5: [\d.]+ MB\n.*\n.*\n +[\d.]+ MB in all\n", done.stdout)
    assert done.stdout.index("in all") < done.stdout.index("fetching")
    assert not any("xet" in request.path for request in loopback.requests)
    assert not set("\r\x1b█") & set(done.stdout + done.stderr), "a progress bar went into a pipe"

    loopback.requests.clear()
    here(loopback.url)
    assert init.main(["--check", "--offline"]) == 0
    assert not loopback.requests


@pytest.mark.slow
def test_a_connection_that_breaks_off_is_taken_up_again_in_the_same_run(loopback, large, here):
    here(loopback.url)
    loopback.fail(hub.breaks_off_after(CHUNK + 99), times=1, path="/cdn/")
    assert init.main(["--only", "music"]) == 0
    size = large.stat().st_size
    assert served(loopback.asked_of(large), size, CHUNK + 99) < 1.1 * size
    assert not any("stable-diffusion" in request.path or "taesd" in request.path for request in loopback.requests)


def read_all(terminal, parts):
    """Take what a program writes: where nobody reads it, a terminal holds 4 KB and then stops the program."""
    with suppress(OSError):  # the other end is closed
        while part := os.read(terminal, 4096):
            parts.append(part)


@pytest.mark.slow
def test_ctrl_c_keeps_what_has_come_and_the_next_run_goes_on_from_there(loopback, large, tmp_path, here):
    loopback.fail(hub.stalls_after(CHUNK + 99), times=1, path="/cdn/")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    program = subprocess.Popen(  # tests that run in the background ignore what Ctrl+C sends, and so would it
        ["env", "--default-signal=INT", sys.executable, "init.py", "--only", "music"],
        cwd=ROOT,
        env=environment(loopback.url, tmp_path),
        stdout=end,
        stderr=end,
    )
    os.close(end)
    parts = []
    reader = threading.Thread(target=read_all, args=(terminal, parts))
    reader.start()
    partial = tmp_path / "hub" / "models--facebook--musicgen-small" / "blobs" / f"{hub.sha256(large)}.incomplete"
    until(lambda: partial.exists() and partial.stat().st_size >= CHUNK, 60)
    time.sleep(0.2)
    program.send_signal(signal.SIGINT)
    assert program.wait(60) == init.STOPPED
    reader.join(30)
    os.close(terminal)
    said = b"".join(parts).decode()
    assert re.search(r"\r.* \d+%\|.*10\.5M", said), "no progress on a terminal"
    assert "Run python init.py again" in said
    assert "Traceback" not in said

    here(loopback.url)
    assert init.main(["--only", "music"]) == 0
    size = large.stat().st_size
    assert served(loopback.asked_of(large), size, CHUNK + 99) < 1.1 * size
    assert not partial.exists()


def test_all_is_ready_where_all_is_here_though_the_hub_is_not(loopback, here, monkeypatch, capsys):
    monkeypatch.setenv("DEVICE", "cpu")
    here(loopback.url)
    for kind in init.KINDS.values():
        downloads.download(kind.sources(Settings.read()))
    with faults.refusing() as gone:
        here(gone)
        assert init.main([]) == 0
    said = capsys.readouterr()
    assert "no connection" in said.err
    assert "Stable Diffusion: ready" in said.out


@pytest.mark.parametrize("url", ["hub.example", "http://[", None])
def test_a_hub_that_is_not_there_is_said_at_once_and_once(here, tmp_path, monkeypatch, capsys, url):
    monkeypatch.setenv("MUSICGEN_MODEL", "maker/music")
    with faults.refusing() as refused:
        here(url or refused)
        start = time.monotonic()
        assert init.main([]) == 1
    assert time.monotonic() - start < 3
    said = capsys.readouterr().err
    assert said.count("connection (") == 1
    assert said.count("The built-in engine stays in use.") == 3


@pytest.mark.parametrize("arguments", [["--check"], ["--offline"], []])
def test_models_in_folders_are_loaded_and_tried_once_and_no_hub_is_asked(folders, here, capsys, arguments):
    with hub.Hub() as service:
        here(service.url)
        assert init.main(arguments) == 0
    said = capsys.readouterr().out
    assert "MusicGen: ready" in said
    assert "Stable Diffusion: ready" in said
    assert not service.requests


def test_a_model_that_is_missing_is_said_and_the_other_one_is_still_tried(folders, monkeypatch, capsys):
    monkeypatch.setenv("MUSICGEN_MODEL", "nobody/nothing")
    assert init.main(["--offline"]) == 1
    said = capsys.readouterr()
    assert "nobody/nothing: not here" in said.err
    assert "The built-in engine stays in use." in said.err
    assert "Stable Diffusion: ready" in said.out


def test_what_only_makes_pictures_faster_may_be_missing(folders, monkeypatch, capsys):
    monkeypatch.setenv("LCM_LORA_MODEL", "nobody/nothing")
    assert init.main(["--check", "--only", "image"]) == 1
    said = capsys.readouterr()
    assert "nobody/nothing: not here" in said.err
    assert "built-in" not in said.err
    assert "Stable Diffusion: works with what is here" in said.out


def test_a_setting_that_cannot_be_used_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "http")
    assert init.main(["--check"]) == 1
    assert "PORT" in capsys.readouterr().err


def test_what_cannot_be_made_faster_is_said_and_the_model_is_ready_all_the_same(settings, tmp_path, capsys):
    def fails(_settings, say):
        say("trying")
        raise EngineError("It stays as it is.")

    (tmp_path / "weights").touch()
    point = Checkpoint("maker/model", "0" * 40, files=("*",), needed=(("weights",),))
    kind = init.Kind("The model", lambda _settings: {str(tmp_path): point}, lambda _settings: None, fails)
    assert init.make_ready(kind, settings)
    said = capsys.readouterr()
    assert "trying\nThe model: ready" in said.out
    assert said.err == "The model: It stays as it is.\n"
