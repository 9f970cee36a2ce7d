import shutil

import pytest

from summariser import local
from tests.hubs import BRIEF, CHUNK, DECODER, IMAGE, LORA, MUSIC, UNCONVERTED, UNUSED, with_ballast
from tests.musicgen import forget_loaded
from tools.random_weights.language_model import save_language_model
from tools.random_weights.musicgen import save_musicgen
from tools.random_weights.stable_diffusion import save_lcm_lora, save_stable_diffusion, save_taesd
from tools.services import hub


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """Tiny checkpoints of the real classes, laid out as the published repositories are."""
    base = tmp_path_factory.mktemp("published")
    image = save_stable_diffusion(base / "image")
    shutil.copytree(save_stable_diffusion(base / "half", variant="fp16"), image, dirs_exist_ok=True)
    (image / "tokenizer" / "tokenizer.json").unlink(missing_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.move(image / "made" / name, image / "tokenizer" / name)
    (image / "tokenizer" / "special_tokens_map.json").write_text('{"bos_token": "<|startoftext|>"}')
    music = save_musicgen(base / "music")
    (music / "processor_config.json").rename(music / "preprocessor_config.json")
    (music / "special_tokens_map.json").write_text('{"eos_token": "</s>", "pad_token": "<pad>"}')
    folders = {
        BRIEF: save_language_model(base / "brief"),
        MUSIC: music,
        IMAGE: image,
        LORA: save_lcm_lora(base / "lora"),
        DECODER: save_taesd(base / "taesd"),
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


@pytest.fixture
def large(published, loopback, tmp_path):
    """The weights of MusicGen in more than one piece of what the hub's library writes at a time."""
    folder = shutil.copytree(published[MUSIC], tmp_path / "large")
    weights = with_ballast(folder, 2 * CHUNK)
    loopback.add(MUSIC.repository, folder, MUSIC.revision)
    return weights


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Runs init in this process, against a hub at an address and with a cache of the test's own."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for name, value in {"DEVICE": "cpu", **UNCONVERTED}.items():
        monkeypatch.setenv(name, value)
    local.MODEL.clear()
    forget_loaded(monkeypatch)  # what other tests have loaded is not what is in this cache

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


@pytest.fixture
def folders(published, tmp_path, monkeypatch):
    """Tiny checkpoints of the real classes, named by the settings."""
    monkeypatch.setenv("LOCAL_LLM_MODEL", str(published[BRIEF]))
    monkeypatch.setenv("MUSICGEN_MODEL", str(published[MUSIC]))
    monkeypatch.setenv("STABLE_DIFFUSION_MODEL", str(published[IMAGE]))
    monkeypatch.setenv("LCM_LORA_MODEL", str(published[LORA]))
    monkeypatch.setenv("TAESD_MODEL", str(published[DECODER]))
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
