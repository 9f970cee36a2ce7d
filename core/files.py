"""Files that a stage needs and that may lie on another machine: known by their content, kept under `DATA_DIR`."""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = "carried"  # under DATA_DIR


class FileWanted(Exception):
    """A stage needs a file whose content is not on its machine. `digest` is the content's SHA-256, in hex."""

    def __init__(self, digest: str):
        super().__init__(digest)
        self.digest = digest


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine, as it is handed to a stage."""

    path: Path

    @property
    def digest(self) -> str:
        """The SHA-256 of the content, in hex. Raises OSError where it cannot be read."""
        found = self.path.stat()
        return _digest(self.path, found.st_mtime_ns, found.st_size)

    def is_at(self, path: Path | None) -> bool:
        """Whether `path` is this file."""
        return path == self.path

    def here(self) -> Path:
        """Where the file lies on this machine."""
        return self.path


@dataclass(frozen=True)
class CarriedFile:
    """A file of another machine: what a stage there gets in place of a LocalFile. `folder` is where copies are kept."""

    digest: str
    suffix: str
    folder: Path

    def is_at(self, path: Path | None) -> bool:
        """Whether the file at `path` has the same content."""
        return path is not None and LocalFile(path).digest == self.digest

    def here(self) -> Path:
        """Where the copy lies. Raises FileWanted where there is none."""
        path = self.folder / f"{self.digest}{self.suffix}"
        if not path.is_file():
            raise FileWanted(self.digest)
        path.touch()  # what was not used for long is removed first
        return path

    def keep(self, content: bytes) -> None:
        """Keep a copy; whoever looks meanwhile finds all of it or nothing. Raises ValueError for other content."""
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise ValueError(f"the content of {self.digest} arrived damaged")
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".part-", delete=False) as file:
            file.write(content)
        Path(file.name).replace(self.folder / f"{self.digest}{self.suffix}")


File = LocalFile | CarriedFile


def suffix_of(path: Path) -> str:
    """The path's suffix, where it is a plain one."""
    return path.suffix.lower() if re.fullmatch(r"\.\w{1,8}", path.suffix) else ""


@lru_cache(maxsize=1024)
def _digest(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
