"""A studio that is killed while it renders a video: what is finished is not made again."""

import json
import shutil
from dataclasses import replace

import pytest

from animate_text import Timeline
from core.executors import open_pools
from jobs import history
from jobs.models import DONE
from jobs.queue import Jobs
from pipeline import Query
from tests import videos
from tests.queues import work_until_done
from tests.small_frames import segments, shrink
from tools.waiting import until

QUERY = Query(("AI",), seconds=5, seed=7, video=True)


def draw_until_done(settings, job_id):
    """What the studio's process does, with most of its pixels left out."""
    shrink()
    work_until_done(settings, job_id)


def stored(settings, job_id):
    jobs = Jobs(settings, open_pools(settings))
    job = jobs.get(job_id)
    jobs.close()
    return job


def submitted(settings, fonts):
    shutil.copytree(fonts, settings.data_dir / "drafts" / "fonts")
    jobs = Jobs(settings, open_pools(settings))
    job_id = jobs.submit(QUERY, "v" * 32)
    jobs.close()
    return job_id


@pytest.fixture
def studio(settings, small_library):
    return replace(settings, video_library=small_library, max_running=1, video_workers=1)


@pytest.mark.slow
def test_killed_while_rendering_the_video_is_completed_and_finished_parts_are_kept(studio, processes, fonts):
    def run():
        process = processes.Process(target=draw_until_done, args=(studio, job_id))
        process.start()
        return process

    job_id = submitted(studio, fonts)
    process = run()
    until(lambda: len(segments(studio.data_dir)) >= 1 or not process.is_alive(), 200)
    process.kill()
    process.join()
    before, finished = stored(studio, job_id), segments(studio.data_dir)
    assert before.state != DONE and before.stage == "video"
    assert not list(history.folder(job_id, studio).glob("draft.*"))

    run().join()
    after, parts = stored(studio, job_id), segments(studio.data_dir)
    assert (after.state, after.error) == (DONE, None)
    assert after.results["video"].warnings == ()
    assert {name: parts[name] for name in finished} == finished, "a finished part was encoded again"
    for stage in ("summary", "music", "image"):
        assert after.results[stage] == before.results[stage], "seconds and all: it was not done again"
    folder = history.folder(job_id, studio)
    timeline = Timeline.from_json(json.loads((folder / "draft.json").read_text()))
    assert len(parts) == len(timeline.shots), "as many parts as shots, and no other"
    assert videos.facts(folder / "draft.mp4").frames == timeline.frames[-1][1]
