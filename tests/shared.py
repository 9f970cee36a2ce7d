"""Folders that every process of a test run uses and none changes, made by whoever needs them first."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

_folder: Path | None = None


def keep_in(folder: Path) -> None:
    """Where the folders of this run are: the same place for all of its processes."""
    global _folder  # noqa: PLW0603 set once, by the session
    _folder = folder
    folder.mkdir(exist_ok=True)


def once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder with this name; `make`, given its path, makes and fills it in the first process that asks for it."""
    assert _folder is not None, "tests/conftest.py says where"
    folder = _folder / name
    with (_folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = _folder / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(folder)
    return folder


def fonts() -> Path:
    """The folder of the captions' font, which takes seconds to make."""
    from animate_text import fonts as caption_fonts

    return once("fonts", caption_fonts.warm)


def readings(data_dir: Path) -> None:
    """Have a studio keep what it reads and measures of clips where others find it: for tests of what comes after."""
    assert _folder is not None, "tests/conftest.py says where"
    data_dir.mkdir(parents=True, exist_ok=True)
    for name in ("texts", "traits"):
        kept = _folder / name
        kept.mkdir(exist_ok=True)
        if not (data_dir / name).is_symlink():
            (data_dir / name).symlink_to(kept)
