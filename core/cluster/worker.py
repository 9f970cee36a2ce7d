"""A worker of the cluster: a nanny that starts a process for the stages, and another when that dies."""

import asyncio
import logging
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import utils
from core import memory
from core.cluster import identity
from core.cluster.connection import is_local, security
from settings import Settings

log = logging.getLogger(__name__)

SETUP = "pipeline.cluster_worker"  # what the process imports first
COLD = "--cold"  # tells it to load no models yet
SHARED = 1_000_000  # of the studio's resource: more than a worker ever runs at once
AGAIN = 1.0  # seconds before a lost scheduler is looked for again
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Offer:
    """What a worker is called, and gives: a `device` for models or only processors to read with, memory in bytes.

    Its process is ended, and started anew, where it takes more memory. A `cold` one loads models when it needs them.
    """

    name: str
    device: bool = True
    memory: int | None = None
    cold: bool = False


def run(settings: Settings, offer: Offer) -> None:
    """Work for the scheduler that the settings name until told to stop; a scheduler that is lost is waited for."""
    import dask

    with dask.config.set(_config()):
        asyncio.run(_work(settings, offer))


def default_name() -> str:
    """The machine's name and the process's number."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _config() -> dict[str, Any]:
    """What a nanny is told: else it would keep models to one thread each, and stop a worker whose memory they fill.

    Who sets OMP_NUM_THREADS has as many threads.
    """
    number = os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1
    environment = {name: os.environ.get(name) or number for name in THREADS} | {"MALLOC_ARENA_MAX": memory.ARENAS}
    started = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in environment.items()}
    keep = dict.fromkeys((f"distributed.worker.memory.{name}" for name in ("target", "spill", "pause")), False)
    return started | keep | {"distributed.worker.memory.terminate": 0.97}


def resources(settings: Settings, device: bool) -> dict[str, float]:
    """What the worker offers, as Dask's resources: processors for reading, a device for models, whom it works for."""
    offered: dict[str, float] = {"PROCESSOR": settings.video_workers, identity.resource(settings): SHARED}
    return offered | ({"ACCELERATOR": 1} if device else {})


async def _work(settings: Settings, offer: Offer) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    told = asyncio.create_task(stop.wait())
    folder = settings.data_dir / "dask"
    folder.mkdir(parents=True, exist_ok=True)
    while not stop.is_set():
        log.info("working for %s as %s", settings.dask_scheduler, offer.name)
        nanny = _nanny(settings, offer, folder)
        starting = asyncio.ensure_future(nanny)
        await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and not starting.exception():
            ended = asyncio.create_task(nanny.finished())
            await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        await nanny.close(timeout=3)
        if not stop.is_set():
            log.warning("the scheduler at %s is gone; waiting for it", settings.dask_scheduler)
            await asyncio.wait({told}, timeout=AGAIN)


def _nanny(settings: Settings, offer: Offer, folder: Path) -> Any:
    from distributed import Nanny

    return Nanny(
        settings.dask_scheduler,
        name=offer.name,
        nthreads=settings.video_workers + (1 if offer.device else 0),
        resources=resources(settings, offer.device),
        memory_limit=offer.memory or utils.usable_memory(),
        local_directory=str(folder),
        security=security(settings),
        host="127.0.0.1" if is_local(settings.dask_scheduler) else None,
        preload=[SETUP],
        preload_argv=[[COLD] if offer.cold else []],
    )
