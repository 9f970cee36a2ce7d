"""What the studio says of itself: whether it can work, its numbers, its description.

What the first page does without is imported when it is needed, so that the page is up before.
"""

from dataclasses import asdict
from http import HTTPStatus
from typing import cast

from flask import abort, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from core import metrics
from core.cluster.connection import Connection
from web import client
from web.answers import ClusterHealth, ClusterWorker, Health
from web.routes.blueprint import executors, queue, settings, studio


@studio.get("/healthz")
def healthz() -> ResponseReturnValue:
    stopping = queue().stopping()
    status = HTTPStatus.SERVICE_UNAVAILABLE if stopping else HTTPStatus.OK
    told = Health(status="stopping" if stopping else "ok")
    if _may_look_inside():
        from pipeline import health

        pools = executors()
        told["engines"] = health.engine_states(settings())
        told["waiting"] = {pool: waiting for pool, (waiting, _) in pools.loads().items()}
        if pools.cluster:
            told["cluster"] = _cluster(pools.cluster)
    return jsonify(told), status


@studio.get("/openapi.json")
def describe_interface() -> ResponseReturnValue:
    from web import openapi

    return jsonify(openapi.document())


@studio.get("/docs")
def docs() -> str:
    """The description as a page."""
    from web import reference

    return render_template("docs.html", operations=reference.operations(), schemas=reference.schemas())


@studio.get("/metrics")
def show_metrics() -> ResponseReturnValue:
    if not _may_look_inside():
        abort(404)
    pools = executors()
    metrics.set_pools(pools.loads())
    if pools.cluster:
        there = pools.cluster.workers()
        refused = sum(worker.refused is not None for worker in there)
        slots = {"videos": pools.cluster.capacity("PROCESSOR"), "accelerator": pools.cluster.capacity("ACCELERATOR")}
        metrics.set_cluster(len(there) - refused, refused, slots)
    text, media_type = metrics.page(*queue().load())
    return current_app.response_class(text, content_type=media_type)


def _cluster(connection: Connection) -> ClusterHealth:
    problem = None if connection.capacity("PROCESSOR") and connection.capacity("ACCELERATOR") else connection.reason()
    return {
        "scheduler": settings().dask_scheduler,
        "problem": problem,
        "dashboard": connection.dashboard or None,
        "workers": [cast(ClusterWorker, asdict(worker)) for worker in connection.workers()],
    }


def _may_look_inside() -> bool:
    """What the studio is made of is told on its own machine and to who has a key."""
    return client.is_local(request) or client.key() is not None
