"""The parts of a draft that a model of ours makes: each takes its turn on the accelerator, as the cover does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import animate_text
import summariser
from core.engines import AllEnginesFailed, EngineResult
from core.executors import Pools
from pipeline import drafting
from pipeline.drafting import MakeDraft
from pipeline.pooled import as_finished, dropped_on_error
from pipeline.progress import Progress
from settings import Settings

SCRIPT, PICTURES = 0.02, 0.7  # of the stage, at the end of each where pictures are painted


def take(
    request: MakeDraft, settings: Settings, pools: Pools, progress: Progress
) -> tuple[MakeDraft, Progress, tuple[str, ...]]:
    """Have the script written and the pictures painted, where a model on the accelerator does so.

    Returns the request with them, the progress of what is left to do, and warnings. A picture that fails is left out.
    Raises EngineError where the accelerator's part could not be run at all, and Cancelled.
    """
    on_cluster = pools.cluster is not None  # where only a worker knows whether it has the models
    written = summariser.needs_device(settings) or (on_cluster and "local" in settings.summary_engines)
    painted = animate_text.needs_device(settings) or (on_cluster and settings.image_engines[0] == "stable-diffusion")
    if not (written or painted):
        return request, progress, ()

    def turn(function: Callable[..., EngineResult], asked: Any, part: Progress) -> EngineResult:
        future = pools.accelerator.submit(function, asked, settings, part)
        with dropped_on_error([future]):
            (finished,) = as_finished(progress, [future])
            made: EngineResult = finished.result()
        return made

    part = progress.part(0, SCRIPT)
    answer = turn(drafting.script, request, part) if written else drafting.script(request, settings, part)
    part(1, 1, "The script is written")
    request, warnings = replace(request, script=answer.value), list(answer.warnings)
    if not painted:
        return request, progress.part(SCRIPT, 1), tuple(warnings)
    made = {}
    wishes = drafting.wishes(request, answer.value.lines, painted)
    for number, (name, wish) in enumerate(wishes.items()):  # one after the other, so that others get their turn between
        start, end = (SCRIPT + (PICTURES - SCRIPT) * n / len(wishes) for n in (number, number + 1))
        part = progress.part(start, end)
        try:
            picture = turn(drafting.draw, wish, part)
        except AllEnginesFailed as error:
            warnings += error.warnings
        else:
            made[name] = picture.value
            warnings += picture.warnings
        part(1, 1, f"Picture {number + 1} of {len(wishes)}")
    return replace(request, paintings=made), progress.part(PICTURES, 1), tuple(dict.fromkeys(warnings))
