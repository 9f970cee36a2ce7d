"""The picture half of `make bench-models`: Stable Diffusion at full size with random weights, plain and ours."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import utils
from animate_text import quantisation
from settings import Settings
from tools import fast_sd_recipe
from tools.measuring import Limits, Row, best, in_fresh_process, memory, seconds_of

PROMPT = "a cat on a mat, warm light"
PLAIN_STEPS = 50  # PNDM
TIMED = 3  # steps; the rest is computed


def build(folder: Path) -> None:
    """Save checkpoints with the sizes of Stable Diffusion 1.5, LCM-LoRA and TAESD (5.7 GB)."""
    from tools.random_weights.stable_diffusion import Sizes, save_lcm_lora, save_stable_diffusion, save_taesd

    _quieten()
    sizes = Sizes(
        unet={"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
        decoder={
            "sample_size": 512,
            "block_out_channels": (128, 256, 512, 512),
            "layers_per_block": 2,
            "down_block_types": ("DownEncoderBlock2D",) * 4,
            "up_block_types": ("UpDecoderBlock2D",) * 4,
        },
        text={"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        vision={
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "image_size": 224,
            "patch_size": 14,
        },
        projection=768,
    )
    save_stable_diffusion(folder / "model", sizes=sizes)
    save_lcm_lora(folder / "lora", sizes, rank=64)
    save_taesd(folder / "taesd", channels=64, blocks=(1, 3, 3, 3))


def _quieten():
    """Keep progress bars out of the table."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def use(settings: Settings, folder: Path) -> Settings:
    """Settings with which the checkpoints in `folder` answer."""
    return replace(
        settings,
        stable_diffusion_model=str(folder / "model"),
        lcm_lora_model=str(folder / "lora"),
        taesd_model=str(folder / "taesd"),
        image_engines=("stable-diffusion",),
        data_dir=folder / "data",
    )


def warm(settings: Settings) -> None:
    """Load the model and make a picture in the profile that the settings give."""
    import animate_text

    animate_text.generate(animate_text.PictureRequest(PROMPT, "", (), (), 0), settings)


def rows(settings: Settings, limits: Limits, _tokens: int, rounds: int) -> Iterator[Row]:
    """Measure; each row comes as soon as it is known."""
    found = utils.accelerator(settings)
    operations = in_fresh_process(operations_of_a_step)
    limit = limits.arithmetic[found.dtype]
    plain = in_fresh_process(measure_plain, settings)
    settings = replace(settings, image_precision="float")
    good = in_fresh_process(measure_ours, replace(settings, image_profile="quality"), rounds)
    fast = in_fresh_process(measure_ours, replace(settings, image_profile="fast"), rounds)
    line = partial(_line, path=f"{found.dtype} PyTorch")
    yield line("a guided step", good["step"], plain["step"], 2 * operations / limit / good["step"])
    yield line("a step of the profile fast", fast["step"], share=operations / limit / fast["step"])
    yield line("picture out of its latents", good["decoding"], plain["decoding"])
    yield line("the same in the profile fast", fast["decoding"], plain["decoding"])
    note = f"{plain['steps']} and {good['steps']} steps, {TIMED} timed, the rest computed"
    yield line("a picture in quality", good["picture"], plain["picture"], note=note)
    note = f"{fast['steps']} steps, the whole timed"
    yield line("a picture in fast", fast["picture"], plain["picture"], note=note)
    yield line("loading", good["loading"], plain["loading"])
    yield line("memory when warm", good["memory"][0], unit="GiB")
    yield line("memory at the most", good["memory"][1], unit="GiB", note=f"plain {plain['memory'][1]:.2f}")
    error = in_fresh_process(measure_error, replace(settings, image_profile="quality"))
    yield line("relative error of the noise", error, unit="")
    eight_bits = replace(settings, image_profile="fast", image_precision="int8")
    if in_fresh_process(quantisation.suits, eight_bits):
        yield from _rows_of_openvino(eight_bits, plain, fast, rounds)


def _line(what, ours, plain=None, share=None, unit="s", note="", path=""):
    return Row(f"Stable Diffusion: {what}", unit, ours, plain, share, note, path)


def _rows_of_openvino(settings, plain, fast, rounds):
    """Our U-Net in 8 bits, and a peer: `plain` and `fast` are what the recipes above gave."""
    seconds, _ = seconds_of(lambda: in_fresh_process(quantisation.prepare, settings, print))
    ours = in_fresh_process(measure_ours, settings, rounds)
    guided = in_fresh_process(measure_guided_int8, settings)
    line = partial(_line, path="int8 OpenVINO")
    yield line("quantising to 8 bits and judging it, once", seconds)
    yield line("a guided step", guided, plain["step"])
    yield line("a step of the profile fast", ours["step"])
    yield line("a picture in fast", ours["picture"], plain["picture"])
    yield line("loading", ours["loading"], plain["loading"])
    yield line("memory when warm", ours["memory"][0], unit="GiB")
    errors = [in_fresh_process(measure_error, replace(settings, image_precision=name)) for name in ("int8", "float")]
    yield line("relative error of the noise", errors[0], unit="", note=f"in float {errors[1]:.2f} in the profile fast")
    peer = in_fresh_process(fast_sd_recipe.measure, settings, rounds)
    best_of_ours = min((fast["picture"], "PyTorch"), (ours["picture"], "int8 OpenVINO"))
    note = f"plain: FastSD CPU's recipe, {peer['precision']} OpenVINO, unchecked and without letters"
    yield _line("the better of ours beside a peer", best_of_ours[0], peer["picture"], note=note, path=best_of_ours[1])


def operations_of_a_step():
    """The additions and multiplications of one pass of the U-Net, without guidance, attention included."""
    import torch
    from diffusers import UNet2DConditionModel
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.device("meta"), counter, sdpa_kernel(SDPBackend.MATH):  # the fused attention is not counted
        unet = UNet2DConditionModel(cross_attention_dim=768)
        unet(_noise("meta"), torch.empty(()), torch.empty(1, 77, 768))
    return counter.get_total_flops()


def _noise(device):
    import torch

    from animate_text.stable_diffusion import HEIGHT, WIDTH

    return torch.randn(1, 4, HEIGHT // 8, WIDTH // 8, device=device)


class Clock:
    """Takes the time at each report."""

    def __init__(self):
        self.times = []

    def __call__(self, *_progress):
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())

    @property
    def step(self) -> float:
        """The seconds of the fastest step; the first one has work to do that is done once."""
        return min(later - earlier for earlier, later in zip(self.times[1:], self.times[2:], strict=False))


def measure_plain(settings):
    """The plain recipe: everything anew for each request, in float32, with attention slicing and 50 steps of PNDM."""
    import torch
    from diffusers import StableDiffusionPipeline

    from animate_text.stable_diffusion import HEIGHT, WIDTH

    _quieten()
    device = utils.accelerator(settings).device
    loading, pipeline = seconds_of(
        lambda: StableDiffusionPipeline.from_pretrained(settings.stable_diffusion_model).to(device)
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.enable_attention_slicing()
    pipeline.scheduler.set_timesteps(PLAIN_STEPS)
    steps = len(pipeline.scheduler.timesteps)
    clock = Clock()

    def after_step(_pipeline, _step, _timestep, values):
        clock()
        return values

    clock()
    latents = pipeline(
        PROMPT, HEIGHT, WIDTH, TIMED - 1, output_type="latent", callback_on_step_end=after_step
    ).images  # PNDM takes one step more

    @torch.no_grad()
    def decode():
        picture = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
        pipeline.run_safety_checker(picture, device, picture.dtype)
        return picture.cpu()

    decoding, _ = seconds_of(decode)
    return {
        "loading": loading,
        "step": clock.step,
        "steps": steps,
        "decoding": decoding,
        "picture": loading + steps * clock.step + decoding,
        "memory": memory(),
    }


def measure_ours(settings, rounds):
    """Ours in one profile: `fast` is timed from the prompt to the PNG file, `quality` by some of its steps."""
    import animate_text
    from animate_text import stable_diffusion

    loading, model = seconds_of(lambda: stable_diffusion.load(settings))
    clock = Clock()
    few = replace(model, steps=TIMED)
    latents = stable_diffusion.sample(few, PROMPT, "", 0, clock)
    stable_diffusion.decode_latents(model, latents)
    decoding = best(rounds, lambda: stable_diffusion.decode_latents(model, latents))
    if settings.image_profile == "fast":
        picture = best(
            rounds, lambda: animate_text.generate(animate_text.PictureRequest(PROMPT, "Title", (), (), 0), settings)
        )
    else:
        picture = model.steps * clock.step + decoding
    return {
        "loading": loading,
        "step": clock.step,
        "steps": model.steps,
        "decoding": decoding,
        "picture": picture,
        "memory": memory(),
    }


def measure_guided_int8(settings):
    """The seconds of a step of two rows, by the file of the profile `fast`: other weights of the same sizes."""
    import torch

    from animate_text import openvino_unet, stable_diffusion

    weights, lora = stable_diffusion.unet_sources(settings)
    noise = _noise("cpu").repeat(2, 1, 1, 1)
    size = noise.shape[2:]
    unet = openvino_unet.load(openvino_unet.chosen_file(settings, weights, lora), weights / "unet", 2, *size)
    step = partial(unet, noise, torch.tensor(500), encoder_hidden_states=torch.randn(2, 77, 768))
    step()
    return best(TIMED, step)


def measure_error(settings):
    """The relative error of the noise that our U-Net predicts against the library's in float32 on the CPU.

    On what the pipeline gives it in the middle of a picture: 8 bits are calibrated on that, and on nothing else.
    """
    import torch

    from animate_text import stable_diffusion

    ours = stable_diffusion.load(settings)
    seen = quantisation.record(replace(ours, steps=TIMED), (PROMPT,))
    noise, moment, text = map(torch.from_numpy, seen[len(seen) // 2])
    unet = ours.pipeline.unet
    device, dtype = unet.device, unet.dtype
    with torch.no_grad():
        states = text.to(device, dtype)
        found = unet(noise.to(device), moment.to(device), encoder_hidden_states=states, return_dict=False)[0]
        exact = stable_diffusion.load_unet(settings)(noise, moment, text).sample
    return ((found.float().cpu() - exact).norm() / exact.norm()).item()
