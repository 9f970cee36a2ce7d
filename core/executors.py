"""The executors: `videos` fetches and reads clips, `accelerator` runs one call a device, `built_in` makes without one.

The first two are threads, or a cluster.
"""

import importlib.util
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from core.engines import EngineError
from settings import Settings, SettingsError

if TYPE_CHECKING:
    from core.cluster.connection import Connection

log = logging.getLogger(__name__)


class ClusterLost(Exception):
    """No worker could be reached for longer than CLUSTER_PATIENCE. The message is a sentence for users."""


class StageLost(EngineError):
    """A stage took down every worker that ran it, and is not tried again."""


@dataclass(frozen=True)
class BatchSpec:
    """How calls of a function run as one batch. A function that can do so carries one as its attribute `batch`.

    Calls with an equal `key(*arguments)` fit into one batch of at most `max_size(*arguments)`. `run` takes a list of
    argument tuples and returns for each, in order, its value or the exception that the call would have raised.
    """

    key: Callable[..., Hashable]
    max_size: Callable[..., int]
    run: Callable[[Sequence[tuple[Any, ...]]], Sequence[Any]]


class _CallFuture(Future[Any]):
    """The future of a call. To cancel one that runs already is told to what runs it."""

    call_off: Callable[[], None] | None = None

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if not cancelled and not self.done() and self.call_off:
            self.call_off()
        return cancelled


@dataclass(frozen=True, eq=False)
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    batch: BatchSpec | None
    future: _CallFuture = field(default_factory=_CallFuture)


def _one() -> int:
    return 1


def _asked_here(spec: BatchSpec, arguments: Sequence[Any]) -> int:
    return spec.max_size(*arguments)


class BatchingExecutor(Executor):
    """Hands calls to another executor, `slots()` at a time, and those that fit together as one batch (see BatchSpec).

    Calls wait here, in the only queue; whatever runs them, threads or a cluster, gets no more than it can start. A
    batch takes what waits when it starts, past other calls in the queue. No call waits for others to come.

    `max_size` says how large a batch of calls like one may be. `call_off` is told the arguments of a running call
    whose future is cancelled; in a thread it is not needed, since there the call's own `report` raises Cancelled.
    """

    def __init__(
        self,
        executor: Executor,
        slots: Callable[[], int] = _one,
        max_size: Callable[[BatchSpec, Sequence[Any]], int] = _asked_here,
        call_off: Callable[[Sequence[Any]], None] | None = None,
    ) -> None:
        self._executor, self._slots, self._max_size, self._call_off = executor, slots, max_size, call_off
        self._waiting: deque[_Call] = deque()
        self._running, self._closed = 0, False
        self._changed = threading.Condition()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of every executor. A call with keyword arguments runs alone."""
        spec: BatchSpec | None = getattr(fn, "batch", None)
        call = _Call(partial(fn, **kwargs) if kwargs else fn, args, None if kwargs else spec)
        if self._call_off:
            call.future.call_off = partial(self._call_off, args)
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.append(call)
        self.start_waiting()
        return call.future

    def load(self) -> tuple[int, int]:
        """How many calls wait, and how many batches run."""
        with self._changed:
            return len(self._waiting), self._running

    def start_waiting(self) -> None:
        """Start what can be started now: there may be more slots than before."""
        while self._start_next():
            pass

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._changed:
            self._closed = True
            dropped = list(self._waiting) if cancel_futures else []
            if cancel_futures:
                self._waiting.clear()
        for call in dropped:
            call.future.cancel()
        with self._changed:
            if wait:
                self._changed.wait_for(self._is_idle)
            if self._is_idle():
                self._executor.shutdown(wait)

    def _is_idle(self) -> bool:
        return not self._running and not self._waiting

    def _start_next(self) -> bool:
        """Start the first call and those that fit into its batch; False where none waits or all slots are taken."""
        with self._changed:
            if self._running >= self._slots() or not (batch := self._take_batch()):
                return False
            self._running += 1
        try:
            first = batch[0]
            if first.batch and len(batch) > 1:
                running = self._executor.submit(first.batch.run, [call.arguments for call in batch])
            else:
                running = self._executor.submit(first.function, *first.arguments)
        except Exception as error:  # noqa: BLE001 the process is ending, or a file of the call is gone
            running = Future()
            running.set_exception(error)
        running.add_done_callback(lambda done: self._finish(batch, done))
        return True

    def _finish(self, batch: list[_Call], done: Future[Any]) -> None:
        for call, outcome in zip(batch, _outcomes(batch, done), strict=True):
            if isinstance(outcome, BaseException):
                call.future.set_exception(outcome)
            else:
                call.future.set_result(outcome)
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
            if self._closed and self._is_idle():
                self._executor.shutdown(wait=False)
        self.start_waiting()

    def _take_batch(self) -> list[_Call]:
        while self._waiting:
            first = self._waiting.popleft()
            if first.future.set_running_or_notify_cancel():
                return [first, *self._take_fitting(first)]
        return []

    def _take_fitting(self, first: _Call) -> list[_Call]:
        spec = first.batch
        if spec is None or not self._waiting:
            return []
        try:
            key, max_size = spec.key(*first.arguments), self._max_size(spec, first.arguments)
            same = [call for call in self._waiting if call.function is first.function]
            fitting = [call for call in same if spec.key(*call.arguments) == key]
        except Exception:
            log.exception("the calls that wait could not be compared")  # the call itself will say what is wrong
            return []
        taken: list[_Call] = []
        for call in fitting:
            if len(taken) + 1 >= max_size:
                break
            self._waiting.remove(call)
            if call.future.set_running_or_notify_cancel():
                taken.append(call)
        return taken


def _outcomes(batch: list[_Call], done: Future[Any]) -> Sequence[Any]:
    """What each call of a batch returned or raised; whatever that is, it is for its caller."""
    if error := done.exception():
        return [error] * len(batch)
    if len(batch) == 1:
        return [done.result()]
    outcomes: Sequence[Any] = done.result()
    if len(outcomes) == len(batch):
        return outcomes
    return [RuntimeError(f"a batch of {len(batch)} calls has {len(outcomes)} outcomes")] * len(batch)


def _accelerator_thread() -> Executor:
    return ThreadPoolExecutor(1, thread_name_prefix="accelerator")


def _built_in_thread() -> BatchingExecutor:
    return BatchingExecutor(ThreadPoolExecutor(1, thread_name_prefix="built-in"))


@dataclass(frozen=True)
class Pools:
    """The executors, and the connection to the cluster where they are on one."""

    videos: BatchingExecutor
    accelerator: BatchingExecutor
    cluster: "Connection | None" = None
    built_in: BatchingExecutor = field(default_factory=_built_in_thread)  # music and covers that need no device

    def start(self) -> None:
        """Connect to the cluster, if there is one, before the first stage needs it."""
        if self.cluster:
            self.cluster.start()

    def loads(self) -> dict[str, tuple[int, int]]:
        """Of each pool, how many calls wait and how many batches run."""
        return {"videos": self.videos.load(), "accelerator": self.accelerator.load()}

    def forget(self, contents: Collection[str]) -> None:
        """Have a cluster's workers remove what they keep of files, which are named by the SHA-256 of their contents."""
        if self.cluster and contents:
            self.cluster.forget_files(contents)

    def close(self) -> None:
        """Drop what has not started and wait for what has."""
        for pool in (self.videos, self.accelerator, self.built_in):
            pool.shutdown(wait=True, cancel_futures=True)
        if self.cluster:
            self.cluster.close()


def open_pools(settings: Settings) -> Pools:
    """Start the executors. Their threads, or their connection, come up with their first task.

    Raises SettingsError where a cluster is named and cannot be used as the settings are.
    """
    if settings.dask_scheduler:
        return _on_cluster(settings)
    videos, accelerator = _video_threads(settings), _accelerator_thread()
    return Pools(BatchingExecutor(videos, lambda: settings.video_workers), BatchingExecutor(accelerator))


def _video_threads(settings: Settings) -> Executor:
    return ThreadPoolExecutor(settings.video_workers, thread_name_prefix="videos")


def _on_cluster(settings: Settings) -> Pools:
    if importlib.util.find_spec("distributed") is None:
        raise SettingsError("DASK_SCHEDULER: Dask is not installed; pip install -r requirements-cluster.txt")
    for name in ("dask_tls_ca", "dask_tls_cert", "dask_tls_key"):
        if settings.dask_scheduler.startswith("tls://") and not getattr(settings, name):
            raise SettingsError(f"{name.upper()}: name a file in PEM, which DASK_SCHEDULER=tls://… needs")
    from core.cluster.connection import Connection
    from core.cluster.executor import ClusterExecutor

    connection, here = Connection(settings), settings.cluster_fallback
    videos = ClusterExecutor(
        connection, "PROCESSOR", cache(partial(_video_threads, settings)) if here else None, settings.video_workers
    )
    accelerator = ClusterExecutor(connection, "ACCELERATOR", cache(_accelerator_thread) if here else None, 1)

    def lane(executor: ClusterExecutor) -> BatchingExecutor:
        batching = BatchingExecutor(executor, executor.slots, executor.max_size, executor.call_off)
        connection.listen(batching.start_waiting)
        return batching

    return Pools(lane(videos), lane(accelerator), connection)
