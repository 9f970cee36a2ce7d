"""MusicGen's decoder by OpenVINO: near float32, chosen where it is measured to be faster, and never in the way."""

from dataclasses import replace

import pytest

import music_gen
from core import engines, openvino_models
from music_gen import MusicRequest, conversion, musicgen, openvino_decoder, token_model
from music_gen.openvino_decoder import Measured
from settings import Settings
from tests.musicgen import PROMPTS, forget_loaded, in_precision, samples

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS, PROMPT_STEPS = 40, 6


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory, folder):
    """A DATA_DIR in which the tiny checkpoint has been converted, as init.py does it."""
    place, said = tmp_path_factory.mktemp("converted"), []
    settings = replace(Settings.read({}), data_dir=place, device="cpu", musicgen_model=str(folder))
    with pytest.MonkeyPatch.context() as patch:
        forget_loaded(patch)
        conversion.prepare(settings, said.append)
    (place / "said").write_text("\n".join(said))
    return place


@pytest.fixture
def chosen(ready, data_dir, monkeypatch):
    """Settings by runtime, with the converted model in their DATA_DIR; nothing is loaded yet."""
    forget_loaded(monkeypatch)
    return lambda runtime: replace(ready, data_dir=data_dir, music_runtime=runtime, music_engines=("musicgen",))


@pytest.fixture
def measured(data_dir):
    """Puts other figures in the place of what was measured, until the end of the test."""
    file = next(data_dir.rglob(openvino_models.MEASURED))
    before = file.read_bytes()
    yield lambda figures: openvino_models.write_measured(file.parent, figures)
    file.write_bytes(before)


def logits(settings, prompts):
    """The logits after some steps at once and after each further one, (calls, rows, codebooks, vocabulary)."""
    import torch

    tokens = torch.randint(0, 64, (len(prompts), 4, STEPS), generator=torch.Generator().manual_seed(0))
    model = musicgen.load(settings)
    with torch.inference_mode():
        text, mask = musicgen._encode_text(model, prompts)
        decode = model.tokens.begin(text, mask, STEPS)
        first = decode(tokens[..., :PROMPT_STEPS], 0).clone()
        return torch.stack([first, *(decode(tokens[..., at, None], at).clone() for at in range(PROMPT_STEPS, STEPS))])


@pytest.mark.parametrize("count", [1, 3])
def test_the_logits_are_near_those_of_float32(chosen, monkeypatch, count):
    exact = logits(in_precision(chosen("pytorch"), "float32", monkeypatch), PROMPTS[:count])
    found = logits(chosen("openvino"), PROMPTS[:count])
    assert found.shape == exact.shape
    assert 0 < (found - exact).norm() / exact.norm() < 0.06


def test_each_piece_of_a_batch_has_the_logits_that_it_has_alone(chosen):
    import torch

    model = musicgen.load(chosen("openvino"))
    tokens = torch.randint(0, 64, (1, 4, STEPS), generator=torch.Generator().manual_seed(0))
    found = []
    for prompts in (PROMPTS[:1], PROMPTS[:1] * 2):
        with torch.inference_mode():
            text, mask = musicgen._encode_text(model, prompts)
            found.append(model.tokens.begin(text, mask, STEPS)(tokens.repeat(len(prompts), 1, 1), 0))
    torch.testing.assert_close(found[1][[0, 2]], found[0])
    torch.testing.assert_close(found[1][[1, 3]], found[0])


def test_a_seed_gives_the_same_piece_again_and_another_seed_another_one(chosen):
    import numpy as np

    pieces = [music_gen.generate(MusicRequest(PROMPTS[0], 5, seed), chosen("openvino")) for seed in (1, 1, 2)]
    assert {piece.engine for piece in pieces} == {"musicgen"}
    first, again, other = (samples(piece.value) for piece in pieces)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("figures", "used"), [(Measured(40, 25), True), (Measured(20, 25), False)])
def test_what_was_measured_decides_unless_the_setting_does(chosen, measured, folder, figures, used):
    measured(figures)
    assert bool(openvino_decoder.chosen_folder(chosen("auto"), folder)) == used
    assert openvino_decoder.chosen_folder(chosen("openvino"), folder)
    assert openvino_decoder.chosen_folder(chosen("pytorch"), folder) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"openvino": "fast"}', "\x00"])
def test_measures_that_cannot_be_read_leave_pytorch_in_use(chosen, measured, data_dir, folder, content):
    measured(Measured(40, 25))
    next(data_dir.rglob(openvino_models.MEASURED)).write_text(content)
    assert openvino_decoder.chosen_folder(chosen("auto"), folder) is None


def test_without_the_package_or_the_file_pytorch_makes_the_music(chosen, folder, tmp_path, monkeypatch):
    elsewhere = replace(chosen("openvino"), data_dir=tmp_path)
    assert openvino_decoder.chosen_folder(elsewhere, folder) is None
    assert isinstance(musicgen.load(elsewhere).tokens, token_model.TokenModel)
    monkeypatch.setattr(openvino_models.importlib.util, "find_spec", lambda _name: None)
    assert openvino_decoder.chosen_folder(chosen("openvino"), folder) is None


@pytest.mark.parametrize("name", [openvino_decoder.TEXT, openvino_decoder.STEP])
def test_a_damaged_file_is_said(chosen, data_dir, name):
    file = next(data_dir.rglob(name))
    whole = file.read_bytes()
    file.write_bytes(b"<net/>")
    with pytest.raises(engines.EngineError, match=r"run python init\.py"):
        musicgen.load(chosen("openvino"))
    file.write_bytes(whole)


def test_init_says_what_it_measured_and_does_it_once(chosen, data_dir, monkeypatch):
    said = (data_dir / "said").read_text().splitlines()
    assert "converting" in said[0]
    assert "tokens a second by OpenVINO" in said[1]
    monkeypatch.setattr(conversion, "convert", None)  # not called again
    again = []
    conversion.prepare(chosen("auto"), again.append)
    assert again == said[1:]


@pytest.mark.parametrize("fault", [RuntimeError("no"), OSError(28, "No space left on device")])
def test_where_converting_fails_pytorch_stays_and_init_is_told(chosen, folder, tmp_path, monkeypatch, fault):
    def fails(*_arguments):
        raise fault

    monkeypatch.setattr(conversion, "convert", fails)
    with pytest.raises(engines.EngineError, match="PyTorch stays in use"):
        conversion.prepare(replace(chosen("auto"), data_dir=tmp_path), lambda _line: None)
    assert openvino_decoder.chosen_folder(replace(chosen("auto"), data_dir=tmp_path), folder) is None


def test_nothing_is_converted_where_the_setting_or_the_processor_is_against_it(chosen, tmp_path, monkeypatch):
    import torch

    said = []
    conversion.prepare(replace(chosen("pytorch"), data_dir=tmp_path), said.append)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    conversion.prepare(replace(chosen("auto"), data_dir=tmp_path), said.append)
    assert said == []
    assert not (tmp_path / openvino_models.FOLDER).exists()
