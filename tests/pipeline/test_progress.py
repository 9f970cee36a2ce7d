"""How far a stage is, and that it waits."""

from concurrent.futures import Future

import pytest

from core.engines import Cancelled
from pipeline.pooled import as_finished
from pipeline.progress import Progress


def test_a_stage_that_waits_for_its_device_says_so_once_until_it_begins(monkeypatch):
    monkeypatch.setattr("pipeline.pooled.TICK", 0.01)
    monkeypatch.setattr("pipeline.pooled.TOLD_AFTER", 0.02)
    told, future = [], Future()

    def on_progress(stage, done, total, what):
        if what:
            told.append((stage, done, what))
        looks.append(what)
        if len(looks) == 20:
            progress(1, 4, "Making the music")
        if len(looks) == 40:
            future.set_result("made")

    looks = []
    progress = Progress("music", on_progress)
    assert [done.result() for done in as_finished(progress, [future])] == ["made"]
    assert told == [("music", 0, "Waiting for a device"), ("music", 0.25, "Making the music")]


def test_a_stage_that_has_begun_does_not_wait():
    told = []
    progress = Progress("image", lambda *news: told.append(news[3]))
    progress(0, 1, "Painting")
    progress.waits("Waiting for a device")
    assert told == ["Painting"]


def test_the_parts_of_a_task_add_up_to_one_report():
    told = []
    progress = Progress.over(lambda *news: told.append(news))
    progress.part(0.0, 0.3, what="fetching")(1, 1, "the clip")
    progress.part(0.3, 0.8)(1, 2, "listening")
    assert told == [(30.0, 100, "fetching"), (55.0, 100, "listening")]


def test_what_a_report_raises_goes_through_the_parts():
    def report(*_news):
        raise Cancelled

    with pytest.raises(Cancelled):
        Progress.over(report).part(0.0, 0.3)(0, 1, "fetching")
