"""What the tests of a model hub have in common."""

import os
import re
import subprocess
import sys
import time

import init
from animate_text import checkpoints
from core import hub as downloads
from music_gen import musicgen
from settings import ROOT
from summariser import local

BRIEF, MUSIC, IMAGE, LORA, DECODER = (
    local.CHECKPOINT,
    musicgen.CHECKPOINT,
    checkpoints.STABLE_DIFFUSION,
    checkpoints.LCM_LORA,
    checkpoints.TAESD,
)

CHUNK = 10 * 1024 * 1024  # bytes that the hub's library writes at a time

UNUSED = {  # files like those that lie beside the used ones in the published repositories
    BRIEF: "README.md LICENSE .gitattributes",
    MUSIC: "README.md .gitattributes pytorch_model.bin state_dict.bin compression_state_dict.bin onnx/model.onnx",
    IMAGE: "README.md v1-5-pruned.ckpt v1-5-pruned-emaonly.safetensors unet/diffusion_pytorch_model.bin "
    "unet/diffusion_pytorch_model.fp16.bin unet/diffusion_pytorch_model.non_ema.safetensors "
    "vae/diffusion_flax_model.msgpack text_encoder/pytorch_model.bin text_encoder/model.onnx vae/tf_model.h5",
    LORA: "README.md .gitattributes image.png",
    DECODER: "README.md taesd_decoder.safetensors taesd_encoder.safetensors diffusion_pytorch_model.bin",
}

USED = {
    BRIEF: "chat_template.jinja config.json generation_config.json model.safetensors tokenizer.json "
    "tokenizer_config.json",
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

REFUSALS = {
    "401": "not open to you",
    "403": "not open to you",
    "404": "not on the hub",
    "500": "the hub failed",
    "503": "the hub failed",
    "closed at once": "no connection",
}

UNCONVERTED = {"IMAGE_PRECISION": "float", "MUSIC_RUNTIME": "pytorch"}  # what init.py makes faster has tests of its own
NO_ANSWERS = ("invalid JSON", "wrong shape", "a list", "empty", "not UTF-8")


def environment(url, home, **settings):
    own = {"HF_ENDPOINT": url, "HF_HOME": str(home), "DATA_DIR": str(home / "data"), "DEVICE": "cpu"}
    own["OMP_NUM_THREADS"] = "1"  # quicker for models this small
    own |= UNCONVERTED
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


def with_ballast(folder, size):
    """Make the weights of a checkpoint larger by so many bytes that no loader looks at."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file(load_file(path), path, metadata={"format": "pt", "ballast": "x" * size})
    return path


def served(requests, size, broken_at):
    """The bytes that went out for a file: a first answer that ended early, then the rest."""
    first, second = requests
    start = int(re.fullmatch(r"bytes=(\d+)-", second)[1])
    assert first == ""
    assert start >= CHUNK
    return broken_at + size - start


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
    assert "Traceback" not in said, said
    return said
