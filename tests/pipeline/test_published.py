"""A whole search: its files say what made them, its answer says the same, and a broken mark costs nothing else."""

import io
import zipfile
from dataclasses import replace

import pytest

import pipeline
from animate_text import ENGINES as IMAGE
from animate_text import VOICE_ENGINES as VOICE
from core import provenance
from core.executors import open_pools
from music_gen import ENGINES as MUSIC
from pipeline import Query, origins
from summariser import ENGINES as SUMMARY
from tests import shared
from tests.core.provenance.support import active, stored, with_credentials
from tests.searches import media
from tiktok_videos import uploads
from web import exports

QUERY = Query(("AI",), seconds=5, seed=7)


@pytest.fixture
def built_in(settings, small_library):
    shared.readings(settings.data_dir)
    return replace(settings, video_library=small_library, music_engines=("composer",), image_engines=("poster",))


def search(settings, query=QUERY, name="one"):
    pools = open_pools(settings)
    folder = settings.generated_dir / name
    try:
        return pipeline.search(query, name, folder, settings, pools), folder
    finally:
        pools.close()


def test_every_engine_is_known_to_be_a_trained_model_or_not():
    assert origins.ENGINES.keys() == {*SUMMARY, *MUSIC, *IMAGE, *VOICE}


def test_a_model_is_named_with_the_revision_that_was_tested_and_another_one_without(settings):
    assert origins.maker("musicgen", settings).version.startswith("facebook/musicgen-small@4c8334b")
    other = replace(settings, musicgen_model="facebook/musicgen-large")
    assert origins.maker("musicgen", other).version == "facebook/musicgen-large"


def test_an_engine_that_is_not_known_counts_as_a_trained_model(settings):
    assert origins.of("new", 1, (), "", settings).source_type == provenance.TRAINED


@pytest.mark.slow
def test_files_and_answer_of_a_search_say_the_same_and_the_zip_has_the_same_files(built_in):
    result, folder = search(built_in)
    answer = result.to_json()
    assert answer["warnings"] == []
    assert answer["provenance"].keys() == {"summary", "music", "image"}
    for stage, name in (("music", "music.wav"), ("image", "image.png")):
        said, data = answer["provenance"][stage], (folder / name).read_bytes()
        assert said["credentials"] == "valid, signer unknown"
        assert stored(data)["validation_state"] == "Valid"
        report = provenance.read(folder / name, built_in)
        assert report.source_type == said["source_type"] == "algorithmicMedia"
        assert [given["title"] for given in report.inputs()] == said["inputs"] == ["Clip"]
    with zipfile.ZipFile(exports.bundle(answer, folder)) as archive:
        for name in ("music.wav", "image.png"):
            assert archive.read(name) == (folder / name).read_bytes()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_media(built_in):
    (_, first), (_, second) = search(built_in), search(built_in, name="two")
    for name in ("music.wav", "music.mid", "image.png"):
        assert media(first / name) == media(second / name)


def upload(data, title, settings):
    with uploads.received(io.BytesIO(data), title, settings) as received:
        uploads.keep(received, settings)
        return received.key, title


@pytest.mark.slow
def test_an_uploads_own_credentials_survive_and_broken_ones_fail_nothing(built_in, small_library):
    clip = next(small_library.rglob("*.mp4")).read_bytes()
    origin = provenance.Origin((provenance.Maker("Another studio", True),), 1)
    signed = provenance.mark(clip, "clip.mp4", origin, built_in).data
    own = (upload(signed, "signed", built_in), upload(with_credentials(clip, b"\xff" * 999), "broken", built_in))
    result, folder = search(built_in, replace(QUERY, tags=(), uploads=own))
    assert result.warnings == ()
    given = {one["title"]: one for one in active((folder / "music.wav").read_bytes())["ingredients"]}
    assert "active_manifest" in given["signed"]
    assert "active_manifest" not in given["broken"]


@pytest.mark.slow
def test_a_signing_key_that_is_broken_is_a_warning_and_everything_is_made(built_in):
    (built_in.data_dir / "signing").mkdir(parents=True)
    result, folder = search(built_in)
    assert result.music_url
    assert result.image_url
    assert len([line for line in result.warnings if "is not signed" in line]) == 2
    assert result.provenance["music"].credentials == "no content credentials"
    assert provenance.read(folder / "music.wav", built_in).source_type == "algorithmicMedia"
