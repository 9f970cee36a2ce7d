"""Stable Diffusion on tiny checkpoints of the real classes: whole pictures, checked, and told of as they come."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

import animate_text
from animate_text import PictureRequest, stable_diffusion
from core.engines import Cancelled, EngineError
from tests.stable_diffusion import NEGATIVE, PROMPT, distance, generate, load_for_cpu

pytestmark = pytest.mark.usefixtures("one_thread")


# A whole picture


def test_a_picture_is_painted_and_lettered_by_the_loaded_model(with_lora):
    answer = generate(with_lora)
    picture = Image.open(io.BytesIO(answer.value.png))
    assert (answer.engine, answer.warnings) == ("stable-diffusion", ())
    assert (picture.format, picture.size) == ("PNG", (1080, 1920))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(with_lora):
    first, again, other = (generate(with_lora, seed=seed).value.png for seed in (5, 5, 6))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "prompt", ["", "\x00\ud800", "<|endoftext|>" * 50, "猫がマットの上に座る" * 40, "word " * 100_000]
)
def test_any_prompt_gives_a_picture(with_lora, prompt):
    assert generate(with_lora, prompt).engine == "stable-diffusion"


def test_the_prompt_decides_on_the_picture(folders):
    model = load_for_cpu(folders["plain"], steps=2)
    cat, dog = (stable_diffusion.sample(model, prompt, NEGATIVE, seed=1) for prompt in ("a cat", "ten red dogs"))
    assert distance(cat, dog) > 1e-3


def test_the_negative_prompt_decides_too(folders):
    model = load_for_cpu(folders["plain"], steps=2)
    one, other = (stable_diffusion.sample(model, PROMPT, negative, seed=1) for negative in ("", "text and letters"))
    assert distance(one, other) > 1e-3


def test_a_prompt_that_is_too_long_is_said(with_lora):
    assert "its end was left out" in generate(with_lora, "a cat on a mat, " * 20).warnings[0]


def test_memory_that_does_not_suffice_is_said(painting, monkeypatch):
    settings = painting()
    monkeypatch.setattr(
        stable_diffusion.load(settings).pipeline.unet,
        "forward",
        lambda *_arguments, **_names: (_ for _ in ()).throw(RuntimeError("DefaultCPUAllocator: can't allocate memory")),
    )
    with pytest.raises(EngineError, match="not enough memory"):
        stable_diffusion.draw(PictureRequest(PROMPT, "", (), (), 1), settings)
    stable_diffusion.load.clear()


# The safety checker


def test_a_blocked_picture_is_said_and_the_next_engine_draws(painting):
    answer = generate(painting("blocking"))
    assert answer.engine == "poster"
    assert "blocked by the safety checker" in answer.warnings[0]


def test_a_checkpoint_without_a_safety_checker_is_used_and_warned_of(painting):
    answer = generate(painting("unchecked"))
    assert (answer.engine, answer.warnings) == ("stable-diffusion", (stable_diffusion.UNCHECKED,))


# Progress


def test_every_step_is_reported_in_order(with_lora):
    seen = []
    stable_diffusion.draw(
        PictureRequest(PROMPT, "", (), (), 1), with_lora, lambda done, total, what: seen.append((done / total, what))
    )
    assert [what for _, what in seen if what.startswith("Painting: step")] == [
        f"Painting: step {step} of 4" for step in (1, 2, 3, 4)
    ]
    assert [part for part, _ in seen] == sorted(part for part, _ in seen)
    assert seen[-1] == (1, "The picture is done")


def test_a_cancelled_search_stops_at_the_next_step_and_the_model_stays_usable(with_lora):
    steps = []

    def cancel_after_two(_done, _total, what):
        steps.append(what)
        if "step 2" in what:
            raise Cancelled

    with pytest.raises(Cancelled):
        animate_text.generate(PictureRequest(PROMPT, "", (), (), 1), with_lora, cancel_after_two)
    assert "step 2" in steps[-1]
    assert generate(with_lora).engine == "stable-diffusion"


def test_a_search_that_waits_for_another_one_can_be_cancelled(with_lora):
    painting, go_on = threading.Event(), threading.Event()

    def slow(_done, _total, what):
        if "step 1" in what:
            painting.set()
            go_on.wait(60)

    def give_up(_done, _total, what):
        if what.startswith("Waiting"):
            raise Cancelled

    stable_diffusion.load(with_lora)
    request = PictureRequest(PROMPT, "", (), (), 1)
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(stable_diffusion.draw, request, with_lora, slow)
        assert painting.wait(60)
        with pytest.raises(Cancelled):
            stable_diffusion.draw(request, with_lora, give_up)
        go_on.set()
        assert other.result().engine == "stable-diffusion"
