"""Reading a clip: the cache, calling off, threads."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import tiktok_to_text
from core.engines import Cancelled, EngineError, no_report
from settings import ROOT
from tests.tiktok_to_text.clips.support import PICTURE, read
from tiktok_to_text import screen_text, speech


def test_a_second_read_of_the_same_content_needs_no_model(sample_clips, settings, tmp_path, monkeypatch):
    first = read(sample_clips[0], settings)
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(sample_clips[0].read_bytes())
    monkeypatch.setattr(subprocess, "Popen", None)  # no engine gets anything without ffmpeg
    assert read(copy, settings) == first


@pytest.mark.parametrize("change", ["{", "", "null", "[]", '{"seconds": 1}', "\x00", "cut", "still"])
def test_a_corrupt_cache_entry_is_read_anew(silent_picture, quick, change):
    first = read(silent_picture, quick)
    (entry,) = (quick.data_dir / "texts").iterdir()
    kept = entry.read_text()
    broken = {"cut": kept[: len(kept) // 2], "still": kept.replace('"stills": ["', '"stills": ["*')}.get(change, change)
    entry.write_text(broken)
    assert read(silent_picture, quick) == first
    assert entry.read_text() == kept
    assert list(entry.parent.iterdir()) == [entry]


def test_another_language_or_engine_is_read_anew(silent_picture, settings):
    read(silent_picture, settings)
    tiktok_to_text.read(silent_picture, "en-GB", settings, no_report)
    read(silent_picture, replace(settings, speech_engines=("google",)))
    assert len(list((settings.data_dir / "texts").iterdir())) == 3


def test_the_cache_keeps_plain_json_with_stills(silent_picture, quick):
    text = read(silent_picture, quick)
    (entry,) = (quick.data_dir / "texts").iterdir()
    kept = json.loads(entry.read_text())
    assert tuple(base64.b64decode(still) for still in kept["stills"]) == text.stills


def test_a_clip_wanted_twice_at_once_is_read_once(silent_picture, quick):
    reports = []

    def report(*step):
        reports.append(step)
        time.sleep(0.01)

    read(silent_picture, quick, report)
    once = len(reports)
    reports.clear()
    quick = replace(quick, data_dir=quick.data_dir / "other")
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: read(silent_picture, quick, report), range(8)))
    assert texts == [texts[0]] * 8
    assert len(reports) == once


@pytest.mark.parametrize("at", [1, 5, 30])
def test_a_read_can_be_called_off(sample_clips, settings, at):
    steps = iter(range(10_000))

    def report(done, total, what):
        if next(steps) >= at:
            raise Cancelled

    with pytest.raises(Cancelled):
        read(sample_clips[0], settings, report)
    assert not (settings.data_dir / "texts").exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("screen")]


def test_calling_off_stops_ffmpeg(make, quick):
    clip = make("long.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "60", "-preset", "ultrafast")

    def report(done, total, what):
        raise Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        read(clip, quick, report)
    assert time.monotonic() - started < 10
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    running = children.read_text().split() if children.exists() else []
    assert not [child for child in running if "ffmpeg" in Path(f"/proc/{child}/comm").read_text()]


def test_ffmpeg_is_stopped_when_it_takes_too_long(silent_picture, quick, monkeypatch):
    monkeypatch.setattr(tiktok_to_text.audio.ffmpeg, "TIME_LIMIT", 0.001)
    with pytest.raises(EngineError, match="too long"):
        read(silent_picture, quick)


def test_models_are_loaded_once_by_ten_threads(settings):
    speech.load.clear()
    screen_text.load.clear()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: tiktok_to_text.warm(settings), range(10)))
        models = set(pool.map(lambda _: id(speech.load(settings)), range(10)))
        readers = set(pool.map(lambda _: id(screen_text.load()), range(10)))
    assert len(models) == len(readers) == 1


def test_importing_the_package_loads_no_heavy_library():
    heavy = "cv2 faster_whisper ctranslate2 onnxruntime rapidocr_onnxruntime torch av moviepy"
    code = f"import sys, tiktok_to_text; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_reports_nothing_to_the_maker_of_its_runtime(tmp_path):
    code = "import tiktok_to_text; from tiktok_to_text import screen_text; screen_text.load()"
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert not list(tmp_path.rglob("*deviceid*"))
