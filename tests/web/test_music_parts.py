"""Music that is heard while it is made: its parts, and who may hear them."""

from functools import partial

import pytest

from core.engines import sound_taker
from jobs import history
from pipeline import files
from pipeline.progress import Progress, no_progress
from tools.waiting import until


@pytest.fixture
def under_way(open_app, held):
    """Begins a search: its maker's client, a stranger's, its id, and the folder that its files are made in."""

    def begin(**chosen):
        app = open_app(**chosen)
        maker = app.test_client()
        job_id = maker.post("/search", json={"tags": ["AI"]}, headers={"Prefer": "respond-async"}).json["id"]
        folder = history.folder(job_id, app.extensions["settings"])
        until((folder / ".half").exists)
        return maker, app.test_client(), job_id, folder

    return begin


def test_a_part_is_there_once_it_is_made(under_way):
    client, _, job_id, folder = under_way()
    assert client.get(f"/jobs/{job_id}/music/0.wav").status_code == 204
    files.keep_part(folder, 0, b"RIFF first")
    part = client.get(f"/jobs/{job_id}/music/0.wav")
    assert (part.status_code, part.data, part.mimetype) == (200, b"RIFF first", "audio/wav")
    assert part.headers["Cache-Control"] == "no-store"
    assert client.get(f"/jobs/{job_id}/music/1.wav").status_code == 204


def test_with_private_links_only_the_maker_hears_a_part(under_way):
    client, stranger, job_id, folder = under_way(private_links=True)
    files.keep_part(folder, 0, b"RIFF first")
    assert client.get(f"/jobs/{job_id}/music/0.wav").status_code == 200
    assert stranger.get(f"/jobs/{job_id}/music/0.wav").status_code == 404
    assert stranger.get(f"/static/generated/{job_id}/.music-000.wav").status_code == 404


def test_a_search_that_is_called_off_keeps_no_part(under_way, held):
    client, _, job_id, folder = under_way()
    files.keep_part(folder, 0, b"RIFF first")
    client.delete(f"/jobs/{job_id}")
    assert held.left.wait(10)
    until(lambda: not folder.exists())
    assert client.get(f"/jobs/{job_id}/music/0.wav").status_code == 204


@pytest.mark.parametrize("part", ["1000", "-1", "x", "99999999999999999999"])
def test_no_other_part_is_looked_for(under_way, part):
    client, _, job_id, _ = under_way()
    assert client.get(f"/jobs/{job_id}/music/{part}.wav").status_code == 404


def test_the_parts_go_when_the_piece_is_whole(tmp_path):
    progress = Progress("music", no_progress)
    progress.take_sound = partial(files.keep_part, tmp_path)
    sound_taker(progress)(0, b"RIFF first")
    (tmp_path / "music.wav").write_bytes(b"RIFF whole")
    files.remove_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["music.wav"]


def test_a_part_that_cannot_be_written_costs_nothing_else(tmp_path):
    files.keep_part(tmp_path / "gone", 0, b"RIFF first")
    assert list(tmp_path.iterdir()) == []
