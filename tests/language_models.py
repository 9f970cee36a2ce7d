"""A tiny language model of the real class that knows one answer by heart: its weights say which token follows which."""

import itertools
import json
from pathlib import Path

from tools.random_weights.language_model import TINY, make_tokenizer

PIECES = 24  # that the answer is written in: fewer than the model has features


def save_knowing(answer: dict, folder: Path) -> Path:
    """Save a Qwen3ForCausalLM that answers whatever it is asked with `answer`, as JSON."""
    import torch
    import transformers

    text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
    begin = text.index(':"') + 2  # what comes before is dictated by the form
    pieces = _pieces(text[begin:])
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(pieces)
    config = transformers.Qwen3Config(**(TINY | {"vocab_size": len(tokenizer), "tie_word_embeddings": False}))
    config.eos_token_id = tokenizer.eos_token_id
    model = transformers.AutoModelForCausalLM.from_config(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight", "embed_tokens.weight", "lm_head.weight")):
                weights.zero_()
        chain = tokenizer.convert_tokens_to_ids(['"', *pieces])
        for feature, (token, following) in enumerate(itertools.pairwise(chain)):
            model.get_input_embeddings().weight[token, feature] = 1
            model.lm_head.weight[following, feature] = 1
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _pieces(text: str) -> list[str]:
    """The text in pieces that each end before a space: there the form of the answer never dictates what comes next."""
    pieces, begin = [], 0
    for number in range(1, PIECES):
        end = len(text) * number // PIECES
        while text[end] != " ":
            end += 1
        pieces.append(text[begin:end])
        begin = end
    return [*pieces, text[begin:]]
