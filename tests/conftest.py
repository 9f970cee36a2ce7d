import os
import secrets
import subprocess
from dataclasses import replace

import pytest

from jobs import Jobs
from settings import ROOT, Settings


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
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.skip("TEST_DATABASE_URL is not set: nothing is tested on PostgreSQL")
    from sqlalchemy import create_engine, make_url, text

    schema, server = f"test_{secrets.token_hex(8)}", create_engine(url)
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    own = make_url(url).update_query_dict({"options": f"-csearch_path={schema}"})
    yield replace(settings, database_url=own.render_as_string(hide_password=False))
    with server.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    server.dispose()


@pytest.fixture
def open_jobs():
    """Opens a queue whose searches a function runs, and starts its workers; closed at the end of the test."""
    opened = []

    def open_(settings, run, start=True):
        jobs = Jobs(settings, run)
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
def small_library(tmp_path_factory, samples):
    """A library with one category, which holds four seconds of a sample clip in which somebody speaks."""
    from imageio_ffmpeg import get_ffmpeg_exe

    category = next(samples.glob("AI-*"))
    shelf = tmp_path_factory.mktemp("library") / category.name
    shelf.mkdir()
    source = ["-t", "4", "-i", str(min(category.glob("*.mp4")))]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, "-c", "copy", str(shelf / "clip.mp4")], check=True)
    return shelf.parent
