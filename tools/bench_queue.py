"""What the queue itself costs: searches whose stages take no time."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pipeline
from core.executors import open_pools
from jobs.queue import Jobs
from pipeline import Query, StageResult
from settings import Settings

SEARCHES = 200
RESULT = StageResult(value={}, engine="instant")


def queue_rows() -> list[tuple[str, float, str]]:
    """Rows of the bench: what was measured, the number, its unit."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings.read({}), data_dir=Path(folder) / "data", generated_dir=Path(folder) / "generated")
        jobs = Jobs(replace(settings, max_queued=SEARCHES), open_pools(settings), _instant)
        try:
            jobs.start()
            first_event = sorted(_seconds_to_first_event(jobs, seed) for seed in range(20))[10]
            a_second = _searches_a_second(jobs)
        finally:
            jobs.close()
    return [
        ("searches through the queue, with instant engines", a_second, "a second"),
        ("from submit to the first event (median)", first_event * 1000, "ms"),
    ]


def _instant(query, _search_id, _folder, _settings, _pools, on_progress, on_result, _earlier):
    for stage in pipeline.stages_of(query):
        on_progress(stage, 1, 1, stage)
        on_result(stage, RESULT)


def _seconds_to_first_event(jobs, seed):
    """From submit until a watcher is told that the search runs."""
    start = time.perf_counter()
    job_id = jobs.submit(Query(("AI",), seed=seed), "bench")
    next(event for event in jobs.events(job_id) if event and event[1]["state"] != "queued")
    seconds = time.perf_counter() - start
    jobs.wait(job_id)
    return seconds


def _searches_a_second(jobs):
    start = time.perf_counter()
    ids = [jobs.submit(Query(("AI",), seed=seed), "bench") for seed in range(100, 100 + SEARCHES)]
    for job_id in ids:
        jobs.wait(job_id)
    return SEARCHES / (time.perf_counter() - start)
