"""Stages that the tests run on workers: they do what a test has to see, and write what has happened to files."""

import os
import signal
import time
from pathlib import Path

from core.engines import AllEnginesFailed, Cancelled, EngineError
from core.executors import BatchSpec


def note(folder, line):
    with Path(folder, "notes").open("a") as file:
        file.write(f"{line}\n")


def notes(folder):
    path = Path(folder, "notes")
    return path.read_text().split() if path.exists() else []


def where(settings, report):
    """The folder that the stage's settings name, and the process it runs in."""
    return str(settings.data_dir), os.getpid(), settings.llama_api_key


def noted(folder, line, settings, report):
    note(folder, line)
    return line


def steps(count, settings, report):
    for step in range(count):
        report(step, count, f"step {step}")
        time.sleep(0.25)  # more than what is told less often
    return count


def fails(settings, report):
    raise AllEnginesFailed("music", ["Music: it did not work"])


def until_called_off(folder, settings, report):
    """Goes on until it is called off, and notes that it heard of it."""
    note(folder, "began")
    try:
        while True:
            report(0, 1, "going on")
            time.sleep(0.02)
    except Cancelled:
        note(folder, "heard")
        raise


def dies_once(folder, settings, report):
    note(folder, os.getpid())
    if len(notes(folder)) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "made"


def poison(folder, settings, report):
    note(folder, os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


class _Deadly:
    """Kills its process when it is sent away."""

    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGKILL)


def lost_on_the_way(folder, settings, report):
    note(folder, os.getpid())
    if len(notes(folder)) == 1:
        return _Deadly()
    raise EngineError("It did not work the second time.")


def waits_for(folder, settings, report):
    """Waits until there is a file `go`."""
    note(folder, os.getpid())
    while not Path(folder, "go").exists():
        report(0, 1, "waiting")
        time.sleep(0.02)
    return os.getpid()


def content(held, settings, report):
    return held.here().read_bytes()


def doubled(folder, value, settings, report):
    note(folder, value)
    return 2 * value


def _doubled_at_once(calls):
    note(calls[0][0], "+".join(str(value) for _, value, *_ in calls))
    outcomes = []
    for _, value, _, report in calls:
        try:
            while value == 13:  # until it is called off
                report(0, 1, "unlucky")
                time.sleep(0.02)
            outcomes.append(2 * value)
        except Cancelled as error:
            outcomes.append(error)
    return outcomes


vars(doubled)["batch"] = BatchSpec(key=lambda folder, *_: str(folder), max_size=lambda *_: 4, run=_doubled_at_once)
