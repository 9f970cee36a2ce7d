"""What dies, and what becomes of the stages that it was running."""

import os
import signal
import time
from concurrent.futures import wait
from dataclasses import replace

import pytest

from core.cluster import identity
from core.engines import EngineError, no_report
from core.executors import ClusterLost, StageLost, open_pools
from settings import SettingsError
from tests import clusters
from tests.cluster import stages
from tools.waiting import until


def test_a_stage_whose_worker_is_killed_runs_again_elsewhere(on_cluster, tmp_path):
    settings, pools = on_cluster
    assert pools.accelerator.submit(stages.dies_once, tmp_path, settings, no_report).result(120) == "made"
    first, second = stages.notes(tmp_path)
    assert first != second


def test_a_stage_whose_result_is_lost_with_its_worker_ends_as_it_does_the_second_time(on_cluster, tmp_path):
    settings, pools = on_cluster
    with pytest.raises(EngineError, match="the second time"):
        pools.accelerator.submit(stages.lost_on_the_way, tmp_path, settings, no_report).result(120)
    assert len(stages.notes(tmp_path)) == 2


def test_a_worker_that_is_killed_is_replaced(on_cluster, tmp_path):
    settings, pools = on_cluster
    futures = [pools.accelerator.submit(stages.waits_for, tmp_path, settings, no_report) for _ in range(3)]
    until(lambda: len(stages.notes(tmp_path)) == 3, 60)
    before = set(stages.notes(tmp_path))
    assert len(before) == 3
    os.kill(int(min(before)), signal.SIGKILL)
    until(lambda: len(stages.notes(tmp_path)) == 4, 120)
    (tmp_path / "go").touch()
    assert len({future.result(120) for future in futures}) == 3  # the new one took it, for the others were busy
    clusters.ready(pools, 3)


def test_where_there_is_no_cluster_a_stage_waits_and_then_fails_with_that_reason(nowhere):
    pools = open_pools(nowhere)
    future = pools.videos.submit(stages.where, nowhere, no_report)
    with pytest.raises(ClusterLost, match=f"{nowhere.dask_scheduler} cannot be reached.* 1 s"):
        future.result(60)
    pools.close()


def test_with_cluster_fallback_it_runs_here(nowhere):
    nowhere = replace(nowhere, cluster_fallback=True)
    pools = open_pools(nowhere)
    _folder, process, _key = pools.accelerator.submit(stages.where, nowhere, no_report).result(60)
    assert process == os.getpid()
    pools.close()


def test_a_search_that_no_worker_can_run_fails_with_that_reason(nowhere, small_library, open_jobs):
    import pipeline
    from pipeline import Query
    from tests.queues import ANNA

    nowhere = replace(nowhere, video_library=small_library, video_sources=("library",))
    pools = open_pools(nowhere)
    jobs = open_jobs(nowhere, pipeline.search, pools=pools)
    job = jobs.wait(jobs.submit(Query(("AI",)), ANNA))
    assert job.state == "failed"
    assert job.error["status"] == 503
    assert "cannot be reached" in job.error["detail"]
    pools.close()


def test_tls_needs_certificates(settings):
    with pytest.raises(SettingsError, match="DASK_TLS_CA"):
        open_pools(replace(settings, dask_scheduler="tls://scheduler:8786"))


def test_a_worker_of_another_version_or_with_other_settings_is_refused_with_both_named(settings):
    other = replace(settings, music_engines=("composer",))
    assert identity.resource(other) != identity.resource(settings)
    told = identity.difference(identity.told(other), settings)
    assert told == "it has MUSIC_ENGINES=('composer',), this studio ('musicgen', 'composer')"
    old = identity.told(settings) | {"version": "0.9"}
    assert identity.difference(old, settings) == "it is version 0.9, this studio 1.0.0"
    assert identity.difference(identity.told(settings), settings) is None
    assert identity.difference(None, settings) == "it was not started by flask worker"


def test_what_is_of_one_machine_may_differ_and_no_secret_is_told(settings, tmp_path):
    here = replace(settings, llama_api_key="sesame", data_dir=tmp_path, device="cpu")
    there = replace(settings, llama_api_key="swordfish", device="cuda")
    assert identity.resource(here) == identity.resource(there)
    assert "sesame" not in str(identity.told(here))
    assert identity.resource(settings) != identity.resource(here)  # it has no key at all


def test_workers_with_other_settings_get_nothing_to_do(cluster):
    settings = replace(cluster.settings("other", MUSIC_ENGINES="musicgen"), cluster_patience=1)
    pools = open_pools(settings)
    pools.start()
    workers = until(pools.cluster.workers, 60)
    assert {worker.refused for worker in workers} == {"it has MUSIC_ENGINES=('composer',), this studio ('musicgen',)"}
    with pytest.raises(ClusterLost, match="none fits, as it has MUSIC_ENGINES"):
        pools.videos.submit(stages.where, settings, no_report).result(60)
    pools.close()


@pytest.mark.slow
def test_a_stage_that_takes_down_every_worker_is_named_and_not_tried_again(on_cluster, tmp_path):
    settings, pools = on_cluster
    future = pools.accelerator.submit(stages.poison, tmp_path, settings, no_report)
    with pytest.raises(StageLost, match="poison took down 4 workers"):
        future.result(250)
    assert len(stages.notes(tmp_path)) == 4


@pytest.fixture
def restarting(cluster):
    """Kills the scheduler and starts another; at the end of the test there is one as before."""

    def restart(allowed_failures=0):
        if "scheduler" in cluster.processes:
            cluster.kill("scheduler")
        cluster.start_scheduler(allowed_failures)

    yield restart
    restart()


@pytest.mark.slow
def test_when_the_scheduler_comes_back_stages_go_on_and_one_that_allows_for_failures_loses_none(
    on_cluster, cluster, restarting, tmp_path
):
    settings, pools = on_cluster
    futures = [pools.accelerator.submit(stages.waits_for, tmp_path, settings, no_report) for _ in range(2)]
    until(lambda: len(stages.notes(tmp_path)) == 2, 60)
    cluster.kill("scheduler")
    until(lambda: not pools.cluster.workers(), 60)
    assert not any(future.done() for future in futures)
    restarting(allowed_failures=3)  # Dask's own default: it says nothing when a worker dies
    until(lambda: len(stages.notes(tmp_path)) == 4, 60)
    os.kill(int(stages.notes(tmp_path)[-1]), signal.SIGKILL)
    until(lambda: len(stages.notes(tmp_path)) == 5, 60)
    (tmp_path / "go").touch()
    assert all(future.result(200) for future in futures)
    wait(futures)


@pytest.mark.slow
def test_a_cluster_that_stays_away_fails_what_it_was_running(on_cluster, cluster, restarting, tmp_path):
    settings = replace(cluster.settings("impatient"), cluster_patience=2)
    pools = clusters.ready(open_pools(settings), 3)
    future = pools.accelerator.submit(stages.waits_for, tmp_path, settings, no_report)
    until(lambda: stages.notes(tmp_path), 60)
    killed = time.monotonic()
    cluster.kill("scheduler")
    with pytest.raises(ClusterLost):
        future.result(120)
    assert time.monotonic() - killed >= 2
    pools.close()
