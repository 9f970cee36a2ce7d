"""What the process of a cluster's worker does first: says who it is, loads the models, keeps its caches small.

`distributed` imports it as a preload (core/cluster/worker.py).
"""

import logging
import shutil
import threading
import time
from collections.abc import Collection
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import click

from core import logs
from core.cluster import calls, identity
from core.cluster.calls import own_settings
from core.files import FOLDER
from pipeline import health
from settings import Settings

log = logging.getLogger(__name__)

OF_CLIPS = (FOLDER, "texts", "traits")  # under DATA_DIR: their names begin with the SHA-256 of a clip's content
CACHES = (*OF_CLIPS, "videos", "drafts")  # under DATA_DIR: whatever is there can be made again
OF_DRAFTS = (
    "drafts/segments",
    "drafts/pictures",
    "drafts/voice",
)  # the parts of videos, which do not tell what they show
PRUNE_SECONDS = 3600.0
DAY = 86_400  # seconds


@click.command()
@click.option("--cold", is_flag=True)
def dask_setup(worker: Any, cold: bool) -> None:
    """Called by `distributed` before the worker joins its scheduler; with the arguments that its nanny was given."""
    settings = own_settings()
    logs.start(settings)
    worker.startup_information["studio"] = lambda _worker: identity.told(settings)
    calls.on_forget.append(partial(forget, worker, settings))
    device = "ACCELERATOR" in worker.state.total_resources
    for work in (partial(_keep_house, settings), *(() if cold else (partial(health.warm, settings, models=device),))):
        threading.Thread(target=work, daemon=True).start()


def _keep_house(settings: Settings) -> None:
    while True:
        try:
            prune(settings)
        except OSError:
            log.exception("the caches cannot be pruned")
        time.sleep(PRUNE_SECONDS)


def forget(worker: Any, settings: Settings, contents: Collection[str]) -> None:
    """Remove what is kept of clips, by the SHA-256 of their contents. Parts of videos go, unless one is being made."""
    for cache, content in product(OF_CLIPS, contents):
        for path in (settings.data_dir / cache).glob(f"{content}*"):
            path.unlink(missing_ok=True)
    if not worker.state.executing_count:
        for cache in OF_DRAFTS:
            shutil.rmtree(settings.data_dir / cache, ignore_errors=True)


def prune(settings: Settings) -> None:
    """Remove what was not used for KEEP_DAYS, then the oldest until MAX_STORAGE_MB hold; of the caches alone."""
    files = [path for name in CACHES for path in (settings.data_dir / name).rglob("*") if path.is_file()]
    known = sorted(((_used(path), path) for path in files), reverse=True)
    oldest, room = time.time() - settings.keep_days * DAY, settings.max_storage_mb * 1024**2
    for used, path in known:
        room -= path.stat().st_size
        if used < oldest or room < 0:
            path.unlink(missing_ok=True)


def _used(path: Path) -> float:
    return path.stat().st_mtime
