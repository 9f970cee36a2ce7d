"""Progress: monotonic, weighed by what the stages took before, with an estimate of the time left."""

import threading
import time

import pytest

from jobs import progress
from jobs.database import Store
from jobs.events import Events
from jobs.models import DONE, RUNNING, Job, JobEvent
from jobs.progress import Recorder, Stopping, expected_seconds, seconds_a_unit
from pipeline import Query
from tests.searches import QUERY, RESULTS, made


@pytest.fixture
def store(on_both):
    opened = Store(on_both)
    yield opened
    opened.close()


def past(store, number, music=1.0, state=DONE, seconds=10, **parts):
    """A search of the past whose stages took some time."""
    made_then = RESULTS | {"music": made({"music": "music.wav"}, music)} | parts
    values = {"visitor": "v", "key": "k", "state": state, "created": 1.0, "ended": float(number), "events": 0}
    with store.transaction() as session:
        query = Query(("AI",), seconds)
        session.add(Job(id=str(number), query=query, results=made_then, **values))


@pytest.fixture
def record(store, monkeypatch):
    """Makes the recorder of a running search whose every report is told."""
    monkeypatch.setattr(progress, "QUIET", 0.0)

    def begin(**values):
        values = {"visitor": "v", "key": "k", "query": QUERY, "state": RUNNING, "owner": "me", "created": 1.0} | values
        with store.transaction() as session:
            job = Job(id="now", progress=0.0, events=0, results=values.pop("results", {}), **values)
            session.add(job)
        return Recorder(job, store, Events(store), threading.Event(), threading.Event())

    return begin


def told(store):
    with store.reading() as session:
        return [event.data for event in session.query(JobEvent).order_by(JobEvent.number)]


def learned(store):
    with store.reading() as session:
        return seconds_a_unit(session)


def test_before_anything_was_learned_there_is_progress_but_no_estimate(store, record):
    assert learned(store) == {}
    record().on_progress("videos", 1, 2, "Read one of two")
    (event,) = told(store)
    assert 0 < event["progress"] < 1
    assert (event["what"], event["done"], event["total"]) == ("Read one of two", 1, 2)
    assert "left" not in event


def test_the_stages_weigh_what_they_took_before(store):
    for number, music in enumerate((20.0, 30.0, 1000.0)):
        past(store, number, music)
    assert learned(store)["music"] == 3.0  # seconds for a second of music: the median
    expected = expected_seconds(QUERY, learned(store))
    assert (expected["music"], expected["videos"], expected["image"]) == (30.0, 3.0, 1.0)


def test_only_the_engine_of_now_counts(store):
    past(store, 1, image=made({"image": "image.png"}, 500.0, engine="slow"))
    past(store, 2, image=made({"image": "image.png"}, 2.0, engine="quick"))
    assert learned(store)["image"] == 2.0


def test_clips_from_the_cache_and_stages_that_failed_teach_nothing(store):
    clips = [{"title": "A"}, {"title": "B"}, {"title": "C"}]
    past(store, 1, videos=made(clips, 6.0))
    past(store, 2, videos=made(clips, 2.0, cached=2))
    past(store, 3, videos=made(clips, 0.01, cached=3), image=made(None, 90.0))
    past(store, 4, state="failed", videos=made(clips, 600.0))
    assert (learned(store)["videos"], learned(store)["image"]) == (2.0, 1.0)


def test_progress_never_goes_back_and_counts_stages_in_order(store, record):
    one = record()
    for stage, done in (("videos", 2), ("videos", 1), ("music", 1), ("summary", 1), ("music", 0), ("image", 9)):
        one.on_progress(stage, done, 2, "On the way")
    progress = [event["progress"] for event in told(store)]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_what_an_earlier_run_made_weighs_nothing(store, record):
    again = record(results={stage: RESULTS[stage] for stage in ("videos", "summary", "image")})
    again.on_progress("music", 1, 2, "Half of the music")
    assert told(store)[0]["progress"] == pytest.approx(0.5, abs=0.05)


def test_the_time_left_follows_the_speed_of_the_stage(store, record):
    past(store, 1, music=100.0)
    one = record()
    one.on_progress("music", 0, 10, "Beginning")
    time.sleep(0.5)
    one.on_progress("music", 5, 10, "Half")
    first, half = (event["left"] for event in told(store))
    assert first == pytest.approx(101.0, abs=1.0)  # as learned
    assert half < 60.0  # as fast as it is: half a second more, or what a busy machine makes of it, and the picture


def test_reports_in_quick_succession_are_told_now_and_then(store, record, monkeypatch):
    one = record()
    monkeypatch.setattr(progress, "QUIET", 60.0)
    for step in range(100):
        one.on_progress("music", step, 100, f"Step {step}")
    one.on_progress("image", 0, 100, "Another stage is told at once")
    assert [event["what"] for event in told(store)] == ["Step 0", "Another stage is told at once"]


def test_where_a_search_may_not_go_on_the_report_says_so(store, record):
    one = record()
    one._stopping.set()
    with pytest.raises(Stopping):
        one.on_progress("music", 0, 1, "")
    one._cancelled.set()
    with pytest.raises(progress.Cancelled) as raised:
        one.on_result("music", RESULTS["music"])
    assert not isinstance(raised.value, Stopping)


@pytest.mark.parametrize("change", [{"state": "cancelled"}, {"owner": "another"}])
def test_what_no_longer_runs_here_is_not_recorded(store, record, change):
    one = record()
    with store.transaction() as session:
        for name, value in change.items():
            setattr(session.get(Job, "now"), name, value)
    with pytest.raises(progress.Cancelled):
        one.on_progress("music", 0, 1, "Going on regardless")
    assert told(store) == []
