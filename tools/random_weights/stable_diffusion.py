"""Checkpoints of the classes that Stable Diffusion is made of, with random weights: tiny ones, or of any size."""

import json
from dataclasses import dataclass
from pathlib import Path

TEXT_WIDTH = 32
LORA_RANK = 4
LORA_SCALE = 0.1  # of the random weights
PASSING, BLOCKING = 1.0, -1.0  # no cosine is above 1, every one is above -1


@dataclass(frozen=True)
class Sizes:
    """The configurations of the parts, as their classes take them."""

    unet: dict
    decoder: dict
    text: dict
    vision: dict
    projection: int


TINY = Sizes(
    unet={
        "sample_size": 16,
        "layers_per_block": 1,
        "block_out_channels": (8, 16),
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": TEXT_WIDTH,
        "attention_head_dim": 2,
    },
    decoder={
        "sample_size": 64,
        "block_out_channels": (4, 4, 8, 8),
        "norm_num_groups": 2,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
    },
    text={"hidden_size": TEXT_WIDTH, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
    vision={
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
    },
    projection=16,
)


def save_stable_diffusion(
    folder: Path, threshold: float | None = PASSING, variant: str | None = None, sizes: Sizes = TINY
) -> Path:
    """Save a whole pipeline. `threshold` is the cosine above which its safety checker blocks; None leaves it out."""
    import torch
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPImageProcessor, CLIPTextModel

    torch.manual_seed(0)
    with_checker = threshold is not None
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(latent_channels=4, **sizes.decoder),
        text_encoder=CLIPTextModel(_text_config(sizes)),
        tokenizer=_tokenizer(folder / "made"),
        unet=UNet2DConditionModel(**sizes.unet),
        # the configuration that Stable Diffusion 1.5 is published with
        scheduler=PNDMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
        ),
        safety_checker=_safety_checker(threshold, sizes) if with_checker else None,
        feature_extractor=CLIPImageProcessor(size=sizes.vision["image_size"], crop_size=sizes.vision["image_size"]),
        requires_safety_checker=with_checker,
    )
    if variant == "fp16":
        pipeline.to(torch.float16)
    pipeline.save_pretrained(folder, variant=variant)
    return folder


def _text_config(sizes):
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        **sizes.text,
        vocab_size=514,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )


def _tokenizer(folder):
    """A byte-level tokenizer that knows no merges: a token a letter."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=77)


def _safety_checker(threshold, sizes):
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(
            text_config={**text, "vocab_size": 16, "bos_token_id": 0, "eos_token_id": 1},
            vision_config=sizes.vision,
            projection_dim=sizes.projection,
        )
    )
    for thresholds in (checker.concept_embeds_weights, checker.special_care_embeds_weights):
        torch.nn.init.constant_(thresholds, threshold)
    torch.nn.init.normal_(checker.concept_embeds)
    torch.nn.init.normal_(checker.special_care_embeds)
    return checker


def save_lcm_lora(folder: Path, sizes: Sizes = TINY, rank: int = LORA_RANK) -> Path:
    """Save a LoRA for the attention and the convolutions, in the format that LCM-LoRA is published in (kohya's)."""
    import torch
    from diffusers import UNet2DConditionModel
    from safetensors.torch import save_file

    torch.manual_seed(1)
    with torch.device("meta"):  # only the names and the shapes are of interest
        unet = UNet2DConditionModel(**sizes.unet)
    weights = {}
    for name, module in unet.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and (".attn" in name or ".conv1" in name):
            key = "lora_unet_" + name.replace(".", "_")
            out, wide, *kernel = module.weight.shape
            weights[f"{key}.lora_down.weight"] = LORA_SCALE * torch.randn(rank, wide, *kernel)
            weights[f"{key}.lora_up.weight"] = LORA_SCALE * torch.randn(out, rank, *[1] * len(kernel))
            weights[f"{key}.alpha"] = torch.tensor(2.0 * rank)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "pytorch_lora_weights.safetensors")
    return folder


def save_taesd(folder: Path, channels: int = 4, blocks: tuple[int, ...] = (1, 1, 1, 1)) -> Path:
    """Save a decoder of the class that TAESD has."""
    import torch
    from diffusers import AutoencoderTiny

    torch.manual_seed(2)
    AutoencoderTiny(
        encoder_block_out_channels=(channels,) * 4,
        decoder_block_out_channels=(channels,) * 4,
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks[::-1],
    ).save_pretrained(folder)
    return folder
