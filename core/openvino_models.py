"""What OpenVINO runs: quantised models, on a processor. The package is optional.

`python init.py` makes a file once; loading reads it. It lies under DATA_DIR, in a folder named by the weights that it
was made of, so that it is never run in place of others.
"""

import hashlib
import importlib.util
import json
import logging
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from settings import Settings

M = TypeVar("M")

PACKAGE, QUANTISER = "openvino", "nncf"
FOLDER = "quantised"  # under DATA_DIR
MEASURED = "measured.json"  # beside a model: what init.py measured of it
INT8_INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "amx_int8")


def is_installed(*packages: str) -> bool:
    """Whether packages, OpenVINO where none is named, are there; none is imported."""
    return all(importlib.util.find_spec(name) is not None for name in packages or (PACKAGE,))


def can_quantise() -> bool:
    """Whether 8 bits can be of use here: OpenVINO, NNCF, and a processor that multiplies them."""
    import torch

    can = torch.cpu.get_capabilities()
    return is_installed(PACKAGE, QUANTISER) and any(map(can.get, INT8_INSTRUCTIONS))


def package() -> Any:
    """The package, kept from reporting its use: it and NNCF do so by a package whose import is refused here."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


def quantiser() -> Any:
    """NNCF, which tells errors alone. Its own `set_log_level` would reach what others log by."""
    package()
    import nncf

    logging.getLogger(QUANTISER).setLevel(logging.ERROR)
    return nncf


def convert(module: Any, example: Any, shapes: Any) -> Any:
    """A module of PyTorch as a model of OpenVINO, traced with the inputs `example`; `shapes` are those it takes then.

    The converter silences the root logger: what was set there is set again.
    """
    root = logging.getLogger()
    level, filters, handlers = root.level, list(root.filters), list(root.handlers)
    try:
        return package().convert_model(module, example_input=example, input=shapes)
    finally:
        root.setLevel(level)
        root.filters[:], root.handlers[:] = filters, handlers


def folder_for(settings: Settings, weights: Iterable[Path]) -> Path:
    """Where what is made of files of weights lies or will lie; of other or changed files it is another folder."""
    files = sorted((str(file), (found := file.stat()).st_size, found.st_mtime_ns) for file in weights)
    return settings.data_dir / FOLDER / hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]


def read_measured(folder: Path, kind: type[M]) -> M | None:
    """What was measured of the model in a folder, a dataclass of numbers; None where nothing readable lies there."""
    try:
        return kind(**{name: float(value) for name, value in json.loads((folder / MEASURED).read_text()).items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def write_measured(folder: Path, measured: Any) -> None:
    """Keep what was measured, for `read_measured`."""
    (folder / MEASURED).write_text(json.dumps(asdict(measured), indent=1))


def save(folder: Path, models: Mapping[str, Any]) -> None:
    """Write models by file name (.xml, the weights beside it), all or none; what lay in the folder goes."""
    part = folder.with_suffix(".part")
    for old in (part, folder):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    for name, model in models.items():
        package().save_model(model, part / name)
    part.rename(folder)


def options() -> dict[str, Any]:
    """How a model is compiled here: for one call at a time, on as many threads as PyTorch takes."""
    import torch

    return {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
