"""A stage's call on its way: packed by the studio as plain data, unpacked and run by a worker.

Settings are not sent, since they hold secrets: the worker takes its own. Of a `report` its ticket is sent, of a local
file its digest.
"""

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from core.cluster import identity
from core.engines import Cancelled, Report
from core.files import FOLDER, CarriedFile, LocalFile, suffix_of
from settings import Settings

QUIET = 0.2  # seconds between two messages of one report
MANY = 10_000  # calls that were called off, and files to forget, that are remembered


@dataclass(frozen=True)
class Ticket:
    """Stands for a `report` of the studio: what is told goes to `topic`, under this id."""

    id: str
    topic: str


@dataclass(frozen=True)
class OwnSettings:
    """Stands for the settings: the worker's own, but for these fields."""

    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Stands for a file of the studio, by its content."""

    digest: str
    suffix: str


@dataclass
class Packed:
    """A call's arguments as plain data; by their tickets the reports in it, by their digests the files."""

    arguments: Any
    reports: dict[str, Report] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a call returned. `fits` is how many such calls the worker could run as one batch, where it can tell."""

    value: Any
    fits: int | None = None


def pack(arguments: Sequence[Any], settings: Settings, topic: str) -> Packed:
    """Pack a call's arguments. Raises OSError where a file cannot be read."""
    packed = Packed(None)
    packed.arguments = _pack(tuple(arguments), packed, settings, topic)
    return packed


def _pack(value: Any, packed: Packed, settings: Settings, topic: str) -> Any:
    if isinstance(value, Settings):
        return OwnSettings(_changes(value, settings))
    if isinstance(value, LocalFile):
        wanted = Wanted(value.digest, suffix_of(value.path))
        packed.files[wanted.digest] = value.path
        return wanted
    if type(value) in (list, tuple):
        return type(value)(_pack(one, packed, settings, topic) for one in value)
    if callable(value):
        ticket = Ticket(secrets.token_hex(8), topic)
        packed.reports[ticket.id] = value
        return ticket
    return value


def _changes(value: Settings, settings: Settings) -> dict[str, Any]:
    """What a job has chosen otherwise than its studio, of what a stage depends on."""
    if value is settings:
        return {}
    names = {option.name for option in fields(Settings)} - identity.OWN - identity.SECRETS
    return {name: getattr(value, name) for name in names if getattr(value, name) != getattr(settings, name)}


def run_call(function: Callable[..., Any], arguments: Any, sent: Sequence[Wanted], *contents: bytes) -> Outcome:
    """Run a packed call; on a worker. `contents` are the files of `sent`, which are kept."""
    from distributed import get_worker

    worker = get_worker()
    key, settings = worker.get_current_task(), own_settings()
    for wanted, content in zip(sent, contents, strict=True):
        _carried(wanted, settings).keep(content)
    unpacked = _unpack(arguments, settings, lambda ticket: _Report(worker, key, ticket))
    value = function(*unpacked)
    spec = getattr(function, "batch", None)
    return Outcome(value, spec.max_size(*unpacked) if spec else None)


@cache
def own_settings() -> Settings:
    """The worker's own settings."""
    return Settings.read()


def _unpack(value: Any, settings: Settings, report: Callable[[Ticket], Report]) -> Any:
    if isinstance(value, OwnSettings):
        return replace(settings, **value.changes) if value.changes else settings
    if isinstance(value, Wanted):
        return _carried(value, settings)
    if isinstance(value, Ticket):
        return report(value)
    if type(value) in (list, tuple):
        return type(value)(_unpack(one, settings, report) for one in value)
    return value


def _carried(wanted: Wanted, settings: Settings) -> CarriedFile:
    return CarriedFile(wanted.digest, wanted.suffix, settings.data_dir / FOLDER)


class _Report:
    """A stage's `report` on a worker: tells the studio a few times a second, and raises Cancelled when called off.

    A stage is called off by its ticket, or as a whole: then its task is cancelled, or its worker is closing.
    """

    def __init__(self, worker: Any, key: str, ticket: Ticket):
        self._worker, self._key, self._ticket, self._told = worker, key, ticket, 0.0

    def __call__(self, done: float, total: int, what: str) -> None:
        task = self._worker.state.tasks.get(self._key)
        gone = task is None or task.state == "cancelled" or self._worker.status.name != "running"
        if gone or self._ticket.id in _called_off:
            raise Cancelled
        now = time.monotonic()
        if what and now - self._told >= QUIET:
            self._told = now
            news = {"ticket": self._ticket.id, "done": float(done), "total": int(total), "what": what}
            self._worker.log_event(self._ticket.topic, news)


_called_off: dict[str, None] = {}  # by ticket; the newest MANY


def call_off(tickets: Collection[str]) -> None:
    """Note calls that were called off; on a worker."""
    remember(_called_off, tickets)


def remember(known: dict[str, None], names: Collection[str]) -> None:
    """Add names to those that are known, of which the newest MANY are."""
    known.update(dict.fromkeys(names))
    while len(known) > MANY:
        del known[next(iter(known))]


on_forget: list[Callable[[Collection[str]], None]] = []  # what this worker does to forget files


def forget(contents: Collection[str]) -> None:
    """Remove what is kept of files, by their digests; on a worker."""
    for work in on_forget:
        work(contents)
