"""A visitor's searches, and what is removed when."""

import hashlib
import os
import time
from dataclasses import replace

import pytest
from sqlalchemy import update

from jobs import history, retention
from jobs.models import CANCELLED, DONE, RUNNING, Job
from jobs.retention import DAY, MB
from jobs.worker import Workers
from tests.searches import QUERY, RESULTS, Held, instant, made
from tiktok_to_text import cache
from tools.waiting import until
from trend_insights import cache as traits
from trend_insights.traits import MeasureRequest

ANNA, BEN = "a" * 32, "b" * 32
KEY = "0" * 64 + ".mp4"


@pytest.fixture
def jobs(on_both, open_jobs, monkeypatch):
    monkeypatch.setattr(Workers, "_prune", lambda _: None)  # the tests say when
    return open_jobs(on_both, instant)


def done(jobs, seed=1, visitor=ANNA, days_ago=0.0, size=0, uploads=()):
    """The id of a search that ended some days ago, with a file of `size` bytes."""
    job_id = jobs.wait(jobs.submit(replace(QUERY, seed=seed, uploads=uploads), visitor)).id
    with jobs.store.transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(ended=time.time() - days_ago * DAY))
    (history.folder(job_id, jobs.settings) / "music.wav").write_bytes(b"\0" * size)
    return job_id


def file_of(path, days_ago=0.0, size=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0" * size)
    os.utime(path, (time.time() - days_ago * DAY,) * 2)
    return path


def upload(settings, key=KEY):
    return file_of(settings.data_dir / "uploads" / key)


def ids(jobs, visitor=ANNA):
    return [job.id for job in history.of_visitor(visitor, jobs.store)]


def test_a_visitor_sees_only_own_searches_newest_first(jobs):
    first, bens, second = done(jobs, 1), done(jobs, 2, BEN), done(jobs, 3)
    assert (ids(jobs), ids(jobs, BEN), ids(jobs, "c" * 32)) == ([second, first], [bens], [])


def test_a_search_can_be_named_and_found_by_name_or_tag(jobs):
    job_id = done(jobs)
    history.rename(job_id, "Ünser Ü-Test", jobs.store)
    (found,) = history.of_visitor(ANNA, jobs.store)
    assert found.name == "Ünser Ü-Test"
    assert [history.matches(found, text) for text in ("üNSER", "#ai", "", "pasta")] == [True, True, True, False]
    history.rename(job_id, None, jobs.store)
    assert jobs.get(job_id).name is None


def test_a_deleted_search_is_gone_with_its_files_and_no_other(jobs):
    kept, gone = done(jobs, 1), done(jobs, 2)
    jobs.delete(gone)
    assert ids(jobs) == [kept]
    assert not history.folder(gone, jobs.settings).exists()
    assert history.folder(kept, jobs.settings).exists()


def test_an_own_video_goes_with_the_last_search_that_uses_it(jobs):
    path, own = upload(jobs.settings), ((KEY, "Mine"),)
    first, second = done(jobs, 1, uploads=own), done(jobs, 2, BEN, uploads=own)
    jobs.delete(first)
    assert path.exists()
    jobs.delete(second)
    assert not path.exists()


def test_what_was_read_from_an_own_video_goes_with_it(jobs):
    upload(jobs.settings)
    data, content = jobs.settings.data_dir, KEY.partition(".")[0]
    own = [file_of(data / cache / f"{content}-{'1' * 32}.json") for cache in ("texts", "traits")]
    others = file_of(data / "texts" / f"{'f' * 64}-{'1' * 32}.json")
    jobs.delete(done(jobs, uploads=((KEY, "Mine"),)))
    assert ([path for path in own if path.exists()], others.exists()) == ([], True)


def test_the_parts_of_videos_go_with_an_own_video_that_may_be_in_them(jobs):
    upload(jobs.settings)
    part = file_of(jobs.settings.data_dir / "drafts" / "segments" / "a.mp4")
    font = file_of(jobs.settings.data_dir / "drafts" / "fonts" / "a.ttf")
    jobs.delete(done(jobs, 1))
    assert part.exists()
    jobs.delete(done(jobs, 2, uploads=((KEY, "Mine"),)))
    assert (part.exists(), font.exists()) == (False, True)


def test_the_parts_of_videos_go_as_soon_as_no_video_is_made_that_may_use_them(settings, open_jobs):
    held = Held()
    jobs = open_jobs(settings, lambda query, *rest: (held if query.video else instant)(query, *rest))
    upload(settings)
    part = file_of(settings.data_dir / "drafts" / "segments" / "a.mp4")
    making = jobs.submit(replace(QUERY, video=True), BEN)
    until(lambda: held.begun)
    jobs.delete(done(jobs, uploads=((KEY, "Mine"),)))
    assert part.exists()
    held.go.set()
    assert jobs.wait(making).state == DONE
    until(lambda: not part.exists(), seconds=10)


def test_the_name_of_what_was_read_begins_with_the_hash_of_the_clip(settings, tmp_path):
    clip = file_of(tmp_path / "clip.mp4")
    content = hashlib.sha256(clip.read_bytes()).hexdigest()
    assert cache.entry(clip, "en-US", settings).name.startswith(f"{content}-")
    assert traits.entry(MeasureRequest(str(clip)), settings).name.startswith(f"{content}-")


def test_an_own_video_goes_at_once_when_its_search_is_called_off(on_both, open_jobs):
    jobs = open_jobs(on_both, instant, start=False)
    path = upload(on_both)
    job_id = jobs.submit(replace(QUERY, uploads=((KEY, "Mine"),)), ANNA)
    assert history.has_uploads(jobs.get(job_id), on_both)
    jobs.cancel(job_id)
    assert (path.exists(), history.has_uploads(jobs.get(job_id), on_both)) == (False, False)


def test_whoever_has_most_loses_first_when_storage_is_short(jobs):
    """Strangers who fill the disk lose what is theirs, however old the searches of others are."""
    annas = done(jobs, 1, days_ago=20, size=MB * 3 // 10)
    bens = [done(jobs, seed, BEN, days_ago=1, size=MB * 4 // 10) for seed in (2, 3, 4)]
    assert retention.prune(jobs.store, replace(jobs.settings, max_storage_mb=1)) == 2
    assert ids(jobs) == [annas]
    assert len(set(ids(jobs, BEN)) & set(bens)) == 1


def test_visitors_of_one_address_count_together(jobs):
    annas = done(jobs, 1, days_ago=20, size=MB * 5 // 10)
    crowd = [done(jobs, seed, f"{seed:032}", days_ago=1, size=MB * 2 // 10) for seed in (2, 3, 4, 5)]
    with jobs.store.transaction() as session:
        session.execute(update(Job).where(Job.id.in_(crowd)).values(address="one"))
    assert retention.prune(jobs.store, replace(jobs.settings, max_storage_mb=1)) == 2
    assert ids(jobs) == [annas]


def test_files_that_are_gone_are_not_given_on(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    file_of(source / "image.png")
    assert sorted(history.adopt(RESULTS, source, target)) == ["image", "summary", "videos"]
    assert sorted(history.adopt(RESULTS, source, target)) == ["image", "summary", "videos"]  # after a crash, once more
    assert [path.name for path in target.iterdir()] == ["image.png"]
    assert history.adopt({"music": made(None)}, source, target) == {"music": made(None)}


def test_where_the_disk_has_no_links_files_are_copied(tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.hardlink_to", no_links)
    source, target = tmp_path / "source", tmp_path / "target"
    file_of(source / "image.png")
    assert "image" in history.adopt(RESULTS, source, target)
    assert (target / "image.png").read_bytes() == (source / "image.png").read_bytes()


def test_what_ended_too_long_ago_is_pruned(jobs):
    old, young = done(jobs, 1, days_ago=30.1), done(jobs, 2, days_ago=29.9)
    assert retention.prune(jobs.store, replace(jobs.settings, keep_days=30)) == 1
    assert ids(jobs) == [young]
    assert not history.folder(old, jobs.settings).exists()


def test_a_clock_that_is_set_a_year_ahead_prunes_nothing(jobs, monkeypatch):
    job_id, real = done(jobs), time.time
    monkeypatch.setattr("time.time", lambda: real() + 365 * DAY)
    assert retention.prune(jobs.store, jobs.settings) == 0
    assert (history.folder(job_id, jobs.settings) / "music.wav").exists()


def test_the_oldest_goes_first_when_storage_is_short(jobs):
    sizes = {3: 0.4, 1: 0.4, 2: 0.4}  # MB, by age in days
    by_age = {age: done(jobs, age, days_ago=age, size=int(size * MB)) for age, size in sizes.items()}
    assert retention.prune(jobs.store, replace(jobs.settings, max_storage_mb=1)) == 1
    assert set(ids(jobs)) == {by_age[1], by_age[2]}


def test_own_videos_and_caches_count_as_storage(jobs):
    half = MB * 45 // 100
    text = file_of(jobs.settings.data_dir / "texts" / "a.json", days_ago=3, size=half)
    video = file_of(jobs.settings.data_dir / "videos" / "b.mp4", days_ago=1, size=half)
    voice = file_of(jobs.settings.data_dir / "drafts" / "voice" / "c.wav", days_ago=4, size=half)
    file_of(jobs.settings.data_dir / "uploads" / KEY, size=half)
    job_id = done(jobs, days_ago=2, uploads=((KEY, "Mine"),))
    assert retention.prune(jobs.store, replace(jobs.settings, max_storage_mb=1)) == 0
    assert (voice.exists(), text.exists(), video.exists(), ids(jobs)) == (False, False, True, [job_id])


def test_a_running_search_keeps_all_that_it_may_be_using(jobs):
    job_id = done(jobs, days_ago=100, size=2 * MB)
    with jobs.store.transaction() as session:  # on another studio: one here that nothing runs would be taken up again
        runs_elsewhere = {"state": RUNNING, "owner": "f" * 32, "heartbeat_at": time.time()}
        session.execute(update(Job).where(Job.id == job_id).values(**runs_elsewhere))
    video = file_of(jobs.settings.data_dir / "videos" / "b.mp4", days_ago=100)
    assert retention.prune(jobs.store, replace(jobs.settings, max_storage_mb=1)) == 0
    assert history.folder(job_id, jobs.settings).exists()
    assert video.exists()


def test_results_of_the_terminal_are_pruned_and_foreign_files_never(jobs):
    results = jobs.settings.generated_dir
    own, foreign = file_of(results / ("e" * 32) / "music.wav"), file_of(results / "holiday" / "photo.jpg")
    for path in (own, own.parent, foreign, foreign.parent):
        os.utime(path, (0, 0))
    retention.prune(jobs.store, jobs.settings)
    assert (own.exists(), foreign.exists()) == (False, True)


def test_pruning_happens_by_itself(on_both, open_jobs):
    jobs = open_jobs(on_both, instant)
    old = done(jobs, days_ago=31)
    jobs.close()
    jobs = open_jobs(on_both, instant)
    deadline = time.monotonic() + 30
    while jobs.get(old) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert jobs.get(old) is None


def test_what_a_killed_process_left_is_swept_at_the_start(on_both, open_jobs):
    jobs = open_jobs(on_both, instant)
    kept_upload, own = upload(on_both), ((KEY, "Mine"),)
    kept, called_off = done(jobs, 1, uploads=own), done(jobs, 2)
    jobs.close()
    with jobs.store.transaction() as session:  # once nothing runs there that would remove its files
        session.execute(update(Job).where(Job.id == called_off).values(state=CANCELLED))
    data = on_both.data_dir
    left = [
        file_of(data / "tmp" / "trendtok-1" / "sound.wav"),
        file_of(data / "tmp" / "loose"),
        file_of(data / "texts" / "tmp1.part"),
        file_of(data / "texts" / f"{'0' * 64}.json"),  # of an earlier version
        file_of(data / "videos" / ".part-1" / "video"),
        file_of(data / "uploads" / ".part-1"),
        upload(on_both, "1" * 64 + ".mp4"),
        history.folder(called_off, on_both) / "music.wav",
    ]
    text = file_of(data / "texts" / "a.json")
    being_received = [file_of(data / "uploads" / ".part-2"), upload(on_both, "2" * 64 + ".mp4")]  # by another instance
    for path in left:
        os.utime(path, (0, 0))
    open_jobs(on_both, instant)
    assert all(path.exists() for path in being_received)
    assert [path for path in left if path.exists()] == []
    assert list((data / "tmp").iterdir()) == []
    assert kept_upload.exists()
    assert text.exists()
    assert (history.folder(kept, on_both) / "music.wav").exists()
    assert jobs.get(kept).state == DONE


def test_parts_of_videos_that_a_killed_process_had_not_finished_are_swept_at_the_start(settings, open_jobs):
    drafts = settings.data_dir / "drafts"
    finished = [file_of(drafts / "segments" / "a.mp4"), file_of(drafts / "fonts" / "a.ttf")]
    for name in ("segments/.a-1-2.mp4", "pictures/.tmp1", "voice/a.7f.part", "fonts/a.part"):
        file_of(drafts / name)
    open_jobs(settings, instant)
    assert sorted(path for path in drafts.rglob("*") if path.is_file()) == sorted(finished)
