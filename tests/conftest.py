import os
import secrets
import subprocess
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

if "PYTEST_XDIST_WORKER" in os.environ:  # before PyTorch and NumPy are imported, here or in a process of a test
    # Tests that run beside others have a core each: threads of theirs would only wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from core import memory
from core.executors import open_pools
from jobs.queue import Jobs
from settings import ROOT, Settings
from tests import shared
from tools.services import s3 as s3_server

memory.share_arenas()  # as the studio does

TOGETHER = ("browser", "cluster")  # folders whose tests share what takes long to start


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """The tests of a file run in one process; those of all pages share a server, those of the cluster its workers.

    Groups with many slow tests begin first, so that none is left when the other processes have nothing more to do.
    """
    slow = Counter()
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
        slow[_group(item)] += item.get_closest_marker("slow") is not None
    items.sort(key=lambda item: -slow[_group(item)])


def _group(item):
    if "cluster" in item.fixturenames:
        return "cluster"
    parts = item.path.relative_to(ROOT / "tests").parts
    return parts[0] if parts[0] in TOGETHER else "/".join(parts)


@pytest.fixture(scope="session", autouse=True)
def shared_folders(tmp_path_factory):
    """See tests/shared.py. The processes of a run have each a folder in a common one."""
    base = tmp_path_factory.getbasetemp()
    shared.keep_in((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")


@pytest.fixture
def settings(tmp_path):
    """The defaults, with everything that is written going to a folder of the test's own."""
    return Settings.read({"DATA_DIR": str(tmp_path / "data"), "GENERATED_DIR": str(tmp_path / "generated")})


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(request, settings):
    """The settings with an empty database: SQLite, then PostgreSQL where TEST_DATABASE_URL names a server."""
    if request.param == "sqlite":
        yield settings
        return
    with own_schema() as url:
        yield replace(settings, database_url=url)


@pytest.fixture
def on_postgresql(settings):
    """The settings with an empty PostgreSQL database, where TEST_DATABASE_URL names a server."""
    with own_schema() as url:
        yield replace(settings, database_url=url)


@contextmanager
def own_schema():
    """The address of an empty schema on the server of TEST_DATABASE_URL, removed at the end of the block."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.skip("TEST_DATABASE_URL is not set: nothing is tested on PostgreSQL")
    from sqlalchemy import create_engine, make_url, text

    schema, server = f"test_{secrets.token_hex(8)}", create_engine(url)
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    own = make_url(url).update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with server.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    server.dispose()


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """The address of an S3 server on the loopback, which forgets everything at its end."""
    with s3_server.serving(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def storing(s3):
    """Makes settings keep their files in the S3 server, in a part of it that is the test's own."""
    own = s3_server.chosen(s3, secrets.token_hex(8))
    return lambda settings, **more: replace(settings, **own | more)


@pytest.fixture
def open_jobs():
    """Opens a queue whose searches a function runs, and starts its workers; closed at the end of the test."""
    opened = []

    def open_(settings, run, start=True, pools=None):
        jobs = Jobs(settings, pools or open_pools(settings), run)
        opened.append(jobs)
        if start:
            jobs.start()
        return jobs

    yield open_
    for jobs in opened:
        jobs.close()


@pytest.fixture(scope="session")
def samples():
    return ROOT / "tiktok_videos" / "samples"


@pytest.fixture(scope="session")
def silent_clip(tmp_path_factory):
    """Two seconds of one colour, with no audio track and no text."""
    from imageio_ffmpeg import get_ffmpeg_exe

    path = tmp_path_factory.mktemp("clips") / "silent.mp4"
    source = ["-f", "lavfi", "-i", "color=teal:size=180x320:rate=10:duration=2"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, "-pix_fmt", "yuv420p", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def small_library(samples):
    """A library with one category, which holds four seconds of a sample clip in which somebody speaks."""
    category = next(samples.glob("AI-*"))
    clip = min(category.glob("*.mp4"))
    return shared.once("small", lambda folder: shorten(clip, folder / category.name / "clip.mp4", 4))


@pytest.fixture(scope="session")
def short_library(samples):
    """The sample library with five seconds of each clip, for searches that are not about what is read in the clips."""

    def make(folder):
        for clip in samples.glob("*/*.mp4"):
            shorten(clip, folder / clip.relative_to(samples), 5)

    return shared.once("short", make)


def shorten(clip, path, seconds):
    """Write the beginning of a clip."""
    from imageio_ffmpeg import get_ffmpeg_exe

    path.parent.mkdir(parents=True, exist_ok=True)
    source = ["-t", str(seconds), "-i", str(clip)]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, "-c", "copy", str(path)], check=True)


@pytest.fixture(scope="session")
def fonts():
    """The folder of the captions' font, which takes seconds to make."""
    return shared.fonts()


@pytest.fixture(scope="module")
def one_thread():
    """PyTorch on one thread: several would wait for each other longer than the tests' small models compute."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
