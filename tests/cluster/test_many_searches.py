"""Many searches over two studios and three workers: none is lost, none runs twice, each can be read from both."""

import time
from collections import Counter
from dataclasses import replace

import pytest

from core import storage
from core.engines import no_report
from core.executors import open_pools
from jobs.models import DONE
from tests import clusters, rounds
from tests.cluster import stages
from tests.queues import ANNA, other
from tests.searches import instant

NUMBER = rounds.amount(20, 200)


@pytest.fixture
def two(cluster, on_postgresql, storing):
    """The settings of two studios: a database, a store and the cluster in common, and no folder."""
    common = {"database_url": on_postgresql.database_url, "max_running": 3, "max_queued": 1000}
    store = storing(cluster.settings())
    own = [cluster.settings(name) for name in ("one", "two")]
    return [replace(store, data_dir=one.data_dir, generated_dir=one.generated_dir, **common) for one in own]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_many_searches_none_is_lost_none_runs_twice_and_both_studios_have_each(two, open_jobs, tmp_path):
    def run(query, search_id, folder, settings, pools, *rest):
        for pool, stage in ((pools.videos, "videos"), (pools.accelerator, "music")):
            assert pool.submit(stages.noted, tmp_path, f"{stage}-{query.seed}", settings, no_report).result(120)
        instant(query, search_id, folder, settings, pools, *rest)

    pools = [clusters.ready(open_pools(settings), 3) for settings in two]
    studios = [open_jobs(settings, run, pools=own) for settings, own in zip(two, pools, strict=True)]
    began = time.monotonic()
    ids = {seed: studios[seed % 2].submit(other(seed), ANNA) for seed in range(NUMBER)}
    assert {studios[(seed + 1) % 2].wait(job_id).state for seed, job_id in ids.items()} == {DONE}
    print(f"{NUMBER} searches in {time.monotonic() - began:.1f} s")
    assert Counter(stages.notes(tmp_path)) == Counter(
        f"{stage}-{n}" for n in range(NUMBER) for stage in ("videos", "music")
    )
    for seed, job_id in ids.items():
        for settings in two:
            assert storage.get(f"generated/{job_id}/music.wav", settings) == f"music.wav of {seed}".encode()
    assert {studio.get(job_id).owner for studio in studios[:1] for job_id in ids.values()} == {
        studio._workers.owner for studio in studios
    }
    for studio, own in zip(studios, pools, strict=True):
        studio.close()
        own.close()
