"""Fetches models from the hub into its own cache: only the files that are used, of the revisions that were tested.

What lies there has the hub's layout, so that its library finds it. A download that breaks off goes on where it stopped.
"""

import functools
import hashlib
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from core.checkpoints import Checkpoint, local_folder
from core.engines import EngineError

MB, GB = 1000**2, 1000**3
SPARE_DISK = GB  # bytes that a download leaves free
FIRST_LOOK = 5  # seconds until a hub that says nothing counts as out of reach
PATIENCE = 15  # seconds for the list of a repository's files
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # git's SHA-1 of a small file, the SHA-256 of a large one
Sha1 = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

ELSEWHERE = "update the studio, or name another repository or a folder in the settings."
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN."
AGAIN = "Run python init.py again to go on."
CHECK_NETWORK = "Is there a login page or a proxy in between, or is HF_ENDPOINT set?"

say = functools.partial(print, flush=True)  # at once, also where the output goes to a log


def warn(line: object) -> None:
    print(line, file=sys.stderr, flush=True)


class _Large(BaseModel, from_attributes=True):
    sha256: Sha256


class _Listed(BaseModel, from_attributes=True):
    """A file as the hub lists it; `lfs` is set where it is kept outside git."""

    rfilename: str
    size: int  # bytes
    blob_id: Sha1
    lfs: _Large | None = None


class _Repository(BaseModel, from_attributes=True):
    sha: str
    siblings: list[_Listed]


@dataclass(frozen=True)
class File:
    """A file of a repository and its places in the hub's cache: `blob`, named by its hash, and `link`, by its name."""

    name: str
    size: int  # bytes
    blob: Path
    link: Path
    large: bool  # kept outside git, and its hash a SHA-256

    @property
    def partial(self) -> Path:
        return self.blob.with_name(f"{self.blob.name}.incomplete")

    @property
    def here(self) -> bool:
        return self.link.exists() or self.blob.exists()

    @property
    def missing(self) -> int:
        """Bytes that are not here yet."""
        if self.here:
            return 0
        return max(0, self.size - (self.partial.stat().st_size if self.partial.exists() else 0))


@dataclass(frozen=True)
class Plan:
    """What is to be fetched of a repository. `revision` is None for a branch that may move: `main`."""

    model: str
    revision: str | None
    commit: str
    files: Sequence[File]

    @property
    def missing(self) -> int:
        return sum(file.missing for file in self.files)


def download(sources: Mapping[str, Checkpoint]) -> None:
    """Fetch what is missing of these models into the hub's cache. What fails is said, and the rest is fetched."""
    remote = {model: checkpoint for model, checkpoint in sources.items() if local_folder(model) is None}
    plans = []
    if not remote:
        return
    with failures_said():
        look_for_hub()
        for model, checkpoint in remote.items():
            with failures_said():
                plans.append(plan(model, checkpoint))
        announce(plans)
        for each in plans:
            with failures_said():
                fetch(each)


@contextmanager
def failures_said() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        warn(error)


def look_for_hub() -> None:
    """Ask the hub for a sign of life, so that a machine without a network learns so within seconds, and once."""
    from huggingface_hub import constants, get_session

    with hub_errors(f"The hub, {constants.ENDPOINT}"):
        get_session().head(constants.ENDPOINT, timeout=FIRST_LOOK, follow_redirects=False)


def plan(model: str, checkpoint: Checkpoint) -> Plan:
    """Ask the hub which of a model's files to fetch. Raises EngineError where it does not say."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    revision = checkpoint.revision if model == checkpoint.repository else None
    with hub_errors(model):
        with library_errors():
            answer = HfApi().model_info(model, revision=revision, files_metadata=True, timeout=PATIENCE)
        about = _Repository.model_validate(answer)
    there = {file.rfilename: file for file in about.siblings}
    cache = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=model, repo_type="model")
    snapshot = cache / "snapshots" / about.sha
    files = []
    for name in choose_files(list(there), checkpoint):
        file = there[name]
        content = file.lfs.sha256 if file.lfs else file.blob_id
        files.append(File(name, file.size, cache / "blobs" / content, snapshot / name, large=file.lfs is not None))
    return Plan(model, revision, about.sha, files)


def choose_files(names: Sequence[str], checkpoint: Checkpoint) -> list[str]:
    """Those of a repository's files that are used: no second format, no second precision."""
    instead = [other for name, other in checkpoint.instead if name not in names]
    patterns = (*checkpoint.files, *instead)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def announce(plans: Sequence[Plan]) -> None:
    """Say how much is to be downloaded. Raises EngineError where the disk has no room for all of it."""
    missing = sum(each.missing for each in plans)
    if not missing:
        return
    from huggingface_hub.constants import HF_HUB_CACHE

    say(f"To download into {HF_HUB_CACHE}:")
    for each in plans:
        whole = sum(file.size for file in each.files)
        rest = in_words(each.missing) if each.missing == whole else f"{in_words(each.missing)} of {in_words(whole)}"
        say(f"  {each.model}: {rest if each.missing else 'all here'}")
    say(f"  {in_words(missing)} in all")
    check_disk(missing)


def in_words(size: int) -> str:
    return f"{size / GB:.2f} GB" if size >= GB else f"{size / MB:.1f} MB"


def check_disk(size: int) -> None:
    """Raise EngineError where the disk of the hub's cache has no room for so many bytes."""
    from huggingface_hub.constants import HF_HUB_CACHE

    cache = Path(HF_HUB_CACHE)
    with hub_errors(f"{cache}"):
        cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if free < size + SPARE_DISK:
        raise EngineError(
            f"{in_words(size + SPARE_DISK)} must be free in {cache}, and {in_words(free)} are: nothing is downloaded. "
            "Free some space, set HF_HOME to a folder on another disk, or fetch less with --only."
        )


def fetch(each: Plan) -> None:
    """Download what is missing of a model. Raises EngineError where that fails; what has come is kept."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    with hub_errors(each.model):
        for file in each.files:
            if file.large and not file.here:
                fetch_large(each, file)
        with disable_progress_bars(), library_errors():  # what is left is small, and this bar is drawn into logs too
            snapshot_download(each.model, revision=each.revision, allow_patterns=[file.name for file in each.files])


def fetch_large(each: Plan, file: File) -> None:
    """Download a file into its place in the cache, from where an earlier download of it stopped.

    The hub's library, by Xet or not, throws away what it has of a file when it is stopped, and one of these files has
    2.4 GB. What lies in this place it takes as downloaded.
    """
    from httpx2 import ReadError
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    address = hf_hub_url(each.model, file.name, revision=each.commit)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    repository = file.blob.parents[1]
    lock = repository.with_name(".locks") / repository.name / f"{file.blob.name}.lock"  # where the library has it
    for folder in (file.blob.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    say(f"{each.model}: fetching {file.name}, {in_words(file.missing)}")
    with WeakFileLock(lock, timeout=1), file.partial.open("ab") as content:
        if content.tell() > file.size:
            content.seek(0)
            content.truncate()
        while content.tell() < file.size:
            before = content.tell()
            try:
                http_get(
                    address,
                    content,
                    resume_size=before,
                    headers=headers,
                    expected_size=file.size,
                    displayed_filename=file.name,
                )
            except ReadError:  # a reset, after which http_get does not go on by itself as it does after a time-out
                if content.tell() == before:
                    raise
        file.partial.rename(file.blob)


@contextmanager
def hub_errors(subject: str) -> Iterator[None]:
    """Turn what the hub's library raises into an EngineError about `subject` that says what to do."""
    from filelock import Timeout
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise EngineError(f"{subject} is neither a folder here nor the name of a repository of the hub.") from error
    except errors.GatedRepoError as error:
        raise EngineError(f"{subject} is open only to who has agreed to its terms on the hub: {LOG_IN}") from error
    except errors.RevisionNotFoundError as error:
        raise EngineError(f"The revision of {subject} that was tested is gone; {ELSEWHERE}") from error
    except errors.HfHubHTTPError as error:
        raise EngineError(f"{subject} {_meaning(error.response.status_code)}") from error
    except Timeout as error:
        raise EngineError(f"{subject} is being downloaded by another program; wait for that one.") from error
    except (HTTPError, errors.OfflineModeIsEnabled) as error:
        raise EngineError(f"{subject}: no connection ({_first_line(error)}). {AGAIN}") from error
    except OSError as error:
        raise EngineError(f"{subject}: {_first_line(error)} {AGAIN}") from error
    except ValueError as error:
        raise EngineError(f"{subject}: the answer is none of the hub's. {CHECK_NETWORK}") from error


@contextmanager
def library_errors() -> Iterator[None]:
    """Turn what the hub's library raises over an answer of another shape into a ValueError; for its calls alone."""
    try:
        yield
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError from error


def _meaning(status: int) -> str:
    if status in (401, 403, 404):
        return f"is not on the hub, or not open to you (HTTP {status}). If it is there, {LOG_IN}"
    if status == 429:
        return "cannot be had for now: the hub asks to wait (HTTP 429). Try again in some minutes."
    return f"cannot be had for now: the hub failed (HTTP {status}). Try again later."


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def verify(folder: Path) -> None:
    """Compare each file of a folder in the hub's cache with the hash that it is kept under.

    Raises EngineError where one is damaged; it is removed, so that the next download fetches it.
    """
    damaged = [path for path in sorted(folder.rglob("*")) if path.is_symlink() and path.is_file() and not whole(path)]
    for path in damaged:
        blob = path.parent / path.readlink()
        # A cache may hold a content once for several repositories, with the blob as a link to it.
        for place in (blob.resolve(), blob, path):
            place.unlink(missing_ok=True)
    if damaged:
        names = ", ".join(str(path.relative_to(folder)) for path in damaged)
        raise EngineError(f"{names}: damaged, and now removed. Run python init.py again to fetch it.")


def whole(path: Path) -> bool:
    """Whether a link into the hub's cache leads to content of the right hash; True where its name is no hash."""
    name = path.readlink().name
    if not HASH.fullmatch(name):
        return True
    with path.open("rb") as file:
        if len(name) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest() == name
        content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == name
