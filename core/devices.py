"""The device that an engine runs on: found, or said to be missing; and what to do when its memory does not suffice."""

import gc
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import utils
from core import loading
from core.engines import EngineError
from settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # how the devices word it


def accelerator(settings: Settings) -> utils.Accelerator:
    """As `utils.accelerator`; a device that is not here is an EngineError, so that the next engine answers."""
    try:
        return utils.accelerator(settings)
    except utils.DeviceError as error:
        raise EngineError(str(error)) from None


def with_memory_saved(work: Callable[[], T], save: Callable[[], object]) -> T:
    """Return `work()`. Where the device runs out of memory, let other models go, call `save()` and try once more.

    `save` makes the next try need less: slices switched on, a smaller batch. Raises EngineError when it does not
    suffice; any other exception goes through.
    """
    prepares: tuple[Callable[[], object], ...] = (lambda: None, save)
    for prepare in prepares:
        prepare()
        try:
            return work()
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            log.warning("out of memory: %s", error)
        # Only here, after the block, is the exception gone, and with it the tensors that its frames held.
        loading.release_others()
        free_caches()
    raise EngineError("There is not enough memory for the model; close other programs or set LOW_MEMORY=1.")


def room(settings: Settings, folder: Path | None) -> loading.Room:
    """What loading the checkpoint in a folder needs of the device's memory: as much as its weights take on disk."""
    files = folder.rglob("*.safetensors") if folder else ()
    return loading.Room(sum(file.stat().st_size for file in files), lambda: _free_now(settings))


def _free_now(settings: Settings) -> int:
    free_caches()
    return accelerator(settings).free_memory


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch says that a device has no memory left; only CUDA's has a type of its own."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY)


def free_caches() -> None:
    """Give back the memory that torch keeps for later."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
