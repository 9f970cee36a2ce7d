"""The files of searches in a store that several studios share: kept, given on, removed, and never lost."""

import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from core import storage
from core.engines import EngineError
from jobs import history, retention
from jobs.models import CANCELLED, DONE, FAILED, Job
from jobs.queue import BusyError
from jobs.retention import DAY, MB
from jobs.worker import Workers
from settings import SettingsError
from tests.queues import ANNA, BEN, other
from tests.searches import QUERY, instant
from tiktok_videos import uploads
from tiktok_videos.uploads import Received
from tools.services.line import Line
from tools.waiting import until

KEY = "0" * 64 + ".mp4"
OWN = replace(QUERY, uploads=((KEY, "Mine"),))


@pytest.fixture
def stored(on_both, storing, monkeypatch):
    """Settings with a store; the tests say when something is pruned."""
    monkeypatch.setattr(Workers, "_prune", lambda _: None)
    return storing(on_both)


def apart(stored, tmp_path):
    """Settings of two studios with a database and a store in common, and no folder."""
    url = stored.database_url or f"sqlite:///{tmp_path / 'common.db'}"
    return [
        replace(stored, database_url=url, data_dir=tmp_path / name, generated_dir=tmp_path / name / "generated")
        for name in ("one", "two")
    ]


@pytest.fixture
def two(stored, tmp_path):
    return apart(stored, tmp_path)


@pytest.fixture
def two_on_postgresql(on_postgresql, storing, tmp_path):
    return apart(storing(on_postgresql), tmp_path)


def received(folder, content=b"a video"):
    """A video as it has just been received."""
    path = folder / ".part-1"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Received(path, KEY)


def keys(settings, prefix="generated/"):
    return [entry.key for entry in storage.entries(prefix, settings)]


def end(jobs, job_id, days_ago, size=0):
    """Let a search have ended some days ago, with a file of `size` bytes."""
    with jobs.store.transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(ended=time.time() - days_ago * DAY))
    storage.put(history.stored_name(job_id, "music.wav"), b"\0" * size, jobs.settings)


def test_what_one_studio_makes_is_in_the_store_before_anybody_is_told(two, open_jobs):
    jobs = open_jobs(two[0], instant)
    job_id = jobs.submit(QUERY, ANNA)
    stages = (event[1].get("made") for event in jobs.events(job_id) if event)
    there = {stage: keys(two[1]) for stage in stages if stage in ("music", "image")}
    assert jobs.get(job_id).state == DONE
    assert all(any(key.rpartition("/")[2].startswith(stage) for key in found) for stage, found in there.items())
    assert set(there) == {"music", "image"}
    assert keys(two[1]) == [f"generated/{job_id}/{name}" for name in ("image.png", "music.wav")]
    assert storage.get(f"generated/{job_id}/music.wav", two[1]) == b"music.wav of 1"
    until(lambda: not jobs.running())
    left = [path.name for path in two[0].data_dir.rglob("*") if path.is_file() and "studio.db" not in path.name]
    assert left == ["instance_id"]


def test_a_search_goes_on_elsewhere_with_the_files_that_the_first_studio_made(two, open_jobs):
    stop = threading.Event()

    def half(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        def until_music(stage, result):
            on_result(stage, result)
            if stage == "music":
                stop.set()
                while True:
                    on_progress("image", 0, 1, "waiting")
                    time.sleep(0.02)

        instant(query, search_id, folder, settings, pools, on_progress, until_music, earlier)

    found = []

    def rest(query, search_id, folder, settings, pools, on_progress, on_result, earlier):
        found.append((sorted(earlier), (folder / "music.wav").read_bytes()))
        instant(query, search_id, folder, settings, pools, on_progress, on_result, earlier)

    first = open_jobs(two[0], half)
    job_id = first.submit(QUERY, ANNA)
    assert stop.wait(30)
    first.close()
    assert open_jobs(two[1], rest).wait(job_id).state == DONE
    assert found == [(["music", "summary", "videos"], b"music.wav of 1")]


def test_another_take_and_a_draft_get_copies_that_outlive_the_first(two, open_jobs):
    one, another = open_jobs(two[0], instant), open_jobs(two[1], instant)
    first = one.wait(one.submit(QUERY, ANNA))
    again = another.wait(another.again(first, ANNA, anew=("image",)))
    another.delete(first.id)
    assert keys(two[0]) == [f"generated/{again.id}/{name}" for name in ("image.png", "music.wav")]
    assert storage.get(f"generated/{again.id}/music.wav", two[0]) == b"music.wav of 1"


def test_a_deleted_search_is_gone_from_every_studio_with_its_own_videos_and_readings(two, open_jobs):
    one, another = open_jobs(two[0], instant), open_jobs(two[1], instant)
    job_id = one.submit(OWN, ANNA, videos=[received(two[0].data_dir / "uploads")])
    assert another.wait(job_id).state == DONE
    content = KEY.partition(".")[0]
    reading, others = f"texts/{content}-1.json", f"texts/{'f' * 64}-1.json"
    for key in (reading, others):
        storage.put(key, b"{}", two[0])
    copy = uploads.stored(KEY, two[1])
    assert copy.read_bytes() == b"a video"
    another.delete(job_id)
    assert (keys(two[0]), keys(two[0], "uploads/"), keys(two[0], "texts/")) == ([], [], [others])
    assert not copy.exists()
    assert one.get(job_id) is None


def test_a_refused_search_leaves_nothing_in_the_store(stored, open_jobs):
    jobs = open_jobs(replace(stored, max_queued=1), instant, start=False)
    jobs.submit(other(1), ANNA)
    with pytest.raises(BusyError):
        jobs.submit(replace(OWN, seed=2), BEN, videos=[received(stored.data_dir / "uploads")])
    assert keys(stored, "uploads/") == []


def test_a_search_that_is_called_off_leaves_nothing_in_the_store(two, open_jobs):
    one, another = open_jobs(two[0], instant), open_jobs(two[1], instant, start=False)
    first = one.wait(one.submit(QUERY, ANNA))
    one.close()
    waiting = another.again(first, ANNA, anew=("image",))
    assert keys(two[0], f"generated/{waiting}/")
    another.cancel(waiting)
    assert (another.get(waiting).state, keys(two[0], f"generated/{waiting}/")) == (CANCELLED, [])


def test_whoever_has_most_loses_first_and_what_nobody_owns_goes_too(stored, open_jobs):
    jobs = open_jobs(stored, instant)
    annas = jobs.wait(jobs.submit(other(1), ANNA)).id
    bens = [jobs.wait(jobs.submit(other(seed), BEN)).id for seed in (2, 3, 4)]
    end(jobs, annas, days_ago=20, size=MB * 3 // 10)
    for job_id in bens:
        end(jobs, job_id, days_ago=1, size=MB * 4 // 10)
    assert retention.prune(jobs.store, replace(stored, max_storage_mb=1)) == 2
    left = {key.split("/")[1] for key in keys(stored)}
    assert left == {annas, *(job_id for job_id in bens if jobs.get(job_id))}
    assert len(left) == 2
    storage.put(f"generated/{'e' * 32}/music.wav", b"\0" * 2 * MB, stored)  # of a search in the terminal
    storage.put("texts/a.json", b"1" * 100, stored)
    assert retention.prune(jobs.store, replace(stored, max_storage_mb=1)) == 0
    assert f"generated/{'e' * 32}/music.wav" not in keys(stored)
    assert keys(stored, "texts/") == ["texts/a.json"]


def test_what_is_too_old_is_pruned_and_own_videos_without_a_search_are_swept(stored, open_jobs, monkeypatch):
    jobs = open_jobs(stored, instant)
    old, young = (jobs.wait(jobs.submit(other(seed), ANNA)).id for seed in (1, 2))
    end(jobs, old, days_ago=31)
    end(jobs, young, days_ago=29)
    storage.put(f"uploads/{KEY}", b"a video", stored)
    assert retention.prune(jobs.store, stored) == 1
    assert {key.split("/")[1] for key in keys(stored)} == {young}
    assert keys(stored, "uploads/") == [f"uploads/{KEY}"]  # it may be on its way to a search
    monkeypatch.setattr(retention, "STALE", -5)
    retention.prune(jobs.store, stored)
    assert keys(stored, "uploads/") == []


def test_a_studio_that_starts_removes_what_failed_searches_left(stored, open_jobs):
    jobs = open_jobs(stored, instant)
    kept, failed = (jobs.wait(jobs.submit(other(seed), ANNA)).id for seed in (1, 2))
    with jobs.store.transaction() as session:
        session.execute(update(Job).where(Job.id == failed).values(state=FAILED))
    jobs.close()
    open_jobs(stored, instant)
    assert {key.split("/")[1] for key in keys(stored)} == {kept}


def test_a_studio_does_not_start_where_its_bucket_is_not(stored, open_jobs):
    with pytest.raises(SettingsError, match=r"STORAGE_URL=s3://nothing: The bucket of STORAGE_URL does not exist"):
        open_jobs(replace(stored, storage_url="s3://nothing"), instant)


@pytest.mark.parametrize("seconds", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_search_waits_while_the_store_is_away_and_nothing_is_lost(two_on_postgresql, open_jobs, s3, seconds, caplog):
    line = Line(urlsplit(s3).port)
    line.mend()
    away = {"storage_endpoint": f"http://127.0.0.1:{line.port}", "storage_timeout": 1}
    settings = replace(two_on_postgresql[0], **away)
    jobs, held = open_jobs(settings, instant), threading.Event()
    done = jobs.wait(jobs.submit(other(1), ANNA)).id
    line.cut()
    threading.Timer(seconds, lambda: (held.set(), line.mend())).start()
    waiting = [jobs.submit(other(seed), ANNA) for seed in (2, 3)]
    assert [jobs.wait(job_id).state for job_id in waiting] == [DONE, DONE]
    assert held.is_set()
    assert "goes back to the queue" in caplog.text
    assert {jobs.get(job_id).attempts for job_id in waiting} == {1}
    for seed, job_id in zip((1, 2, 3), (done, *waiting), strict=True):
        assert storage.get(f"generated/{job_id}/music.wav", settings) == f"music.wav of {seed}".encode()
    jobs.close()
    line.cut()


def test_a_search_is_deleted_only_with_its_files(stored, open_jobs, s3):
    jobs = open_jobs(stored, instant)
    job_id = jobs.wait(jobs.submit(QUERY, ANNA)).id
    away = replace(stored, storage_endpoint="http://127.0.0.1:9", storage_timeout=1)
    with pytest.raises(storage.Unreachable):
        history.remove(job_id, jobs.store, away)
    assert jobs.get(job_id).state == DONE
    jobs.delete(job_id)
    assert (jobs.get(job_id), keys(stored)) == (None, [])


@pytest.mark.parametrize("number", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_of_many_searches_over_two_studios_none_is_lost_and_none_run_twice(two_on_postgresql, open_jobs, number):
    two = two_on_postgresql
    begun = []

    def note(query, *rest):
        begun.append(query.seed)
        instant(query, *rest)

    studios = [open_jobs(replace(settings, max_queued=1000), note) for settings in two]
    ids = {seed: studios[seed % 2].submit(other(seed), ANNA) for seed in range(number)}
    assert {studios[(seed + 1) % 2].wait(job_id).state for seed, job_id in ids.items()} == {DONE}
    assert sorted(begun) == list(range(number))
    for seed, job_id in ids.items():
        for settings in two:
            assert storage.get(f"generated/{job_id}/music.wav", settings) == f"music.wav of {seed}".encode()
    assert len(keys(two[0])) == 2 * number


def test_readings_are_shared_and_one_that_cannot_be_kept_costs_nothing(two, silent_clip):
    from core.engines import no_report
    from tiktok_to_text import read

    first = read(silent_clip, "en-US", two[0], no_report)
    assert (first.cached, read(silent_clip, "en-US", two[1], no_report).cached) == (False, True)
    away = replace(two[0], storage_endpoint="http://127.0.0.1:9", storage_timeout=1)
    again = read(silent_clip, "en-US", away, no_report)
    assert (again.cached, again.on_screen) == (False, first.on_screen)


def test_a_check_of_the_studio_tries_the_store(stored, settings):
    from pipeline import health

    (name, missing, attempt), *_ = health.checks(stored)
    assert (name, missing, attempt()) == ("storage", None, None)
    _, _, attempt = next(health.checks(replace(stored, storage_url="s3://nothing")))
    with pytest.raises(EngineError, match="bucket of STORAGE_URL does not exist"):
        attempt()
    assert "storage" not in [name for name, *_ in health.checks(settings)]
