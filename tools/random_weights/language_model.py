"""A tiny language model of the real class, with random weights and a tokenizer of its own."""

from collections.abc import Mapping
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
CORPUS = ["Bread needs flour, water, salt and time. Fold the dough, then let it rest and bake it hot."]


TINY = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "vocab_size": 0,
    "max_position_embeddings": 40_000,
    "tie_word_embeddings": True,
}
# As in the config.json of the published models.
QWEN3_1_7B = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "max_position_embeddings": 40_960,
    "tie_word_embeddings": True,
}
LLAMA3_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 128_256,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}


def save_language_model(
    folder: Path, seed: int = 0, kind: str = "Qwen3", sizes: Mapping[str, int] = TINY, dtype: str = "float32"
) -> Path:
    """Save a `kind`ForCausalLM, Qwen3 or Llama, with a tokenizer; `sizes` are of its configuration."""
    import torch
    import transformers

    tokenizer = make_tokenizer()
    vocabulary = {"vocab_size": max(len(tokenizer), sizes["vocab_size"])}
    config = getattr(transformers, f"{kind}Config")(**(sizes | vocabulary))
    config.eos_token_id = tokenizer.eos_token_id
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained, eos_token=SPECIAL[0], pad_token=SPECIAL[0], chat_template=TEMPLATE
    )
