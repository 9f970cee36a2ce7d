"""A stage on another machine is the stage it is here: what it gives, tells, hears, and what it is never told."""

import pickle
import threading
from collections import Counter
from concurrent.futures import wait
from dataclasses import replace

import pytest

from core.cluster.calls import pack
from core.engines import AllEnginesFailed, Cancelled, Incomplete, no_report
from core.files import CarriedFile, FileWanted, LocalFile
from tests.cluster import stages
from tools.waiting import until


def test_a_stage_has_the_settings_of_its_own_machine(on_cluster, cluster):
    settings, pools = on_cluster
    folder, _process, _key = pools.accelerator.submit(stages.where, settings, no_report).result(60)
    assert folder in {str(cluster.folder / f"worker-{number}" / "data") for number in range(3)}


def test_as_many_stages_run_at_once_as_there_are_devices(on_cluster, tmp_path):
    settings, pools = on_cluster
    futures = [pools.accelerator.submit(stages.waits_for, tmp_path, settings, no_report) for _ in range(4)]
    until(lambda: len(stages.notes(tmp_path)) == 3)
    assert pools.loads()["accelerator"] == (1, 3)
    (tmp_path / "go").touch()
    assert len({future.result(60) for future in futures[:3]}) == 3
    assert futures[3].result(60)


def test_progress_is_told_in_order(on_cluster):
    settings, pools = on_cluster
    told = []
    future = pools.videos.submit(stages.steps, 3, settings, lambda *news: told.append(news))
    assert future.result(60) == 3
    assert told == [(step, 3, f"step {step}") for step in range(3)]


def test_what_a_stage_raises_arrives_as_it_was(on_cluster):
    settings, pools = on_cluster
    with pytest.raises(AllEnginesFailed) as failed:
        pools.accelerator.submit(stages.fails, settings, no_report).result(60)
    assert failed.value.warnings == ("Music: it did not work",)


def test_what_cannot_be_sent_fails_and_does_not_wait_for_the_cluster(on_cluster):
    settings, pools = on_cluster
    with pytest.raises(TypeError, match=r"serialize|pickle"):
        pools.videos.submit(stages.noted, threading.Lock(), "line", settings, no_report).result(60)


def test_a_stage_that_is_called_off_hears_it(on_cluster, tmp_path):
    settings, pools = on_cluster
    future = pools.accelerator.submit(stages.until_called_off, tmp_path, settings, no_report)
    until(lambda: stages.notes(tmp_path) == ["began"])
    future.cancel()
    with pytest.raises(Cancelled):
        future.result(10)
    until(lambda: stages.notes(tmp_path) == ["began", "heard"], 10)


def test_a_report_that_says_that_the_search_is_called_off_ends_the_stage(on_cluster, tmp_path):
    settings, pools = on_cluster

    def report(_done, _total, _what):
        raise Cancelled

    future = pools.accelerator.submit(stages.until_called_off, tmp_path, settings, report)
    with pytest.raises(Cancelled):
        future.result(60)
    until(lambda: stages.notes(tmp_path) == ["began", "heard"], 10)


def test_calls_that_wait_run_as_one_batch_on_a_worker_and_one_that_is_called_off_costs_the_others_nothing(
    on_cluster, tmp_path
):
    settings, pools = on_cluster
    gate, work = tmp_path / "gate", tmp_path / "work"
    gate.mkdir()
    work.mkdir()

    def double(value):
        # A report of its own, as each search has: a stage is called off by it.
        return pools.accelerator.submit(stages.doubled, work, value, settings, lambda *_: value)

    assert double(1).result(60) == 2  # from now on it is known that four fit
    held = [pools.accelerator.submit(stages.waits_for, gate, settings, no_report) for _ in range(3)]
    until(lambda: len(stages.notes(gate)) == 3)
    futures = [double(value) for value in (2, 13, 4, 5, 6)]
    (gate / "go").touch()
    until(lambda: "2+13+4+5" in stages.notes(work))
    futures[1].cancel()
    assert [futures[number].result(60) for number in (0, 2, 3, 4)] == [4, 8, 10, 12]
    with pytest.raises(Cancelled):
        futures[1].result(60)
    assert stages.notes(work)[0] == "1"
    wait(held)


def test_a_file_that_only_the_studio_has_is_brought_to_each_worker_once(on_cluster, tmp_path, monkeypatch):
    settings, pools = on_cluster
    path, sent = tmp_path / "clip.mp4", Counter()
    path.write_bytes(b"some video" * 1000)
    scatter = pools.cluster.scatter
    monkeypatch.setattr(pools.cluster, "scatter", lambda content, at: sent.update([content]) or scatter(content, at))
    for _ in range(6):
        call = pools.videos.submit(stages.content, LocalFile(path), settings, no_report)
        assert call.result(60) == path.read_bytes()
    assert 1 <= sent[path.read_bytes()] <= 3


def test_no_secret_and_no_path_of_the_studio_is_sent(settings, tmp_path):
    settings = replace(settings, llama_api_key="sesame", google_speech_key="swordfish", data_dir=tmp_path / "mine")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"video")
    packed = pack((settings, LocalFile(clip), [(replace(settings, music_seconds=15),)], no_report), settings, "topic")
    sent = pickle.dumps(packed.arguments)
    assert not [word for word in ("sesame", "swordfish", str(tmp_path)) if word.encode() in sent]
    assert packed.arguments[2][0][0].changes == {"music_seconds": 15}


def test_a_carried_file_is_the_one_it_is_named_for(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    carried = CarriedFile(LocalFile(path).digest, ".mp4", tmp_path / "carried")
    assert carried.is_at(path)
    with pytest.raises(FileWanted, match=carried.digest):
        carried.here()
    with pytest.raises(ValueError, match="damaged"):
        carried.keep(b"another")
    carried.keep(b"video")
    assert carried.here().read_bytes() == b"video"


@pytest.mark.parametrize("error", [AllEnginesFailed("music", ["why"]), Incomplete("half", [1])])
def test_errors_of_engines_can_travel(error):
    there = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(there), str(there), vars(there)) == (type(error), str(error), vars(error))
