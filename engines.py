"""Try engines in order: say which one answered and why the others did not.

An engine is one way to do a stage: a service, a large model, or the built-in one. No other fallback code exists.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import metrics
from settings import Settings

log = logging.getLogger(__name__)

Report = Callable[[int, int, str], None]


class Cancelled(Exception):
    """The search was called off. Raised by `report`; no stage catches it."""


class EngineError(Exception):
    """An engine that is set up could not do its work. The message is one sentence that a user understands."""


class NoneWorked(Exception):
    """No engine answered.

    `warnings` holds a line for each engine that failed; it is empty where none was set up.
    """

    def __init__(self, stage: str, warnings: Sequence[str]):
        super().__init__(f"No engine for {stage} gave an answer.")
        self.warnings = tuple(warnings)


@dataclass(frozen=True)
class Engine:
    """`missing` says what must be set up first (None when nothing must); `run` does the work; `check` tries it once.

    `run` returns what it made, or an Answer that holds it where it has warnings of its own. `check` raises EngineError
    where the engine would fail; one without it cannot fail for what is set up.
    """

    missing: Callable[[Settings], str | None]
    run: Callable[..., Any]
    check: Callable[[Settings], Any] | None = None


@dataclass(frozen=True)
class Answer:
    """What an engine returned, its name, and its warnings after a line for each engine before it that failed."""

    value: Any
    engine: str
    warnings: tuple[str, ...] = ()


def silent(done: int, total: int, what: str) -> None:
    """A `report` that nobody reads."""


def first_working(
    stage: str, order: Sequence[str], engines: Mapping[str, Engine], settings: Settings, *arguments
) -> Answer:
    """Call `run(*arguments)` of the first engine in `order` that is set up and does not fail.

    An engine that is not set up is passed over in silence. Raises NoneWorked when none is left; Cancelled goes through.
    """
    warnings = []
    for name in order:
        engine = engines.get(name)
        if engine is None or engine.missing(settings):
            continue
        try:
            given = engine.run(*arguments)
            answer = given if isinstance(given, Answer) else Answer(given, name)
            return Answer(answer.value, name, (*warnings, *answer.warnings))
        except Cancelled:
            raise
        except EngineError as error:
            metrics.FAILURES.labels(stage, name).inc()
            log.warning("%s: %s failed: %s", stage, name, error)
            warnings.append(f"{stage.capitalize()}: {name} did not work: {error}")
        except Exception:
            metrics.FAILURES.labels(stage, name).inc()
            log.exception("%s: %s failed", stage, name)
            warnings.append(f"{stage.capitalize()}: {name} failed unexpectedly; the log has the details.")
    raise NoneWorked(stage, warnings)
