"""The two executors: `videos`, some threads that fetch and read clips, and `accelerator`, one thread a device."""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from settings import Settings


@dataclass(frozen=True)
class Pools:
    videos: Executor
    accelerator: Executor

    def close(self) -> None:
        """Drop what has not started and wait for what has."""
        for pool in (self.videos, self.accelerator):
            pool.shutdown(wait=True, cancel_futures=True)


def open_pools(settings: Settings) -> Pools:
    """Start the executors. Their threads come up with their first task."""
    return Pools(
        videos=ThreadPoolExecutor(settings.video_workers, thread_name_prefix="videos"),
        accelerator=ThreadPoolExecutor(1, thread_name_prefix="accelerator"),
    )
