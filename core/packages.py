"""Where the files of an installed package lie."""

from importlib.util import find_spec
from pathlib import Path


def package_folder(name: str) -> Path:
    """The folder of a package, which is not imported for it. Raises ModuleNotFoundError where it is not installed."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: see requirements.txt", name=name)
    return Path(spec.origin).parent
