"""Try engines in order: say which one answered and why the others did not.

An engine is one way to do a stage: a service, a large model, or the built-in one. No other fallback code exists.
"""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import metrics
from settings import Settings

log = logging.getLogger(__name__)

Report = Callable[[float, int, str], None]


# (number, wav): a part, counted from 0, of a piece of music that is still being made, as a whole WAV file.
TakeSound = Callable[[int, bytes], None]


def sound_taker(report: Report) -> TakeSound | None:
    """What takes the sound of a piece while it is made: the attribute `take_sound` of a report that has one.

    Over a cluster no report has one: there a piece is heard when it is whole.
    """
    taker: TakeSound | None = getattr(report, "take_sound", None)
    return taker


class Cancelled(Exception):
    """The search was called off. Raised by `report`; no stage catches it."""


class EngineError(Exception):
    """An engine that is set up could not do its work. The message is one sentence that a user understands."""


def told(error: Exception) -> str:
    """What a user may read of a failure: of an OSError what is wrong, and not the paths of this machine."""
    return f"{error.strerror}." if isinstance(error, OSError) and error.strerror else str(error)


class Incomplete(EngineError):
    """An engine made only a part of its work: `value` holds it, the message says what is missing, and why."""

    def __init__(self, message: str, value: Any):
        super().__init__(message)
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.value)


class AllEnginesFailed(Exception):
    """No engine answered.

    `warnings` holds a line for each engine that failed; it is empty where none was set up.
    """

    def __init__(self, stage: str, warnings: Sequence[str]):
        super().__init__(f"No engine for {stage} gave an answer.")
        self.stage, self.warnings = stage, tuple(warnings)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.stage, self.warnings)


@dataclass(frozen=True)
class Engine:
    """`missing` says what must be set up first (None when nothing must); `run` does the work; `check` tries it once.

    `run` takes the stage's request, a frozen object that every engine of the stage takes, and returns what it made, or
    an EngineResult that holds it where it has warnings of its own. `check` raises EngineError where the engine would
    fail; one without it cannot fail for what is set up.
    """

    missing: Callable[[Settings], str | None]
    run: Callable[[Any, Settings, Report], Any]
    check: Callable[[Settings], Any] | None = None


@dataclass(frozen=True)
class EngineResult:
    """What an engine returned, its name, and its warnings after a line for each engine before it that failed."""

    value: Any
    engine: str
    warnings: tuple[str, ...] = ()


def no_report(done: float, total: int, what: str) -> None:
    """A `report` that nobody reads."""


def run_with_fallback(
    stage: str,
    order: Sequence[str],
    engines: Mapping[str, Engine],
    request: object,
    settings: Settings,
    report: Report = no_report,
    fill: Callable[[Any, Any], Any] | None = None,
) -> EngineResult:
    """Call `run(request, settings, report)` of the first engine in `order` that is set up and does not fail.

    An engine that is not set up is passed over in silence. What an engine left out is taken from the next one by
    `fill(value, next_value)`, and both are named. Raises AllEnginesFailed when none is left; Cancelled goes through.
    """
    warnings: list[str] = []
    parts: list[EngineResult] = []
    for name in order:
        engine = engines.get(name)
        if engine is None or engine.missing(settings):
            continue
        try:
            given = engine.run(request, settings, report)
            answer = given if isinstance(given, EngineResult) else EngineResult(given, name)
            return _joined([*parts, EngineResult(answer.value, name)], fill, (*warnings, *answer.warnings))
        except Cancelled:
            raise
        except Incomplete as error:
            metrics.FAILURES.labels(stage, name).inc()
            log.warning("%s: %s was incomplete: %s", stage, name, error)
            warnings.append(f"{stage.capitalize()}: {name} was incomplete: {error}")
            parts.append(EngineResult(error.value, name))
        except EngineError as error:
            metrics.FAILURES.labels(stage, name).inc()
            log.warning("%s: %s failed: %s", stage, name, error)
            warnings.append(f"{stage.capitalize()}: {name} did not work: {error}")
        except Exception:
            metrics.FAILURES.labels(stage, name).inc()
            log.exception("%s: %s failed", stage, name)
            warnings.append(f"{stage.capitalize()}: {name} failed unexpectedly; the log has the details.")
    if parts:
        return _joined(parts, fill, warnings)
    raise AllEnginesFailed(stage, warnings)


def _joined(
    parts: Sequence[EngineResult], fill: Callable[[Any, Any], Any] | None, warnings: Sequence[str]
) -> EngineResult:
    """One result of what several engines made: the first counts most. Without `fill` the last is taken as it is."""
    if fill is None:
        return EngineResult(parts[-1].value, parts[-1].engine, tuple(warnings))
    value = functools.reduce(fill, [part.value for part in parts])
    return EngineResult(value, ", ".join(part.engine for part in parts), tuple(warnings))
