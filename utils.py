"""Which device, which dtype, how much memory."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from settings import Settings

GIB = 1024**3
SHORT_OF_MEMORY = {"mps": 64 * GIB, "cuda": 6 * GIB}  # below this, attention and decoding go slice by slice
BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # the last is Arm's name
# What oneDNN can be told by its variable ONEDNN_MAX_CPU_ISA, to try what another processor would do.
ISA_WITHOUT_BF16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")


class DeviceError(RuntimeError):
    """DEVICE names a device that is not here. The message is one sentence that a user understands."""


@dataclass(frozen=True)
class Accelerator:
    """A device by torch's name, the dtype its models run in by torch's name, and its free memory in bytes."""

    device: str  # "cuda", "mps" or "cpu"
    dtype: str  # "float16", "bfloat16" or "float32"
    free_memory: int


def accelerator(settings: Settings) -> Accelerator:
    """The device that `settings.device` names, or for `auto` the best one: CUDA, else MPS, else the CPU.

    The device is looked for once, its free memory at each call. Raises DeviceError where the one named is not there.
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


@functools.cache
def _find_device(choice: str) -> str:
    import torch

    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if choice == "auto":
        return next(device for device, available in there.items() if available())
    if not there[choice]():
        raise DeviceError(f"DEVICE={choice}, but PyTorch finds no such device here; set DEVICE=auto or DEVICE=cpu.")
    return choice


@functools.cache
def _dtype(device: str) -> str:
    import torch

    if device != "cpu":
        return "float16"
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in ISA_WITHOUT_BF16:
        return "float32"
    can = torch.cpu.get_capabilities()
    return "bfloat16" if any(can.get(name) for name in BF16_INSTRUCTIONS) else "float32"


def _free_memory(device: str) -> int:
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    if device == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return _available_memory()


def _available_memory() -> int:
    """What programs can still take without swapping: Linux says so, elsewhere half of what is installed is taken."""
    table = Path("/proc/meminfo")
    if not table.exists():
        return _installed_memory() // 2
    lines = dict(line.split(":", 1) for line in table.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def usable_memory() -> int:
    """The memory in bytes that programs here may take: all of the machine's, or what its container is given."""
    limit = Path("/sys/fs/cgroup/memory.max")
    given = limit.read_text().strip() if limit.exists() else "max"
    return min(_installed_memory(), int(given)) if given.isdecimal() else _installed_memory()


def _installed_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
