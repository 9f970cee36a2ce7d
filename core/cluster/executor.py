"""One kind of stages on the cluster, as an executor: a stage that was lost on the way is run again."""

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.cluster.calls import Outcome, Packed, Wanted, pack, run_call
from core.cluster.connection import Connection
from core.engines import Cancelled, EngineError
from core.executors import ClusterLost, StageLost
from core.files import FileWanted, suffix_of

log = logging.getLogger(__name__)

AGAIN = 3  # times that a stage is run again whose worker died
GRACE = 3.0  # seconds in which the scheduler tells of that; then a stage whose worker is gone counts as lost


@dataclass(eq=False)
class _Stage:
    """A call under way. `files` are those that go along; `called_off` are tickets."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    packed: Packed
    future: Future[Any] = field(default_factory=Future)
    running: Any = None  # a distributed.Future
    worker: str | None = None  # the address of who runs it
    there_at: float = 0.0  # when that was last known to be there, by time.monotonic
    files: dict[str, Any] = field(default_factory=dict)
    called_off: set[str] = field(default_factory=set)
    deaths: int = 0  # of workers that were running it
    unsent: int = 0  # times that it could not be sent to a cluster that was there
    stranded_at: float = 0.0  # by time.monotonic

    def name(self) -> str:
        function = getattr(self.function, "func", self.function)
        return str(getattr(function, "__name__", "stage")).strip("_")

    def label(self) -> str:
        """The name with that of its module: what the scheduler's dashboard shows."""
        function = getattr(self.function, "func", self.function)
        return f"{str(getattr(function, '__module__', '')).rpartition('.')[2]}.{self.name()}"

    def is_called_off(self) -> bool:
        return bool(self.called_off) and self.called_off >= self.packed.reports.keys()


class ClusterExecutor(Executor):
    """Runs calls on workers that have a resource of one kind.

    `spare` opens an executor of this machine, where CLUSTER_FALLBACK allows one. A call whose worker dies is run again,
    three times at most, once another has a place for it; one that was lost with its scheduler waits until there is one
    again.
    """

    def __init__(self, connection: Connection, kind: str, spare: Callable[[], Executor] | None, spare_slots: int):
        self._connection, self._kind, self._spare, self._spare_slots = connection, kind, spare, spare_slots
        self._patience = connection.settings.cluster_patience
        self._stages: set[_Stage] = set()
        self._stranded: list[_Stage] = []
        self._fits: dict[Hashable, int] = {}
        self._lock = threading.Lock()
        connection.listen(self._look)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of every executor. Settings, reports and files among `args` are not sent (see core.cluster.calls)."""
        is_ready = self._connection.is_ready(self._kind)
        if self._spare and not is_ready:
            return self._spare().submit(fn, *args, **kwargs)
        settings, topic = self._connection.settings, self._connection.topic
        stage = _Stage(partial(fn, **kwargs) if kwargs else fn, args, pack(args, settings, topic))
        self._connection.want_files(stage.packed.files)
        for ticket, report in stage.packed.reports.items():
            self._connection.expect(ticket, report, partial(self._call_off, stage, {ticket}))
        with self._lock:
            self._stages.add(stage)
        self._send(stage)
        return stage.future

    def slots(self) -> int:
        """How many calls to hand over at once."""
        return self._connection.capacity(self._kind) or self._spare_slots

    def max_size(self, spec: Any, arguments: Sequence[Any]) -> int:
        """How many calls fit into a batch with one: what a worker has told after such a call, one before that."""
        return self._fits.get(spec.key(*arguments), 1)

    def call_off(self, arguments: Sequence[Any]) -> None:
        """A call with these arguments was called off while it was running."""
        wanted = [one for one in arguments if callable(one)]
        with self._lock:
            stages = list(self._stages)
        for stage in stages:
            reports = stage.packed.reports.items()
            if tickets := {ticket for ticket, report in reports if any(report is one for one in wanted)}:
                self._call_off(stage, tickets)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Call off what is under way, if it need not be waited for."""
        with self._lock:
            stages = list(self._stages)
        for stage in stages:
            if not wait or cancel_futures:
                self._call_off(stage, set(stage.packed.reports) or {""})
        for stage in stages if wait else ():
            stage.future.exception()

    def _call_off(self, stage: _Stage, tickets: set[str]) -> None:
        stage.called_off |= tickets
        if not stage.is_called_off():  # others of its batch go on
            self._connection.errand(self._connection.call_off, sorted(tickets))
            return
        self._withdraw(stage)
        self._end(stage, error=Cancelled())

    def _withdraw(self, stage: _Stage) -> None:
        """Take a stage back from the cluster; what comes of it there counts no more."""
        with self._lock:
            running, stage.running = stage.running, None
            if stage in self._stranded:
                self._stranded.remove(stage)
        if running is not None:
            self._connection.errand(running.cancel)

    def _send(self, stage: _Stage) -> None:
        files = tuple(Wanted(digest, suffix_of(stage.packed.files[digest])) for digest in stage.files)
        try:
            arguments = (stage.function, stage.packed.arguments, files, *stage.files.values())
            at = stage.worker if stage.files else None
            running, worker = self._connection.submit(self._kind, stage.label(), run_call, *arguments, at=at)
        except Exception as error:  # noqa: BLE001 a client that is being closed raises what it happens to find
            self._send_later(stage, error)
            return
        stage.running, stage.worker, stage.there_at = running, worker, time.monotonic()
        if stage.is_called_off():
            self._withdraw(stage)
        running.add_done_callback(partial(self._hand_on, stage))

    def _send_later(self, stage: _Stage, error: Exception) -> None:
        """Have a stage wait that could not be sent; where the cluster is there, and it is the call, give it up."""
        stage.unsent += not isinstance(error, OSError) and self._connection.capacity(self._kind) > 0
        if stage.unsent > AGAIN:
            log.error("%s cannot be sent to the cluster", stage.name(), exc_info=error)
            self._end(stage, error=error)
            return
        log.debug("%s waits for the cluster: %s", stage.name(), error)
        self._strand(stage)

    def _strand(self, stage: _Stage) -> None:
        stage.running, stage.files, stage.stranded_at = None, {}, time.monotonic()
        with self._lock:
            if stage not in self._stranded:
                self._stranded.append(stage)

    def _hand_on(self, stage: _Stage, running: Any) -> None:
        """Leave the thread of Dask's callbacks, which must not wait."""
        if not self._connection.errand(self._ended, stage, running):
            self._end(stage, error=Cancelled())

    def _ended(self, stage: _Stage, running: Any) -> None:
        if stage.running is not running:  # it was withdrawn
            return
        try:
            outcome: Outcome = running.result()
        except (Exception, CancelledError) as error:  # noqa: BLE001 whatever it is, it is for the caller
            if stage.running is running:
                self._failed(stage, error, running.status == "error")
            return
        if outcome.fits:
            self._fits[getattr(stage.function, "batch").key(*stage.arguments)] = outcome.fits  # noqa: B009
        self._end(stage, outcome.value)

    def _failed(self, stage: _Stage, error: BaseException, by_stage: bool) -> None:
        """Run a stage again that was lost, or whose worker died in it; what it raised itself is its caller's."""
        from distributed import KilledWorker

        if not by_stage:  # nobody here wished it: the scheduler is gone
            log.warning("%s was lost with the connection to the cluster", stage.name())
            self._strand(stage)
        elif isinstance(error, FileWanted):
            self._send_with(stage, error)
        elif not isinstance(error, KilledWorker):
            self._end(stage, error=error)
        else:
            self._lost_worker(stage, error.allowed_failures + 1)

    def _lost_worker(self, stage: _Stage, deaths: int = 1) -> None:
        """Run a stage again whose worker died in it, unless it has taken down too many."""
        stage.deaths += deaths
        log.warning("%s lost %d workers, the last at %s", stage.name(), stage.deaths, stage.worker)
        if stage.deaths <= AGAIN:
            self._strand(stage)
            return
        told = f"{stage.name()} took down {stage.deaths} workers, one after the other, and is not tried again."
        self._end(stage, error=StageLost(told))

    def _send_with(self, stage: _Stage, wanted: FileWanted) -> None:
        """Send a call again, now with a file that its worker has not got."""
        if wanted.digest in stage.files or wanted.digest not in stage.packed.files:
            self._end(stage, error=EngineError("The video could not be brought to the machine that reads it."))
            return
        try:
            content = stage.packed.files[wanted.digest].read_bytes()
            stage.files[wanted.digest] = self._connection.scatter(content, str(stage.worker))
        except OSError as error:
            if not isinstance(error, FileNotFoundError | PermissionError):  # of the connection
                self._strand(stage)
                return
            self._end(stage, error=EngineError("The file is no longer there."))
            return
        except Exception as error:  # noqa: BLE001 as in _send
            self._send_later(stage, error)
            return
        self._send(stage)

    def _end(self, stage: _Stage, value: Any = None, error: BaseException | None = None) -> None:
        for ticket in stage.packed.reports:
            self._connection.forget(ticket)
        with self._lock:
            if stage not in self._stages:
                return
            self._stages.remove(stage)
        if error is not None:
            stage.future.set_exception(error)
        else:
            stage.future.set_result(value)

    def _look(self) -> None:
        """Send what waits for the cluster, as far as it has room; where there is none for too long, give it up."""
        if capacity := self._connection.capacity(self._kind):
            self._look_after_workers()
            with self._lock:
                room = capacity - sum(stage.running is not None for stage in self._stages)
                known = [stage for stage in self._stranded if stage.stranded_at < self._connection.looked_at]
                stranded = known[: max(0, room)]
                self._stranded = [stage for stage in self._stranded if stage not in stranded]
            for stage in stranded:
                self._send(stage)
        elif self._connection.out_for(self._kind) > self._patience:
            with self._lock:
                stranded, self._stranded = self._stranded, []
                waiting = [stage for stage in self._stages if stage.running]
            for stage in (*stranded, *waiting):
                self._withdraw(stage)
                self._give_up(stage)

    def _look_after_workers(self) -> None:
        """Take stages back that were given to a worker which is gone, where the scheduler does not tell so by itself.

        It waits for that very worker where it allows for failures.
        """
        there, seen_at = self._connection.addresses(), self._connection.looked_at
        with self._lock:
            running = [stage for stage in self._stages if stage.running is not None]
        for stage in running:
            if stage.worker in there:
                stage.there_at = seen_at
            elif seen_at - stage.there_at > GRACE:
                self._withdraw(stage)
                self._lost_worker(stage)

    def _give_up(self, stage: _Stage) -> None:
        """Run a stage here that the cluster cannot, or fail it."""
        if not self._spare:
            reason = f"{self._connection.reason()}, and has not been for {self._patience} s. Try again later."
            self._end(stage, error=ClusterLost(reason))
            return
        log.warning("%s is run here: %s", stage.name(), self._connection.reason())
        here = self._spare().submit(stage.function, *stage.arguments)
        here.add_done_callback(partial(self._take, stage))

    def _take(self, stage: _Stage, here: Future[Any]) -> None:
        error = Cancelled() if here.cancelled() else here.exception()
        self._end(stage, None if error else here.result(), error)
