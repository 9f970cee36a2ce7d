"""What the studio counts, for Prometheus: searches, stages, the queue, the caches, the services."""

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


def count_stage(stage: str, made: dict) -> None:
    """Count a stage that has ended, by what it has made; see pipeline.Show."""
    STAGES.labels(stage, made["engine"] or "none").observe(made["seconds"])
    WARNINGS.labels(stage).inc(len(made["warnings"]))
    if stage == "videos":
        cached = made.get("cached", 0)
        CLIPS.labels("cache").inc(cached)
        CLIPS.labels("read").inc(len(made["value"]) - cached)


def page(queued: int, running: int) -> tuple[bytes, str]:
    """The metrics in Prometheus text format, memory and processor time of the process included, and its media type."""
    QUEUE.set(queued)
    RUNNING.set(running)
    return generate_latest(), CONTENT_TYPE_LATEST
