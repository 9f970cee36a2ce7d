"""What an administrator is told of the cluster, and that it is open to whoever reaches it."""

from dataclasses import replace

import pytest

from app import create_app
from tests import clusters
from tools.waiting import until
from web import exposure


@pytest.fixture
def open_app():
    opened = []

    def open_(settings):
        app = create_app(settings)
        opened.append(app)
        app.extensions["pools"].start()
        return app

    yield open_
    for app in opened:
        app.extensions["jobs"].close()
        app.extensions["pools"].close()


def test_healthz_and_the_metrics_tell_of_the_workers(cluster, open_app):
    app = open_app(cluster.settings())
    clusters.ready(app.extensions["pools"], 3)
    told = app.test_client().get("/healthz").get_json()
    assert told["cluster"]["problem"] is None
    assert told["cluster"]["scheduler"] == cluster.address
    assert {worker["name"] for worker in told["cluster"]["workers"]} == {f"worker-{number}" for number in range(3)}
    assert {(worker["devices"], worker["refused"]) for worker in told["cluster"]["workers"]} == {(1, None)}
    assert told["waiting"] == {"videos": 0, "accelerator": 0}
    numbers = app.test_client().get("/metrics").text
    assert 'trendtok_cluster_workers{state="used"} 3.0' in numbers
    assert 'trendtok_cluster_slots{pool="accelerator"} 3.0' in numbers
    assert 'trendtok_waiting_stages{pool="accelerator"} 0.0' in numbers


def test_healthz_says_why_the_cluster_cannot_be_used(nowhere, open_app):
    app = open_app(nowhere)
    assert until(lambda: app.test_client().get("/healthz").get_json()["cluster"])["workers"] == []
    problem = app.test_client().get("/healthz").get_json()["cluster"]["problem"]
    assert problem == f"The cluster at {nowhere.dask_scheduler} cannot be reached"


def test_without_a_cluster_nothing_is_told_of_one(settings, open_app):
    assert "cluster" not in open_app(settings).test_client().get("/healthz").get_json()


@pytest.mark.parametrize("scheduler", ["tcp://10.0.0.5:8786", "tcp://scheduler:8786"])
def test_plain_tcp_to_another_machine_is_open(settings, scheduler):
    told = exposure.still_open(replace(settings, dask_scheduler=scheduler))
    assert any("whoever reaches the scheduler" in line for line in told)


@pytest.mark.parametrize("scheduler", ["tls://10.0.0.5:8786", "tcp://[::1]:8786", "tcp://localhost:8786", ""])
def test_tls_and_a_scheduler_on_this_machine_are_not_open(settings, scheduler):
    told = exposure.still_open(replace(settings, dask_scheduler=scheduler))
    assert not any("DASK_SCHEDULER" in line for line in told)
