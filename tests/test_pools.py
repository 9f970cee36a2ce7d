"""The accelerator's executor: calls that wait for the same function are made in one, and nobody else's are."""

import threading
from concurrent.futures import CancelledError

import pytest

from pools import BatchingExecutor, Together, open_pools


class Recorder:
    """A function that doubles numbers, alone or together, and knows in which company it ran."""

    def __init__(self, most=8):
        self.runs = []
        self.together = Together(key=lambda value, kind: kind, most=lambda *_: most, run=self.run_together)

    def __call__(self, value, kind):
        self.runs.append([value])
        return 2 * value

    def run_together(self, calls):
        self.runs.append([value for value, _ in calls])
        return [ValueError(f"{value} is odd") if value % 2 else 2 * value for value, _ in calls]


@pytest.fixture
def executor():
    with BatchingExecutor(1) as executor:
        yield executor


@pytest.fixture
def gate(executor):
    """Keeps the only thread busy until it is set, so that calls wait."""
    gate = threading.Event()
    executor.submit(gate.wait, 10)
    yield gate
    gate.set()


def test_calls_that_wait_are_made_together(executor, gate):
    double = Recorder()
    futures = [executor.submit(double, value, "a") for value in (2, 4, 6)]
    gate.set()
    assert [future.result(5) for future in futures] == [4, 8, 12]
    assert double.runs == [[2, 4, 6]]


def test_a_call_that_nobody_joins_is_an_ordinary_one(executor):
    double = Recorder()
    assert executor.submit(double, 3, "a").result(5) == 6
    assert double.runs == [[3]]


def test_only_calls_that_fit_together_are_joined_and_no_more_than_fit(executor, gate):
    double, other = Recorder(most=2), Recorder()
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


def test_when_the_common_call_fails_so_does_each(executor, gate):
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
    with BatchingExecutor(1) as executor:
        executor.submit(gate.wait, 10)
        waiting = executor.submit(pow, 3, 2)
        gate.set()
    assert waiting.result(0) == 9
