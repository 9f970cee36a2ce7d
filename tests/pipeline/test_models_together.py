"""A whole search in the real process with MusicGen and Stable Diffusion, on tiny checkpoints of the real classes."""

import io
import json
import wave
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from PIL import Image

from tests.language_models import save_knowing
from tests.servers import serving
from tools.random_weights.musicgen import save_musicgen
from tools.random_weights.stable_diffusion import save_lcm_lora, save_stable_diffusion, save_taesd
from tools.services.llama import ABOUT_AI, ANSWER_ABOUT_AI


@pytest.fixture(scope="module")
def studio(tmp_path_factory, small_library):
    folder = tmp_path_factory.mktemp("studio")
    with serving(
        folder,
        VIDEO_LIBRARY=small_library,
        MUSIC_ENGINES="musicgen,composer",
        IMAGE_ENGINES="stable-diffusion,poster",
        MUSICGEN_MODEL=save_musicgen(folder / "musicgen"),
        STABLE_DIFFUSION_MODEL=save_stable_diffusion(folder / "diffusion"),
        LCM_LORA_MODEL=save_lcm_lora(folder / "lora"),
        TAESD_MODEL=save_taesd(folder / "taesd"),
        DEVICE="cpu",
    ) as address:
        yield address


def search(studio, seed):
    answer = requests.post(f"{studio}/search", json={"tags": ["AI"], "seconds": 5, "seed": seed}, timeout=240)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
def test_a_search_uses_both_models_as_soon_as_their_weights_are_there(studio):
    result = search(studio, seed=1)
    assert result["engines"]["music"] == "musicgen"
    assert result["engines"]["image"] == "stable-diffusion"
    # The tiny tokenizer takes words apart into more tokens than the true one does.
    assert [line for line in result["warnings"] if "description was too long" not in line] == []
    with wave.open(io.BytesIO(requests.get(studio + result["music_url"], timeout=30).content)) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnframes()) == (32_000, 2, 5 * 32_000)
    assert Image.open(io.BytesIO(requests.get(studio + result["image_url"], timeout=30).content)).size == (1080, 1920)


@pytest.mark.slow
def test_searches_at_once_each_get_what_their_seed_makes(studio):
    with ThreadPoolExecutor(3) as visitors:
        results = list(visitors.map(lambda seed: search(studio, seed), (2, 3, 4)))
    assert [result["engines"]["music"] for result in results] == ["musicgen"] * 3
    pieces, pictures = (
        {requests.get(studio + result[kind], timeout=30).content for result in results}
        for kind in ("music_url", "image_url")
    )
    assert (len(pieces), len(pictures)) == (3, 3)


@pytest.mark.slow
def test_a_search_is_answered_by_the_language_model_of_this_process(tmp_path):
    weights = save_knowing(json.loads(ANSWER_ABOUT_AI), tmp_path / "language")
    with serving(tmp_path, SUMMARY_ENGINES="local,extractive", LOCAL_LLM_MODEL=weights, DEVICE="cpu") as studio:
        result = search(studio, seed=1)
    assert (result["engines"]["summary"], result["summary"], result["warnings"]) == ("local", ABOUT_AI, [])
    assert [idea["title"] for idea in result["ideas"]] == [f"{n} prompts for an AI assistant" for n in (1, 2, 3)]
