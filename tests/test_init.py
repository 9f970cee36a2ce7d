"""`python init.py`: what it fetches from a hub, says and returns, for models that are here, missing, damaged, or out
of reach. Whole journeys run the command itself; the hub is one on a loopback port with the published names."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time

import pytest

import downloads
import init
from animate_text import checkpoints
from engines import EngineError
from music_gen import musicgen
from settings import ROOT, Settings
from tests import models, models_sd
from tests.services import faults, hub
from utils import checkpoint_folder

MUSIC, IMAGE, LORA, DECODER = (
    musicgen.CHECKPOINT,
    checkpoints.STABLE_DIFFUSION,
    checkpoints.LCM_LORA,
    checkpoints.TAESD,
)
CHUNK = 10 * 1024 * 1024  # bytes that the hub's library writes at a time

UNUSED = {  # files like those that lie beside the used ones in the published repositories
    MUSIC: "README.md .gitattributes pytorch_model.bin state_dict.bin compression_state_dict.bin onnx/model.onnx",
    IMAGE: "README.md v1-5-pruned.ckpt v1-5-pruned-emaonly.safetensors unet/diffusion_pytorch_model.bin "
    "unet/diffusion_pytorch_model.fp16.bin unet/diffusion_pytorch_model.non_ema.safetensors "
    "vae/diffusion_flax_model.msgpack text_encoder/pytorch_model.bin text_encoder/model.onnx vae/tf_model.h5",
    LORA: "README.md .gitattributes image.png",
    DECODER: "README.md taesd_decoder.safetensors taesd_encoder.safetensors diffusion_pytorch_model.bin",
}
USED = {
    MUSIC: "config.json generation_config.json model.safetensors preprocessor_config.json special_tokens_map.json "
    "tokenizer.json tokenizer_config.json",
    IMAGE: "model_index.json feature_extractor/preprocessor_config.json safety_checker/config.json "
    "safety_checker/model.fp16.safetensors scheduler/scheduler_config.json text_encoder/config.json "
    "text_encoder/model.fp16.safetensors tokenizer/merges.txt tokenizer/special_tokens_map.json "
    "tokenizer/tokenizer_config.json tokenizer/vocab.json unet/config.json "
    "unet/diffusion_pytorch_model.fp16.safetensors vae/config.json vae/diffusion_pytorch_model.fp16.safetensors",
    LORA: "pytorch_lora_weights.safetensors",
    DECODER: "config.json diffusion_pytorch_model.safetensors",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Tiny checkpoints of the real classes, laid out as the published repositories are."""
    base = tmp_path_factory.mktemp("published")
    image = models_sd.save_stable_diffusion(base / "image")
    shutil.copytree(models_sd.save_stable_diffusion(base / "half", variant="fp16"), image, dirs_exist_ok=True)
    (image / "tokenizer" / "tokenizer.json").unlink(missing_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.move(image / "made" / name, image / "tokenizer" / name)
    (image / "tokenizer" / "special_tokens_map.json").write_text('{"bos_token": "<|startoftext|>"}')
    music = models.save_musicgen(base / "music")
    (music / "processor_config.json").rename(music / "preprocessor_config.json")
    (music / "special_tokens_map.json").write_text('{"eos_token": "</s>", "pad_token": "<pad>"}')
    folders = {
        MUSIC: music,
        IMAGE: image,
        LORA: models_sd.save_lcm_lora(base / "lora"),
        DECODER: models_sd.save_taesd(base / "taesd"),
    }
    for checkpoint, folder in folders.items():
        for name in UNUSED[checkpoint].split():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"not used")
    return folders


@pytest.fixture
def loopback(published, tmp_path):
    """A hub that has the tested revisions, and on whose branch `main` later ones have taken their place."""
    (tmp_path / "later").mkdir()
    with hub.Hub() as service:
        for checkpoint, folder in published.items():
            service.add(checkpoint.repository, folder, checkpoint.revision)
            service.add(checkpoint.repository, tmp_path / "later", "f" * 40)
        yield service


def environment(url, home, **settings):
    own = {"HF_ENDPOINT": url, "HF_HOME": str(home), "DATA_DIR": str(home / "data"), "DEVICE": "cpu"}
    own["OMP_NUM_THREADS"] = "1"  # quicker for models this small
    return {"PATH": os.environ["PATH"], "HOME": str(home), **own, **settings}


def command(url, home, *arguments, **settings):
    return subprocess.run(
        [sys.executable, "init.py", *arguments],
        cwd=ROOT,
        env=environment(url, home, **settings),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def cached(home):
    """The files in the snapshots of a hub's cache, as "repository/file"."""
    paths = [path.relative_to(home / "hub").parts for path in (home / "hub").glob("*/snapshots/**/*") if path.is_file()]
    return {f"{folder.removeprefix('models--').replace('--', '/')}/{'/'.join(file)}" for folder, _, _, *file in paths}


@pytest.mark.slow
def test_all_models_are_fetched_tried_and_then_used_without_the_hub(loopback, tmp_path):
    done = command(loopback.url, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "MusicGen: ready" in done.stdout
    assert "Stable Diffusion: ready" in done.stdout
    wanted = {f"{point.repository}/{name}" for point, names in USED.items() for name in names.split()}
    assert loopback.fetched() == cached(tmp_path) == wanted
    assert re.search(r"musicgen-small: [\d.]+ MB\n.*v1-5: [\d.]+ MB\n.*\n.*\n +[\d.]+ MB in all\n", done.stdout)
    assert done.stdout.index("in all") < done.stdout.index("fetching")
    assert not any("xet" in request.path for request in loopback.requests)
    assert not set("\r\x1b█") & set(done.stdout + done.stderr), "a progress bar went into a pipe"

    loopback.requests.clear()
    offline = command(loopback.url, tmp_path, "--check", "--offline")
    assert offline.returncode == 0, offline.stderr
    assert not loopback.requests


def with_ballast(folder, size):
    """Make the weights of a checkpoint larger by so many bytes that no loader looks at."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file(load_file(path), path, metadata={"format": "pt", "ballast": "x" * size})
    return path


@pytest.fixture
def large(published, loopback, tmp_path):
    """The weights of MusicGen in more than one piece of what the hub's library writes at a time."""
    folder = shutil.copytree(published[MUSIC], tmp_path / "large")
    weights = with_ballast(folder, 2 * CHUNK)
    loopback.add(MUSIC.repository, folder, MUSIC.revision)
    return weights


def served(requests, size, broken_at):
    """The bytes that went out for a file: a first answer that ended early, then the rest."""
    first, second = requests
    start = int(re.fullmatch(r"bytes=(\d+)-", second)[1])
    assert first == ""
    assert start >= CHUNK
    return broken_at + size - start


@pytest.mark.slow
def test_a_connection_that_breaks_off_is_taken_up_again_in_the_same_run(loopback, large, tmp_path):
    loopback.fail(hub.breaks_off_after(CHUNK + 99), times=1, path="/cdn/")
    done = command(loopback.url, tmp_path, "--only", "music")
    assert done.returncode == 0, done.stderr
    size = large.stat().st_size
    assert served(loopback.asked_of(large), size, CHUNK + 99) < 1.1 * size
    assert not any("stable-diffusion" in request.path or "taesd" in request.path for request in loopback.requests)


@pytest.mark.slow
def test_ctrl_c_keeps_what_has_come_and_the_next_run_goes_on_from_there(loopback, large, tmp_path):
    loopback.fail(hub.stalls_after(CHUNK + 99), times=1, path="/cdn/")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    program = subprocess.Popen(
        [sys.executable, "init.py", "--only", "music"],
        cwd=ROOT,
        env=environment(loopback.url, tmp_path),
        stdout=end,
        stderr=end,
    )
    partial = tmp_path / "hub" / "models--facebook--musicgen-small" / "blobs" / f"{hub.sha256(large)}.incomplete"
    assert faults.eventually(lambda: partial.exists() and partial.stat().st_size >= CHUNK, 60)
    time.sleep(0.2)
    program.send_signal(signal.SIGINT)
    assert program.wait(20) == init.STOPPED
    os.close(end)
    said = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert re.search(r"\r.* \d+%\|.*10\.5M", said), "no progress on a terminal"
    assert "Run python init.py again" in said
    assert "Traceback" not in said

    done = command(loopback.url, tmp_path, "--only", "music")
    assert done.returncode == 0, done.stderr
    size = large.stat().st_size
    assert served(loopback.asked_of(large), size, CHUNK + 99) < 1.1 * size
    assert not partial.exists()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Runs init in this process, against a hub at an address and with a cache of the test's own."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(musicgen, "_loads", {})  # what other tests have loaded is not what is in this cache

    def set_address(url):
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")

    return set_address


@pytest.fixture
def simple(tmp_path, here):
    """A hub with files in the place of MusicGen's: what is fetched matters, not what is in it."""
    folder = tmp_path / "simple"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors", "spiece.model", "README.md"):
        (folder / name).write_bytes(name.encode() * 100)
    with hub.Hub() as service:
        service.add(MUSIC.repository, folder, MUSIC.revision)
        here(service.url)
        yield service


def snapshot(tmp_path):
    return tmp_path / "hub" / "models--facebook--musicgen-small" / "snapshots" / MUSIC.revision


def fetch_music():
    downloads.download({MUSIC.repository: MUSIC})


def fails_within(seconds, capsys):
    start = time.monotonic()
    assert init.main(["--only", "music"]) == 1
    assert time.monotonic() - start < seconds
    said = capsys.readouterr().err
    assert "The built-in engine stays in use." in said
    assert "Traceback" not in said
    return said


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


def test_all_is_ready_where_all_is_here_though_the_hub_is_not(loopback, here, monkeypatch, capsys):
    monkeypatch.setenv("DEVICE", "cpu")
    here(loopback.url)
    for kind in init.KINDS.values():
        downloads.download(kind.sources(Settings.read()))
    with faults.refusing() as gone:
        here(gone)
        assert init.main([]) == 0
    said = capsys.readouterr()
    assert "no connection" in said.err
    assert "Stable Diffusion: ready" in said.out


@pytest.mark.parametrize("url", ["hub.example", "http://[", None])
def test_a_hub_that_is_not_there_is_said_at_once_and_once(here, tmp_path, monkeypatch, capsys, url):
    monkeypatch.setenv("MUSICGEN_MODEL", "maker/music")
    with faults.refusing() as refused:
        here(url or refused)
        start = time.monotonic()
        assert init.main([]) == 1
    assert time.monotonic() - start < 3
    said = capsys.readouterr().err
    assert said.count("connection (") == 1
    assert said.count("The built-in engine stays in use.") == 2


def test_the_librarys_own_switch_for_staying_offline_is_kept(here, simple, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in fails_within(2, capsys)
    assert not simple.requests


@pytest.mark.slow
def test_a_hub_that_says_nothing_is_given_up_in_seconds(simple, capsys):
    simple.fail("hangs")
    assert "connection" in fails_within(downloads.FIRST_LOOK + 3, capsys)


REFUSALS = {
    "401": "not open to you",
    "403": "not open to you",
    "404": "not on the hub",
    "500": "the hub failed",
    "503": "the hub failed",
    "closed at once": "no connection",
}
NO_ANSWERS = ("invalid JSON", "wrong shape", "a list", "empty", "not UTF-8")


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


@pytest.fixture
def folders(published, tmp_path, monkeypatch):
    """Tiny checkpoints of the real classes, named by the settings."""
    monkeypatch.setenv("MUSICGEN_MODEL", str(published[MUSIC]))
    monkeypatch.setenv("STABLE_DIFFUSION_MODEL", str(published[IMAGE]))
    monkeypatch.setenv("LCM_LORA_MODEL", str(published[LORA]))
    monkeypatch.setenv("TAESD_MODEL", str(published[DECODER]))
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.parametrize("arguments", [["--check"], ["--offline"], []])
def test_models_in_folders_are_loaded_and_tried_once_and_no_hub_is_asked(folders, here, capsys, arguments):
    with hub.Hub() as service:
        here(service.url)
        assert init.main(arguments) == 0
    said = capsys.readouterr().out
    assert "MusicGen: ready" in said
    assert "Stable Diffusion: ready" in said
    assert not service.requests


def test_a_model_that_is_missing_is_said_and_the_other_one_is_still_tried(folders, monkeypatch, capsys):
    monkeypatch.setenv("MUSICGEN_MODEL", "nobody/nothing")
    assert init.main(["--offline"]) == 1
    said = capsys.readouterr()
    assert "nobody/nothing: not here" in said.err
    assert "The built-in engine stays in use." in said.err
    assert "Stable Diffusion: ready" in said.out


def test_what_only_makes_pictures_faster_may_be_missing(folders, monkeypatch, capsys):
    monkeypatch.setenv("LCM_LORA_MODEL", "nobody/nothing")
    assert init.main(["--check", "--only", "image"]) == 1
    said = capsys.readouterr()
    assert "nobody/nothing: not here" in said.err
    assert "built-in" not in said.err
    assert "Stable Diffusion: works with what is here" in said.out


def test_a_setting_that_cannot_be_used_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "http")
    assert init.main(["--check"]) == 1
    assert "PORT" in capsys.readouterr().err
