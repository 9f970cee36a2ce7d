"""What the studio counts, for Prometheus: searches, stages, the queue, the caches, the services."""

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

SEARCHES = Counter("trendtok_searches", "Searches that ended.", ["outcome"])
REFUSED = Counter("trendtok_searches_refused", "Searches refused because the queue was full.")
STAGES = Histogram(
    "trendtok_stage_seconds",
    "Seconds a stage took.",
    ["stage", "engine"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
WARNINGS = Counter("trendtok_stage_warnings", "Warnings that a stage left: what failed and what is missing.", ["stage"])
FAILURES = Counter("trendtok_engine_failures", "Engines and services that did not answer.", ["stage", "engine"])
CLIPS = Counter("trendtok_clips", "Clips of searches, from the cache or read anew.", ["origin"])
QUEUE = Gauge("trendtok_queued_searches", "Searches that wait for their turn.")
RUNNING = Gauge("trendtok_running_searches", "Searches that run now.")

WAITING = Gauge("trendtok_waiting_stages", "Stages that wait for a processor or a device.", ["pool"])
BUSY = Gauge("trendtok_running_stages", "Stages, or batches of them, that run now.", ["pool"])
WORKERS = Gauge("trendtok_cluster_workers", "Workers of the cluster, by whether they are used.", ["state"])
DEVICES = Gauge("trendtok_cluster_slots", "Stages that the cluster's workers can run at once.", ["pool"])


def count_stage(stage: str, engine: str | None, seconds: float, warnings: int, clips: int = 0, cached: int = 0) -> None:
    """Count a stage that has ended: how long its engine took, its warnings, and its clips, some of them cached."""
    STAGES.labels(stage, engine or "none").observe(seconds)
    WARNINGS.labels(stage).inc(warnings)
    CLIPS.labels("cache").inc(cached)
    CLIPS.labels("read").inc(clips - cached)


def set_pools(loads: Mapping[str, tuple[int, int]]) -> None:
    """Note of each pool how many stages wait and how many run."""
    for pool, (waiting, running) in loads.items():
        WAITING.labels(pool).set(waiting)
        BUSY.labels(pool).set(running)


def set_cluster(used: int, refused: int, slots: Mapping[str, int]) -> None:
    """Note who works on the cluster, and how many stages of each pool they can run at once."""
    WORKERS.labels("used").set(used)
    WORKERS.labels("refused").set(refused)
    for pool, number in slots.items():
        DEVICES.labels(pool).set(number)


def page(queued: int, running: int) -> tuple[bytes, str]:
    """The metrics in Prometheus text format, memory and processor time of the process included, and its media type."""
    QUEUE.set(queued)
    RUNNING.set(running)
    return generate_latest(), CONTENT_TYPE_LATEST
