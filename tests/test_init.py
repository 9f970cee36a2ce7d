"""`python init.py`: what it says and returns for models that are here, missing, damaged, or out of reach."""

import hashlib

import pytest

import init
from engines import EngineError
from tests import models, models_sd


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Tiny checkpoints of the real classes, named by the settings."""
    monkeypatch.setenv("MUSICGEN_MODEL", str(models.save_musicgen(tmp_path / "musicgen")))
    monkeypatch.setenv("STABLE_DIFFUSION_MODEL", str(models_sd.save_stable_diffusion(tmp_path / "diffusion")))
    monkeypatch.setenv("LCM_LORA_MODEL", str(models_sd.save_lcm_lora(tmp_path / "lora")))
    monkeypatch.setenv("TAESD_MODEL", str(models_sd.save_taesd(tmp_path / "taesd")))
    monkeypatch.setenv("DEVICE", "cpu")
    return tmp_path


@pytest.mark.parametrize(("only", "name"), [("music", "MusicGen"), ("image", "Stable Diffusion")])
def test_models_that_are_here_are_loaded_and_tried_once(folders, capsys, only, name):
    assert init.main(["--only", only, "--check"]) == 0
    assert f"{name}: ready" in capsys.readouterr().out


def test_a_model_that_is_missing_is_said_and_the_other_one_is_still_tried(folders, monkeypatch, capsys):
    monkeypatch.setenv("MUSICGEN_MODEL", "nobody/nothing")
    assert init.main(["--offline"]) == 1
    said = capsys.readouterr()
    assert "nobody/nothing is not here" in said.err
    assert "The built-in engine stays in use." in said.err
    assert "Stable Diffusion: ready" in said.out


def test_a_setting_that_cannot_be_used_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "http")
    assert init.main(["--check"]) == 1
    assert "PORT" in capsys.readouterr().err


def test_a_damaged_file_is_removed(tmp_path):
    whole, damaged = tmp_path / "blobs" / hashlib.sha256(b"whole").hexdigest(), tmp_path / "blobs" / ("0" * 64)
    whole.parent.mkdir()
    whole.write_bytes(b"whole")
    damaged.write_bytes(b"damaged")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "model.safetensors").symlink_to(whole)
    init.verify(tmp_path / "snapshot")
    (tmp_path / "snapshot" / "other.safetensors").symlink_to(damaged)
    with pytest.raises(EngineError, match="damaged"):
        init.verify(tmp_path / "snapshot")
    assert whole.exists()
    assert not damaged.exists()


def test_a_disk_that_is_too_full_is_said_before_anything_is_downloaded(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(EngineError, match="HF_HOME"):
        init._check_disk(10**18)
