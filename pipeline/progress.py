"""How far a stage is: its parts add up, whichever of them runs first."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core.engines import Report, TakeSound

# (stage, done, total, what), of which `done` may have a fraction. Called from several threads; raises Cancelled when
# the search was called off. With an empty `what` there is nothing new: it is only asked whether to go on.
OnProgress = Callable[[str, float, int, str], None]


def no_progress(stage: str, done: float, total: int, what: str) -> None:
    """An `OnProgress` that nobody reads."""


@dataclass
class _Shared:
    """What all parts of a stage have in common."""

    stage: str
    on_progress: OnProgress
    total: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    shares: dict[tuple[float, float], float] = field(default_factory=dict)
    started: float | None = None
    waits: bool = False


class Progress:
    """The `report` of a stage: called with (done, total, what), it tells how far the whole stage is.

    `total` is how many things the stage counts, clips for instance. Raises Cancelled when the search was called off.
    """

    take_sound: TakeSound | None = None  # see core.engines.sound_taker

    def __init__(self, stage: str, on_progress: OnProgress, total: int = 1):
        self._shared = _Shared(stage, on_progress, total)
        self._start, self._end, self._prefix, self._what = 0.0, 1.0, "", ""

    @classmethod
    def over(cls, report: Report) -> "Progress":
        """The progress of a stage that only its `report` is known of."""
        return cls("", lambda _stage, done, total, what: report(done, total, what), total=100)

    def waits(self, what: str) -> None:
        """Tell, once, that the stage waits, if it has not begun."""
        with self._shared.lock:
            told, self._shared.waits = self._shared.waits or self._shared.started is not None, True
        if not told:
            self._shared.on_progress(self._shared.stage, 0, self._shared.total, what)

    def part(self, start: float, end: float, prefix: str = "", what: str = "") -> "Progress":
        """The progress of a part, from `start` to `end` of this one.

        `prefix` goes before what the part says, `what` in place of it.
        """
        child = Progress.__new__(Progress)
        width = self._end - self._start
        child._shared = self._shared
        child._start, child._end = self._start + width * start, self._start + width * end
        child._prefix, child._what = self._prefix + prefix, what
        return child

    def __call__(self, done: float, total: int, what: str) -> None:
        shared, fraction = self._shared, min(1.0, done / max(total, 1))
        with shared.lock:
            shared.started = shared.started or time.perf_counter()
            span = (self._start, self._end)
            shared.shares[span] = max(shared.shares.get(span, 0.0), fraction)
            reached = sum((end - start) * share for (start, end), share in shared.shares.items())
        shared.on_progress(
            shared.stage, round(reached * shared.total, 2), shared.total, self._prefix + (self._what or what)
        )

    def check(self) -> None:
        """Raise Cancelled when the search was called off; tell nothing."""
        self._shared.on_progress(self._shared.stage, 0, 1, "")

    def seconds(self) -> float:
        """Seconds since the first report: of a stage that had to wait for its device, only those that it ran."""
        return time.perf_counter() - self._shared.started if self._shared.started else 0.0
