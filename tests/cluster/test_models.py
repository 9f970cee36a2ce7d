"""Searches whose brief, music and cover are made by models, on workers: as on one machine, whatever dies meanwhile."""

import os
import signal
from dataclasses import replace

import pytest

import pipeline
from core.executors import open_pools
from pipeline import Query
from tests import clusters
from tests.searches import compared, media
from tools.random_weights.studio import tiny_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

QUERY = Query(("AI",), seconds=5, seed=7)
WORKERS = 2


@pytest.fixture(scope="module")
def with_models(tmp_path_factory):
    """A cluster whose workers have all three models, tiny ones of random weights."""
    models = tiny_models(tmp_path_factory.mktemp("models"))
    with clusters.running(tmp_path_factory.mktemp("cluster"), WORKERS, **models) as cluster:
        yield cluster


@pytest.fixture
def studio(with_models, small_library):
    settings = replace(with_models.settings(), video_library=small_library)
    pools = clusters.ready(open_pools(settings), WORKERS)
    yield settings, pools
    pools.close()


@pytest.fixture
def expected(studio, tmp_path, one_thread):
    """What this process alone makes of the search, on one thread as the workers: sums are rounded by their parts."""
    here = replace(studio[0], dask_scheduler="", data_dir=tmp_path / "here")
    local = open_pools(here)
    yield search(tmp_path / "alone", here, local)
    local.close()


def search(folder, settings, pools, on_progress=lambda *_: None):
    result = pipeline.search(QUERY, folder.name * 6, folder, settings, pools, on_progress)
    return compared(result), {path.name: media(path) for path in folder.iterdir()}


def once_in(stage, act):
    """An `on_progress` that acts once, when a stage of the search runs."""
    done = []

    def on_progress(now, _done, _total, what):
        if now == stage and what and not what.startswith("Waiting") and not done:
            done.append(now)
            act()

    return on_progress


def test_what_models_make_on_the_cluster_they_make_on_one_machine_byte_for_byte(studio, expected, tmp_path):
    settings, pools = studio
    found = search(tmp_path / "there", settings, pools)
    assert found[0] == expected[0]
    assert {name for name in found[1] if found[1][name] != expected[1].get(name)} == set()
    engines = found[0]["engines"]
    assert (engines["music"], engines["image"]) == ("musicgen", "stable-diffusion")
    assert "local" in f"{engines['summary']} {found[0]['warnings']}"  # what random weights write may be of no use


def test_a_worker_that_is_killed_while_it_writes_the_brief_costs_nothing(studio, tmp_path):
    settings, pools = studio

    def kill():
        client = pools.cluster._client
        busy = [worker for worker, tasks in client.processing().items() if any("summarise" in str(t) for t in tasks)]
        (process,) = client.run(os.getpid, workers=busy[:1]).values()
        os.kill(process, signal.SIGKILL)

    result, files = search(tmp_path / "killed", settings, pools, once_in("summary", kill))
    assert "local" in f"{result['engines']['summary']} {result['warnings']}"
    assert set(files) == {"image.png", "music.wav"}
    clusters.ready(pools, WORKERS)


def test_a_scheduler_that_is_killed_and_started_again_costs_a_search_nothing(studio, with_models, tmp_path):
    settings, pools = studio

    def restart():
        with_models.kill("scheduler")
        with_models.start_scheduler()

    result, files = search(tmp_path / "lost", settings, pools, once_in("music", restart))
    assert not [line for line in result["warnings"] if "cluster" in line]
    assert set(files) == {"image.png", "music.wav"}
    clusters.ready(pools, WORKERS)
