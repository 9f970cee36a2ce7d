"""What the studio counts, for Prometheus: searches, stages, the queue, the caches, the services."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

SEARCHES = Counter("trendtok_searches_total", "Searches that ended.", ["outcome"])
REFUSED = Counter("trendtok_searches_refused_total", "Searches refused because the queue was full.")
STAGES = Histogram(
    "trendtok_stage_seconds",
    "Seconds a stage took.",
    ["stage", "engine"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
FAILURES = Counter(
    "trendtok_engine_warnings_total", "Warnings that a stage left, failed services among them.", ["stage"]
)
CLIPS = Counter("trendtok_clips_total", "Clips read, by where their text came from.", ["origin"])
QUEUE = Gauge("trendtok_queued_searches", "Searches that wait for their turn.")
RUNNING = Gauge("trendtok_running_searches", "Searches that run now.")


def page(queued: int, running: int) -> tuple[bytes, str]:
    """The metrics in Prometheus text format, memory and processor time of the process included, and its media type."""
    QUEUE.set(queued)
    RUNNING.set(running)
    return generate_latest(), CONTENT_TYPE_LATEST
