"""Which device, which dtype, how much memory; and what to do when the memory does not suffice."""

import functools
import gc
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines import EngineError
from settings import ROOT, Settings

log = logging.getLogger(__name__)

GIB = 1024**3
SHORT_OF_MEMORY = {"mps": 64 * GIB, "cuda": 6 * GIB}  # below this, attention and decoding go slice by slice
BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # the last is Arm's name
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # how the devices word it


@dataclass(frozen=True)
class Accelerator:
    """A device by torch's name, the dtype its models run in by torch's name, and its free memory in bytes."""

    device: str  # "cuda", "mps" or "cpu"
    dtype: str  # "float16", "bfloat16" or "float32"
    free_memory: int


def accelerator(settings: Settings) -> Accelerator:
    """The device that `settings.device` names, or for `auto` the best one: CUDA, else MPS, else the CPU.

    The device is looked for once, its free memory at each call. Raises EngineError where the one named is not there.
    """
    device = _find_device(settings.device)
    return Accelerator(device, _dtype(device), _free_memory(device))


def low_memory(settings: Settings) -> bool:
    """Whether to trade speed for memory: `LOW_MEMORY=1`, a Mac with less than 64 GiB, or CUDA with under 6 GiB free.

    Ask before a model is loaded: the model itself takes of what is free. The Mac's limit is the one that the
    documentation of diffusers gives for attention slicing.
    """
    found = accelerator(settings)
    memory = _installed_memory() if found.device == "mps" else found.free_memory
    return settings.low_memory or memory < SHORT_OF_MEMORY.get(found.device, 0)


def with_memory_saved(work: Callable[[], object], save: Callable[[], object]):
    """Return `work()`. Where the device runs out of memory, free its caches, call `save()` and try once more.

    `save` makes the next try need less: slices switched on, a smaller batch. Raises EngineError when it does not
    suffice; any other exception goes through.
    """
    for prepare in (lambda: None, save):
        prepare()
        try:
            return work()
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            log.warning("out of memory: %s", error)
        # Only here, after the block, is the exception gone, and with it the tensors that its frames held.
        free_caches()
    raise EngineError("There is not enough memory for the model; close other programs or set LOW_MEMORY=1.")


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


@functools.cache
def _find_device(choice):
    import torch

    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available, "cpu": lambda: True}
    if choice == "auto":
        return next(device for device, available in there.items() if available())
    if not there[choice]():
        raise EngineError(f"DEVICE={choice}, but PyTorch finds no such device here; set DEVICE=auto or DEVICE=cpu.")
    return choice


@functools.cache
def _dtype(device):
    import torch

    if device != "cpu":
        return "float16"
    can = torch.cpu.get_capabilities()
    return "bfloat16" if any(can.get(name) for name in BF16_INSTRUCTIONS) else "float32"


def _free_memory(device):
    import torch

    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    if device == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return _available_memory()


def _available_memory():
    """What programs can still take without swapping: Linux says so, elsewhere half of what is installed is taken."""
    table = Path("/proc/meminfo")
    if not table.exists():
        return _installed_memory() // 2
    lines = dict(line.split(":", 1) for line in table.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _installed_memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@dataclass(frozen=True)
class Checkpoint:
    """A repository of the model hub: the revision that was tested, the files to fetch, and what loading needs of them.

    `files` may have wildcards. `needed` holds groups of names: a file of each group must be there. `instead` holds
    pairs: what to fetch of another repository that lacks the first.
    """

    repository: str
    revision: str
    files: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]
    instead: tuple[tuple[str, str], ...] = ()


def checkpoint_folder(model: str, checkpoint: Checkpoint) -> Path | None:
    """The folder that holds what `checkpoint` needs for a model given by hub id or local folder, or None.

    Nothing is downloaded. Of the tested repository only the tested revision counts, of any other one `main`.
    """
    folder = local_folder(model) or _in_hub_cache(model, checkpoint)
    there = folder and all(any((folder / name).is_file() for name in group) for group in checkpoint.needed)
    return folder if there else None


def local_folder(model: str) -> Path | None:
    """The folder that a model is given by, relative to the project; None where there is none."""
    try:
        folder = ROOT / Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # a name too long for a file, or a home of nobody
        return None


def _in_hub_cache(model, checkpoint):
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    revision = checkpoint.revision if model == checkpoint.repository else None
    try:
        path = try_to_load_from_cache(model, checkpoint.needed[0][0], revision=revision)
    except HFValidationError:  # a path that does not exist, rather than a hub id
        return None
    return Path(path).parent if isinstance(path, str) else None
