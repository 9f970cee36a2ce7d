"""What is fetched from a hub, and what is said of one that is out of reach, damaged or closed."""

import shutil

import pytest

from core import hub as downloads
from core.checkpoints import checkpoint_folder
from core.engines import EngineError
from tests.hubs import IMAGE, MUSIC, NO_ANSWERS, REFUSALS, USED, fails_within, fetch_music, snapshot
from tools.services import hub


def test_what_is_here_is_not_fetched_again(simple, capsys):
    fetch_music()
    simple.requests.clear()
    capsys.readouterr()
    fetch_music()
    assert not simple.fetched()
    assert capsys.readouterr().out == ""


def test_a_branch_that_has_moved_on_is_followed(simple, tmp_path):
    folder = simple.repositories[MUSIC.repository].commits[MUSIC.revision]
    later = shutil.copytree(folder, tmp_path / "later")
    (later / "config.json").write_text("{}")
    for commit, content in (("a" * 40, folder), ("b" * 40, later)):
        simple.add("somebody/tuned", content, commit)
        simple.requests.clear()
        downloads.download({"somebody/tuned": MUSIC})
        assert (checkpoint_folder("somebody/tuned", MUSIC) / "config.json").read_bytes() == (
            content / "config.json"
        ).read_bytes()
    assert simple.fetched() == {"somebody/tuned/config.json"}, "what has not changed came a second time"


def test_the_librarys_own_switch_for_staying_offline_is_kept(here, simple, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in fails_within(2, capsys)
    assert not simple.requests


@pytest.mark.slow
def test_a_hub_that_says_nothing_is_given_up_in_seconds(simple, capsys):
    simple.fail("hangs")
    assert "connection" in fails_within(downloads.FIRST_LOOK + 3, capsys)


@pytest.mark.parametrize(
    ("path", "fault", "words"),
    [
        *(("/api/", *refusal) for refusal in REFUSALS.items()),
        *(("/cdn/", *refusal) for refusal in REFUSALS.items()),
        ("/api/", "429 for an hour", "asks to wait"),
        ("/api/", "not HTTP", "no connection"),
        *(("/api/", fault, "login page") for fault in NO_ANSWERS),
        *(("/cdn/", fault, "Run python init.py again") for fault in NO_ANSWERS),  # it has not the size that was said
    ],
)
def test_what_goes_wrong_at_the_hub_is_said_plainly(simple, capsys, path, fault, words):
    simple.fail(fault, path=path)
    assert words in fails_within(5, capsys)


def test_a_repository_that_is_not_there_is_said(simple, capsys):
    simple.repositories.clear()
    assert "is not on the hub, or not open to you (HTTP 401)" in fails_within(2, capsys)


def test_a_closed_repository_opens_with_a_token_that_no_other_host_gets(simple, monkeypatch, tmp_path, capsys):
    simple.repositories[MUSIC.repository].token = "hf_of-the-test"
    assert "HF_TOKEN" in fails_within(2, capsys)
    monkeypatch.setenv("HF_TOKEN", "hf_of-the-test")
    fetch_music()
    assert (snapshot(tmp_path) / "model.safetensors").is_file()  # the host of large files refuses a token


def test_a_repository_with_terms_to_agree_to_is_said(simple, capsys):
    simple.repositories[MUSIC.repository].gated = True
    assert "agreed to its terms" in fails_within(2, capsys)


def test_a_revision_that_is_gone_is_said(simple, capsys):
    commits = simple.repositories[MUSIC.repository].commits
    commits["f" * 40] = commits.pop(MUSIC.revision)
    assert "The revision of facebook/musicgen-small that was tested is gone" in fails_within(2, capsys)


@pytest.mark.parametrize("model", ["./no/such/folder", "a b c", "x" * 300])
def test_a_model_that_is_neither_a_folder_nor_a_repository_is_said(simple, monkeypatch, capsys, model):
    monkeypatch.setenv("MUSICGEN_MODEL", model)
    assert "neither a folder here nor the name of a repository" in fails_within(2, capsys)


def test_a_disk_that_is_too_full_is_said_before_anything_is_downloaded(simple, capsys):
    simple.repositories[MUSIC.repository].claimed["model.safetensors"] = 10**17
    said = fails_within(2, capsys)
    assert "100000001.00 GB must be free" in said
    assert "HF_HOME" in said
    assert not simple.fetched()


def test_hashes_that_are_paths_are_refused(simple, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(hub, "sha256", lambda _path: "../../../../escaped")
    assert "none of the hub's" in fails_within(2, capsys)
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_damaged_bytes_are_found_removed_and_fetched_again(simple, tmp_path, capsys, name):
    content = simple.repositories[MUSIC.repository].commits[MUSIC.revision] / name
    simple.fail(hub.damaged, path=hub.sha256(content) if name == "model.safetensors" else f"resolve-cache.*{name}")
    assert f"{name}: damaged, and now removed" in fails_within(5, capsys)
    simple.heal()
    assert not any(path.name == name for path in snapshot(tmp_path).iterdir())
    fetch_music()
    downloads.verify(snapshot(tmp_path))
    assert (snapshot(tmp_path) / name).read_bytes() == content.read_bytes()


def test_a_partial_file_that_is_longer_than_the_whole_is_begun_again(simple, tmp_path):
    weights = simple.repositories[MUSIC.repository].commits[MUSIC.revision] / "model.safetensors"
    partial = snapshot(tmp_path).parents[1] / "blobs" / f"{hub.sha256(weights)}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 5000)
    fetch_music()
    downloads.verify(snapshot(tmp_path))
    assert simple.asked_of(weights) == [""]


def test_a_file_that_another_program_is_downloading_is_left_to_it(simple, tmp_path, capsys):
    from huggingface_hub.utils import WeakFileLock

    weights = simple.repositories[MUSIC.repository].commits[MUSIC.revision] / "model.safetensors"
    locks = tmp_path / "hub" / ".locks" / "models--facebook--musicgen-small"
    locks.mkdir(parents=True)
    with WeakFileLock(locks / f"{hub.sha256(weights)}.lock"):
        assert "is being downloaded by another program" in fails_within(5, capsys)
    assert not simple.asked_of(weights)


def test_content_that_a_cache_shares_between_repositories_counts_as_whole(simple, tmp_path):
    """The hub's library keeps what it fetches by Xet under Xet's own hash, with a link in the usual place."""
    from huggingface_hub.utils._shared_blobs import publish_blob_to_shared_store

    fetch_music()
    weights = simple.repositories[MUSIC.repository].commits[MUSIC.revision] / "model.safetensors"
    blob = snapshot(tmp_path).parents[1] / "blobs" / hub.sha256(weights)
    arguments = {"xet_hash": hub.xet_hash(weights), "cache_dir": str(tmp_path / "hub")}
    size = weights.stat().st_size
    assert publish_blob_to_shared_store(blob_path=str(blob), expected_size=size, replace_existing=False, **arguments)
    assert blob.is_symlink()
    downloads.verify(snapshot(tmp_path))
    blob.resolve().write_bytes(b"damaged")
    with pytest.raises(EngineError, match="damaged"):
        downloads.verify(snapshot(tmp_path))
    fetch_music()
    downloads.verify(snapshot(tmp_path))
    assert (snapshot(tmp_path) / "model.safetensors").read_bytes() == weights.read_bytes()


def test_of_other_repositories_the_weights_that_they_have_are_chosen():
    whole = [name.replace(".fp16", "") for name in USED[IMAGE].split()]
    assert downloads.choose_files([*whole, "v1-5-pruned.ckpt"], IMAGE) == whole
    parts = ["config.json", "tokenizer.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"]
    assert downloads.choose_files([*parts, "pytorch_model-00001-of-00002.bin"], MUSIC) == parts
