"""Checkpoints of the model hub: which files a model needs, and where they lie on this machine."""

from dataclasses import dataclass
from pathlib import Path

from settings import ROOT


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


def named_revision(model: str) -> tuple[str, str | None]:
    """The hub id and the revision of a model that is given as `id@revision`; of any other, what is given, and None."""
    name, _, revision = model.rpartition("@")
    return (name, revision) if name and revision and local_folder(model) is None else (model, None)


def local_folder(model: str) -> Path | None:
    """The folder that a model is given by, relative to the project; None where there is none."""
    try:
        folder = ROOT / Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # a name too long for a file, or a home of nobody
        return None


def _in_hub_cache(model: str, checkpoint: Checkpoint) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    revision = checkpoint.revision if model == checkpoint.repository else None
    try:
        path = try_to_load_from_cache(model, checkpoint.needed[0][0], revision=revision)
    except HFValidationError:  # a path that does not exist, rather than a hub id
        return None
    return Path(path).parent if isinstance(path, str) else None
