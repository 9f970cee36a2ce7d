"""Checkpoints of the real model classes with random weights, small enough to make and run in a test."""

from pathlib import Path

WORDS = "warm slow fast piano drums bass ambient techno with soft loud a the and of for chords"


def save_musicgen(folder: Path, channels: int = 1, seed: int = 0, full_size: bool = False) -> Path:
    """Save a MusicgenForConditionalGeneration with its processor: 32 kHz, 50 frames a second, as published.

    With `full_size` it has the sizes of facebook/musicgen-small (2.4 GB), for measuring.
    """
    import torch
    from transformers import (
        EncodecFeatureExtractor,
        MusicgenConfig,
        MusicgenForConditionalGeneration,
        MusicgenProcessor,
    )

    torch.manual_seed(seed)
    text, codec, decoder = _full_size() if full_size else _small(channels)
    model = MusicgenForConditionalGeneration(MusicgenConfig(text_encoder=text, audio_encoder=codec, decoder=decoder))
    _liven(model)
    pad = decoder.pad_token_id
    model.generation_config.update(
        do_sample=True, guidance_scale=3.0, pad_token_id=pad, bos_token_id=pad, decoder_start_token_id=pad
    )
    model.save_pretrained(folder)
    processor = MusicgenProcessor(EncodecFeatureExtractor(channels, sampling_rate=32000), _t5_tokenizer())
    processor.save_pretrained(folder)
    return folder


def _small(channels):
    from transformers import MusicgenDecoderConfig, T5Config

    text = T5Config(vocab_size=128, d_model=24, d_kv=8, d_ff=48, num_layers=2, num_heads=3)
    decoder = MusicgenDecoderConfig(
        vocab_size=64,
        hidden_size=32,
        ffn_dim=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_codebooks=4 * channels,
        audio_channels=channels,
        pad_token_id=64,
        bos_token_id=64,
    )
    return text, _codec(num_filters=2, hidden_size=16, codebook_size=64, target_bandwidths=[1.2]), decoder


def _full_size():
    from transformers import MusicgenDecoderConfig, T5Config

    text = T5Config(vocab_size=32128, d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12)
    codec = _codec(num_filters=64, hidden_size=128, codebook_size=2048, target_bandwidths=[2.2])
    return text, codec, MusicgenDecoderConfig()


def _codec(**sizes):
    from transformers import EncodecConfig

    # target_bandwidths are such that there are four codebooks: 50 frames times 6 or 11 bits times 4.
    return EncodecConfig(
        sampling_rate=32000, upsampling_ratios=[8, 5, 4, 4], use_causal_conv=False, use_conv_shortcut=False, **sizes
    )


def _liven(model):
    """Untrained weights say nearly the same for every token: make the differences as large as training would."""
    import torch

    with torch.no_grad():
        for codebook in model.audio_encoder.quantizer.layers:
            codebook.codebook.embed.normal_()
        for name, weight in model.decoder.named_parameters():
            if "norm" not in name:
                weight.normal_(std=1.7 / model.decoder.config.hidden_size**0.5)


def _t5_tokenizer():
    from tokenizers import Tokenizer, models, trainers
    from tokenizers.pre_tokenizers import Metaspace
    from transformers import T5Tokenizer

    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=special, unk_token=special[-1])
    trained.train_from_iterator([WORDS], trainer)
    return T5Tokenizer(tokenizer_object=trained, extra_ids=0)
