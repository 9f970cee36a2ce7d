from dataclasses import replace

import pytest

from core.executors import open_pools
from tests import clusters
from tools.waiting import free_port


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A scheduler and three workers that load no model before it is needed."""
    with clusters.running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def on_cluster(cluster):
    """The settings of a studio of the cluster, and its executors, once all three workers are known to it."""
    settings = cluster.settings()
    pools = clusters.ready(open_pools(settings), 3)
    yield settings, pools
    pools.close()


@pytest.fixture
def nowhere(settings):
    """Settings with a scheduler that is not there, and little patience."""
    return replace(settings, dask_scheduler=f"tcp://127.0.0.1:{free_port()}", cluster_patience=1)
