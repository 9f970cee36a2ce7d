"""A whole search on the cluster is the search it is on one machine."""

import os
import shutil
import signal
from dataclasses import replace

import pytest

import pipeline
from core.executors import open_pools
from pipeline import Query
from tests import clusters
from tests.searches import compared, media
from tools.waiting import until

QUERY = Query(("AI",), seconds=5, seed=7)


@pytest.fixture
def of_one_clip(on_cluster, small_library):
    settings, pools = on_cluster
    return replace(settings, video_library=small_library), pools


def search(name, folder, settings, pools, on_progress=lambda *_: None):
    result = pipeline.search(QUERY, name * 32, folder / name, settings, pools, on_progress)
    return compared(result), {path.name: media(path) for path in (folder / name).iterdir()}


@pytest.mark.slow
def test_a_whole_search_is_that_of_one_machine_byte_for_byte(of_one_clip, tmp_path, settings):
    on_cluster, pools = of_one_clip
    here = replace(on_cluster, dask_scheduler="", data_dir=tmp_path / "here")
    local = open_pools(here)
    expected = search("a", tmp_path, here, local)
    local.close()
    found = search("b", tmp_path, on_cluster, pools)
    assert found == expected
    assert set(found[1]) == {"image.png", "music.mid", "music.wav"}


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["videos", "music", "image"])
def test_a_search_outlives_a_worker_that_is_killed_in_any_stage(stage, of_one_clip, cluster, tmp_path):
    settings, pools = of_one_clip
    settings = replace(settings, video_library=_unread(settings.video_library, tmp_path / "library"))
    killed = []

    def on_progress(now, _done, _total, what):
        if now == stage and what and not what.startswith("Waiting") and not killed:
            info = pools.cluster._client.processing()
            busy = [worker for worker, tasks in info.items() if tasks]
            if busy:
                killed.append(pools.cluster._client.run(os.getpid, workers=busy[:1]))
                os.kill(next(iter(killed[0].values())), signal.SIGKILL)

    result, files = search(stage[0], tmp_path, settings, pools, on_progress)
    assert set(files) == {"image.png", "music.mid", "music.wav"}
    assert result["summary"]
    until(lambda: killed)
    clusters.ready(pools, 3)


def _unread(library, made):
    """The same library as files that no worker has read: each clip ends with a box that says nothing."""
    shutil.copytree(library, made)
    for clip in made.rglob("*.mp4"):
        with clip.open("ab") as file:
            file.write(b"\0\0\0\x18free" + os.urandom(16))
    return made
