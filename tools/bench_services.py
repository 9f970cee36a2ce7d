"""How far a search overlaps its calls to outside services: loopback servers that answer 300 ms late."""

import sys
import tempfile
import time
from pathlib import Path

import pipeline
import tiktok_to_text
from core.executors import open_pools
from tools.services import together

DELAY = 0.3  # seconds


def service_rows() -> list[tuple[str, float]]:
    """Seconds of a search over three clips with slow services, and the sum of its calls' own delays."""
    with tempfile.TemporaryDirectory() as folder, together.running(Path(folder)) as (services, environment):
        settings = together.settings_of(environment)
        tiktok_to_text.warm(settings)
        for service in services:
            service.delay = DELAY
        pools = open_pools(settings)
        start = time.perf_counter()
        result = pipeline.search(pipeline.Query(("Garlic",), 5), "bench", Path(folder) / "made", settings, pools)
        seconds = time.perf_counter() - start
        pools.close()
        if result.warnings:
            sys.exit(f"The services were not used: {result.warnings}")
        calls = sum(len(service.requests) for service in services)
        return [
            (f"a search whose {calls} calls to services take 300 ms each", seconds),
            ("  the sum of these calls", calls * DELAY),
        ]
