"""Stable Diffusion in 8 bits: near float, chosen where it is measured to be better, and never in the way."""

import json
import logging
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from animate_text import openvino_unet, quantisation, stable_diffusion
from animate_text.openvino_unet import MIN_PSNR, MIN_SSIM, Measured
from core import engines, openvino_models
from settings import ROOT, Settings
from tests.stable_diffusion import PROMPT, distance, generate, load_for_cpu

pytestmark = pytest.mark.usefixtures("one_thread")

BETTER = Measured(int8_step=1.0, float_step=2.0, ssim=0.95, psnr=30.0)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory, folders):
    """A DATA_DIR in which the tiny checkpoint with its LoRA has been quantised, as init.py does it on more prompts."""
    place = tmp_path_factory.mktemp("quantised")
    settings = with_lora(Settings.read({}), place, folders)
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantisation, "CALIBRATED_ON", quantisation.CALIBRATED_ON[:1])
        patch.setattr(quantisation, "JUDGED_ON", quantisation.JUDGED_ON[:2])
        quantisation.prepare(settings, said.append)
    (place / "said").write_text("\n".join(said))
    return place


def with_lora(settings, place, folders, precision="auto"):
    return replace(
        settings,
        data_dir=place,
        device="cpu",
        image_profile="fast",
        image_precision=precision,
        stable_diffusion_model=str(folders["plain"]),
        lcm_lora_model=str(folders["lora"]),
        taesd_model=str(folders["taesd"]),
    )


@pytest.fixture
def chosen(settings, data_dir, folders):
    """Settings by precision, with the quantised model in their DATA_DIR; nothing is loaded yet."""
    stable_diffusion.load.clear()
    yield lambda precision: with_lora(settings, data_dir, folders, precision)
    stable_diffusion.load.clear()


def file_for(settings):
    return openvino_unet.chosen_file(settings, *stable_diffusion.unet_sources(settings))


@pytest.fixture
def placed(settings, folders, tmp_path):
    """Settings by precision, with a file in their DATA_DIR that nothing reads, and the folder that it is in."""
    folder = openvino_unet.folder_for(replace(settings, data_dir=tmp_path), folders["plain"], folders["lora"])
    folder.mkdir(parents=True)
    (folder / openvino_unet.MODEL).touch()
    openvino_models.write_measured(folder, BETTER)
    return lambda precision: with_lora(settings, tmp_path, folders, precision), folder


# What it computes


@pytest.mark.parametrize("rows", [1, 2])
def test_the_noise_is_near_that_of_float32(folders, data_dir, settings, rows):
    import torch

    fast = with_lora(settings, data_dir, folders, "float")
    seen = quantisation.record(load_for_cpu(folders["plain"], fast=True, lora=folders["lora"]), (PROMPT,))[1:3]
    latents, text = (torch.cat([torch.from_numpy(sample[part]) for sample in seen[:rows]]) for part in (0, 2))
    moment = torch.from_numpy(seen[0][1])
    file = openvino_unet.folder_for(fast, folders["plain"], folders["lora"]) / openvino_unet.MODEL
    quantised = openvino_unet.load(file, folders["plain"] / "unet", rows, *latents.shape[2:])
    with torch.no_grad():
        wanted = stable_diffusion.load_unet(fast)(latents, moment, encoder_hidden_states=text).sample
        found = quantised(latents, moment, encoder_hidden_states=text, return_dict=False)[0]
    assert found.shape == wanted.shape
    assert 0 < distance(found, wanted) < 0.15


def test_a_cover_is_drawn_with_it_and_a_seed_gives_the_same_one_again(chosen):
    settings = chosen("int8")
    first, second, other = (generate(settings, seed=seed) for seed in (1, 1, 2))
    assert stable_diffusion.load(settings).arithmetic == "int8"
    assert first.engine == "stable-diffusion"
    assert first.value.png == second.value.png != other.value.png


def test_the_latents_are_near_those_of_float(chosen):
    drawn = {}
    for precision in ("float", "int8"):
        model = stable_diffusion.load(chosen(precision))
        drawn[precision] = stable_diffusion.sample(model, PROMPT, "", seed=3)
    assert 0 < distance(drawn["int8"], drawn["float"]) < 0.2


def test_with_guidance_a_step_has_two_rows_and_the_negative_prompt_is_heeded(folders, data_dir):
    import torch

    file = next(data_dir.rglob(openvino_unet.MODEL))
    model = stable_diffusion.load_from(folders["plain"], None, None, True, "cpu", "float32", False, file)
    assert (model.arithmetic, model.guidance_scale > 1) == ("int8", True)
    drawn = [stable_diffusion.sample(replace(model, steps=1), PROMPT, against, seed=3) for against in ("dark", "red")]
    assert all(torch.isfinite(latents).all() for latents in drawn)
    assert not torch.equal(*drawn)


def test_what_is_recorded_is_of_all_steps_and_of_rows_with_and_without_the_prompt(folders):
    guided = load_for_cpu(folders["plain"], steps=3)
    samples = quantisation.record(guided, ("a cat", "a dog"))
    assert len(samples) == 2 * 2 * 3
    assert [array.shape for array in samples[0]] == [(1, 4, 96, 56), (1,), (1, 77, 32)]
    assert len({float(moment[0]) for _, moment, _ in samples}) == 3
    assert not np.array_equal(samples[0][2], samples[1][2])
    many = quantisation.record(load_for_cpu(folders["plain"], steps=20), ("a cat",))
    assert len(many) == quantisation.SAMPLES
    assert len({float(moment[0]) for _, moment, _ in many}) > quantisation.SAMPLES / 2


# What is chosen


@pytest.mark.parametrize(
    ("figures", "used"),
    [
        (BETTER, True),
        (replace(BETTER, int8_step=2.1), False),
        (replace(BETTER, ssim=MIN_SSIM - 0.01), False),
        (replace(BETTER, psnr=MIN_PSNR - 0.1), False),
    ],
)
def test_what_was_measured_decides_unless_the_setting_does(placed, figures, used):
    chosen, folder = placed
    openvino_models.write_measured(folder, figures)
    assert bool(file_for(chosen("auto"))) == used
    assert file_for(chosen("int8")).name == openvino_unet.MODEL
    assert file_for(chosen("float")) is None
    assert ("8 bits are used" in quantisation.verdict(figures, chosen("auto"))) == used


def test_the_verdict_names_the_limit_and_the_reason(settings):
    said = quantisation.verdict(replace(BETTER, ssim=0.5), settings)
    assert f"{MIN_SSIM:.2f} and {MIN_PSNR:.0f} dB" in said
    assert "differ too much" in said
    assert "no slower" in quantisation.verdict(replace(BETTER, float_step=0.5), settings)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"ssim": "much"}', "\x00"])
def test_measures_that_cannot_be_read_leave_float_in_use(placed, content):
    chosen, folder = placed
    (folder / openvino_models.MEASURED).write_text(content)
    assert file_for(chosen("auto")) is None


def test_other_weights_are_never_run_from_this_file(placed, folders):
    chosen, _ = placed
    assert file_for(replace(chosen("int8"), stable_diffusion_model=str(folders["half"]))) is None
    assert file_for(replace(chosen("int8"), lcm_lora_model="")) is None


def test_without_openvino_the_weights_are_run_in_float(placed, monkeypatch):
    chosen, _ = placed
    monkeypatch.setattr(openvino_models.importlib.util, "find_spec", lambda _name: None)
    assert file_for(chosen("int8")) is None
    assert not quantisation.suits(chosen("auto"))


@pytest.mark.parametrize("damage", [b"", b"not xml", b"<net/>"])
def test_a_damaged_file_is_said_and_the_next_engine_draws(chosen, data_dir, damage):
    file = next(data_dir.rglob(openvino_unet.MODEL))
    whole = file.read_bytes()
    file.write_bytes(damage)
    answer = generate(chosen("int8"))
    file.write_bytes(whole)
    assert answer.engine == "poster"
    assert "run python init.py again" in answer.warnings[0]


# What init.py does


def test_init_says_what_it_measured_and_does_it_once(chosen, data_dir, monkeypatch):
    said = (data_dir / "said").read_text().splitlines()
    assert "quantising to 8 bits" in said[0]
    assert "SSIM" in said[1]
    file = next(data_dir.rglob(openvino_models.MEASURED))
    assert json.loads(file.read_text()).keys() == {"int8_step", "float_step", "ssim", "psnr"}
    assert not list(data_dir.rglob("*.part"))
    monkeypatch.setattr(quantisation, "_quantise_and_judge", None)  # not called again
    monkeypatch.setattr(quantisation, "JUDGED_ON", quantisation.JUDGED_ON[:2])
    again = []
    quantisation.prepare(chosen("auto"), again.append)
    assert again == said[1:]


@pytest.mark.parametrize("fault", [RuntimeError("no"), ValueError("no"), OSError(28, "No space left on device")])
def test_where_quantising_fails_float_stays_and_init_is_told(settings, folders, tmp_path, monkeypatch, fault):
    def fails(*_arguments):
        raise fault

    monkeypatch.setattr(quantisation, "quantise", fails)
    new = with_lora(settings, tmp_path, folders)
    with pytest.raises(engines.EngineError, match="stays in float"):
        quantisation.prepare(new, lambda _line: None)
    assert file_for(new) is None


def test_nothing_is_quantised_where_setting_or_processor_are_against_it(settings, folders, tmp_path, monkeypatch):
    import torch

    said = []
    quantisation.prepare(with_lora(settings, tmp_path, folders, "float"), said.append)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    quantisation.prepare(with_lora(settings, tmp_path, folders), said.append)
    assert said == []
    assert not (tmp_path / openvino_models.FOLDER).exists()


def test_neither_library_can_report_its_use():
    code = (
        "import sys; from core import openvino_models; openvino_models.package(); import nncf;"
        "import openvino.tools.ovc; from nncf.telemetry.wrapper import telemetry;"
        "print(sys.modules['openvino_telemetry'], type(telemetry).__name__, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["None", "MagicMock"]


def test_converting_leaves_the_log_as_it_was():
    import torch

    root = logging.getLogger()
    before = root.level, list(root.filters), list(root.handlers)
    openvino_models.convert(torch.nn.Linear(2, 2), torch.zeros(1, 2), [[1, 2]])
    assert (root.level, root.filters, root.handlers) == before


def test_the_quantiser_leaves_what_others_log_by_as_it_was():
    handler = logging.StreamHandler()
    theirs = logging.getLogger("nncf")
    theirs.addHandler(handler)
    try:
        openvino_models.quantiser()
        assert handler.level == logging.NOTSET
    finally:
        theirs.removeHandler(handler)
