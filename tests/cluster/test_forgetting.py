"""Own videos that a visitor deletes are gone from the workers too."""

import os
import signal
from dataclasses import replace
from glob import glob
from hashlib import sha256
from pathlib import Path

import pytest

from core.engines import no_report
from core.files import LocalFile
from tests import clusters
from tests.cluster import stages
from tests.queues import ANNA
from tests.searches import QUERY, instant
from tiktok_videos.uploads import Received
from tools.waiting import until

OTHER = "0" * 64


def kept(cluster, content):
    """What the workers keep of a content, and of parts of videos."""
    folders = [cluster.folder / f"worker-{number}" / "data" for number in range(3)]
    patterns = (f"*/{content}*", "drafts/segments/*")
    # Path.glob of Python 3.11 fails where a folder goes while it looks: this one does not.
    return {Path(path) for data in folders for pattern in patterns for path in glob(f"{data}/{pattern}")}  # noqa: PTH207


def leave(cluster, content, number=0):
    """Have a worker keep what is read of a content, and a part of a video."""
    data = cluster.folder / f"worker-{number}" / "data"
    for path in (
        data / "texts" / f"{content}-1.json",
        data / "traits" / f"{content}-1.json",
        data / "drafts/segments/1",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")


@pytest.mark.slow
def test_a_deleted_search_takes_its_own_videos_and_what_was_read_of_them_from_all_workers(
    on_cluster, cluster, open_jobs
):
    settings, pools = on_cluster
    content = sha256(b"a video").hexdigest()
    clip = settings.data_dir / "uploads" / f"{content}.mp4"
    clip.parent.mkdir(parents=True, exist_ok=True)
    (part := clip.parent / ".part-1").write_bytes(b"a video")
    jobs = open_jobs(settings, instant, pools=pools)
    job_id = jobs.submit(replace(QUERY, uploads=((clip.name, "Mine"),)), ANNA, videos=[Received(part, clip.name)])
    jobs.wait(job_id)
    there = LocalFile(clip)
    assert pools.videos.submit(stages.content, there, settings, no_report).result(60) == b"a video"
    for number in range(3):
        leave(cluster, content, number)
    leave(cluster, OTHER)
    assert {path.parent.name for path in kept(cluster, content)} == {"carried", "texts", "traits", "segments"}
    jobs.delete(job_id)
    until(lambda: not kept(cluster, content))
    assert {path.parent.name for path in kept(cluster, OTHER)} == {"texts", "traits"}

    _folder, process, _key = pools.videos.submit(stages.where, settings, no_report).result(60)
    for number in range(3):
        leave(cluster, content, number)  # as on a worker that was away when it was told
    os.kill(process, signal.SIGKILL)
    until(lambda: len(kept(cluster, content)) < 7, 60)
    clusters.ready(pools, 3)


def test_a_file_that_is_used_again_is_not_forgotten_later(nowhere):
    from core.cluster.connection import Connection

    connection = Connection(nowhere)
    connection.forget_files(["a", "b"])
    connection.want_files(["b"])
    assert list(connection._forgotten) == ["a"]
    connection.close()
