"""The accelerator's executor: waiting calls of the same function run as one batch, and nobody else's do."""

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from core.executors import BatchingExecutor, BatchSpec, open_pools


class Recorder:
    """A function that doubles numbers, alone or in a batch, and notes each run."""

    def __init__(self, max_size=8):
        self.runs = []
        self.batch = BatchSpec(key=lambda value, kind: kind, max_size=lambda *_: max_size, run=self.run_batch)

    def __call__(self, value, kind):
        self.runs.append([value])
        return 2 * value

    def run_batch(self, calls):
        self.runs.append([value for value, _ in calls])
        return [ValueError(f"{value} is odd") if value % 2 else 2 * value for value, _ in calls]


@pytest.fixture
def executor():
    with BatchingExecutor(ThreadPoolExecutor(1)) as executor:
        yield executor


@pytest.fixture
def gate(executor):
    """Keeps the only thread busy until it is set, so that calls wait."""
    gate = threading.Event()
    executor.submit(gate.wait, 10)
    yield gate
    gate.set()


def test_calls_that_wait_run_as_one_batch(executor, gate):
    double = Recorder()
    futures = [executor.submit(double, value, "a") for value in (2, 4, 6)]
    gate.set()
    assert [future.result(5) for future in futures] == [4, 8, 12]
    assert double.runs == [[2, 4, 6]]


def test_a_call_that_nobody_joins_is_an_ordinary_one(executor):
    double = Recorder()
    assert executor.submit(double, 3, "a").result(5) == 6
    assert double.runs == [[3]]


def test_a_batch_holds_only_calls_of_one_key_and_no_more_than_allowed(executor, gate):
    double, other = Recorder(max_size=2), Recorder()
    futures = [executor.submit(double, value, kind) for value, kind in ((2, "a"), (4, "b"), (6, "a"), (8, "a"))]
    futures.append(executor.submit(other, 10, "a"))
    gate.set()
    assert [future.result(5) for future in futures] == [4, 8, 12, 16, 20]
    assert double.runs == [[2, 6], [4], [8]]
    assert other.runs == [[10]]


def test_what_one_call_raises_is_its_own(executor, gate):
    double = Recorder()
    futures = [executor.submit(double, value, "a") for value in (2, 3, 4)]
    gate.set()
    assert futures[0].result(5) == 4
    assert futures[2].result(5) == 8
    with pytest.raises(ValueError, match="3 is odd"):
        futures[1].result(5)


def test_when_the_batch_fails_so_does_each_call(executor, gate):
    double = Recorder()
    futures = [executor.submit(double, value, "a") for value in (2, "four")]
    gate.set()
    for future in futures:
        with pytest.raises(TypeError):
            future.result(5)


def test_a_call_that_was_cancelled_is_left_out(executor, gate):
    double = Recorder()
    futures = [executor.submit(double, value, "a") for value in (2, 4, 6)]
    assert futures[0].cancel()
    assert futures[1].cancel()
    gate.set()
    assert futures[2].result(5) == 12
    assert double.runs == [[6]]
    with pytest.raises(CancelledError):
        futures[0].result(5)


def test_calls_that_cannot_be_compared_still_run(executor, gate):
    double = Recorder()
    wrong, right = executor.submit(double, 2), executor.submit(double, 4, "a")
    gate.set()
    with pytest.raises(TypeError, match="kind"):
        wrong.result(5)
    assert right.result(5) == 8


def test_plain_functions_run_in_turn(executor):
    assert [executor.submit(pow, value, 2).result(5) for value in (1, 2, 3)] == [1, 4, 9]


def test_a_plain_function_that_raises_gives_its_exception(executor):
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result(5)


def test_closing_drops_what_has_not_started(settings):
    pools, gate, started = open_pools(settings), threading.Event(), threading.Event()
    running = pools.accelerator.submit(lambda: started.set() or gate.wait(10))
    waiting = pools.accelerator.submit(pow, 2, 2)
    assert started.wait(5)
    closing = threading.Thread(target=pools.close)
    closing.start()
    with pytest.raises(CancelledError):
        waiting.result(5)
    gate.set()
    closing.join(5)
    assert running.result(5) is True
    with pytest.raises(RuntimeError):
        pools.accelerator.submit(pow, 2, 2)


def test_an_ordinary_end_runs_what_waits():
    gate = threading.Event()
    with BatchingExecutor(ThreadPoolExecutor(1)) as executor:
        executor.submit(gate.wait, 10)
        waiting = executor.submit(pow, 3, 2)
        gate.set()
    assert waiting.result(0) == 9


def test_what_runs_the_calls_is_given_one_batch_at_a_time():
    class Counting(ThreadPoolExecutor):
        given = most = 0

        def submit(self, *arguments):
            self.given += 1
            self.most = max(self.most, self.given)
            future = super().submit(*arguments)
            future.add_done_callback(self.note_done)
            return future

        def note_done(self, _future):
            self.given -= 1

    threads = Counting(4)
    with BatchingExecutor(threads) as executor:
        futures = [executor.submit(pow, value, 2) for value in range(50)]
        assert [future.result(5) for future in futures] == [value**2 for value in range(50)]
    assert threads.most == 1


def test_an_executor_that_is_gone_fails_the_calls_and_keeps_nobody_waiting():
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with BatchingExecutor(threads) as executor, pytest.raises(RuntimeError):
        executor.submit(pow, 2, 2).result(5)
