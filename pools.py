"""The two executors: `videos`, some threads that fetch and read clips, and `accelerator`, one thread a device."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Together:
    """How calls of a function can be made at once. A function that can do so carries one as its attribute `together`.

    Calls fit together where `key(*arguments)` is equal. `most(*arguments)` says how many at once, `run` takes a list of
    argument tuples and returns for each, in order, its value or the exception that the call would have raised.
    """

    key: Callable[..., Hashable]
    most: Callable[..., int]
    run: Callable[[Sequence[tuple]], Sequence[Any]]


@dataclass(frozen=True, eq=False)
class _Task:
    function: Callable
    arguments: tuple
    future: Future = field(default_factory=Future)


class BatchingExecutor(ThreadPoolExecutor):
    """A ThreadPoolExecutor that makes waiting calls of the same function in one, where the function knows how.

    A call that starts takes along the waiting calls that fit together with it (see Together), past others in the
    queue. No call waits for company.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._waiting = deque()
        self._taking = threading.Lock()

    def submit(self, function, /, *arguments):
        """As of ThreadPoolExecutor, without keyword arguments."""
        task = _Task(function, arguments)
        with self._taking:
            super().submit(self._run_next)  # it finds the task only after this block
            self._waiting.append(task)
        return task.future

    def shutdown(self, wait=True, *, cancel_futures=False):
        if cancel_futures:
            with self._taking:
                dropped = list(self._waiting)
                self._waiting.clear()
            for task in dropped:
                task.future.cancel()
        # The calls of _run_next stay: each task that was not dropped still needs one.
        super().shutdown(wait)

    def _run_next(self):
        """Run the first task and those that go with it. Finds nothing where an earlier call took the task along."""
        with self._taking:
            first = self._take_first()
            company = self._take_company(first) if first else []
        if company:
            _run_together([first, *company])
        elif first:
            _run_alone(first)

    def _take_first(self):
        while self._waiting:
            task = self._waiting.popleft()
            if task.future.set_running_or_notify_cancel():
                return task
        return None

    def _take_company(self, first):
        together = getattr(first.function, "together", None)
        if together is None or not self._waiting:
            return []
        try:
            key, most = together.key(*first.arguments), together.most(*first.arguments)
            alike = [task for task in self._waiting if task.function is first.function]
            fitting = [task for task in alike if together.key(*task.arguments) == key]
        except Exception:
            log.exception("the calls that wait could not be compared")  # the call itself will say what is wrong
            return []
        company = []
        for task in fitting:
            if len(company) + 1 >= most:
                break
            self._waiting.remove(task)
            if task.future.set_running_or_notify_cancel():
                company.append(task)
        return company


# As in ThreadPoolExecutor, whatever a call raises is for its caller, who waits for the future.
def _run_alone(task):
    try:
        task.future.set_result(task.function(*task.arguments))
    except BaseException as error:  # noqa: BLE001
        task.future.set_exception(error)


def _run_together(tasks):
    try:
        outcomes = tasks[0].function.together.run([task.arguments for task in tasks])
    except BaseException as error:  # noqa: BLE001
        outcomes = [error] * len(tasks)
    for task, outcome in zip(tasks, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            task.future.set_exception(outcome)
        else:
            task.future.set_result(outcome)


@dataclass(frozen=True)
class Pools:
    videos: Executor
    accelerator: Executor

    def close(self) -> None:
        """Drop what has not started and wait for what has."""
        for pool in (self.videos, self.accelerator):
            pool.shutdown(wait=True, cancel_futures=True)


def open_pools(settings: Settings) -> Pools:
    """Start the executors. Their threads come up with their first task."""
    return Pools(
        videos=ThreadPoolExecutor(settings.video_workers, thread_name_prefix="videos"),
        accelerator=BatchingExecutor(1, thread_name_prefix="accelerator"),
    )
