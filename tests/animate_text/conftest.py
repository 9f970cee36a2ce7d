import shutil
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import pytest

import animate_text
import music_gen
from animate_text import PictureRequest
from animate_text.timeline import HEIGHT, WIDTH
from core import engines
from music_gen import MusicRequest
from pipeline import DraftEdit, drafting
from settings import Settings
from summariser import ScriptRequest
from tests.pictures import TAGS
from tests.rounds import amount
from tests.small_frames import LEGIBLE, shrink_for
from tools.random_weights.stable_diffusion import BLOCKING, save_lcm_lora, save_stable_diffusion, save_taesd


@pytest.fixture(scope="session")
def stills(samples):
    """Two frames of each of three sample clips."""
    from imageio_ffmpeg import get_ffmpeg_exe

    frames = []
    for clip in sorted(samples.glob("*/*.mp4"))[::5]:
        for second in ("3", "8"):
            command = [get_ffmpeg_exe(), "-v", "error", "-ss", second, "-i", str(clip), "-frames:v", "1"]
            done = subprocess.run([*command, "-f", "mjpeg", "-q:v", "3", "-"], check=True, capture_output=True)
            frames.append(done.stdout)
    assert len(frames) >= 2
    return frames


@pytest.fixture
def make(settings, stills):
    def make(title="A title", hashtags=TAGS, seed=1, prompt="soft light", stills=stills, report=engines.no_report):
        return animate_text.generate(PictureRequest(prompt, title, hashtags, stills, seed), settings, report).value.png

    return make


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Tiny checkpoints, by name."""
    base = tmp_path_factory.mktemp("checkpoints")
    return {
        "plain": save_stable_diffusion(base / "plain"),
        "half": save_stable_diffusion(base / "half", variant="fp16"),
        "blocking": save_stable_diffusion(base / "blocking", threshold=BLOCKING),
        "unchecked": save_stable_diffusion(base / "unchecked", threshold=None),
        "lora": save_lcm_lora(base / "lora"),
        "taesd": save_taesd(base / "taesd"),
    }


@pytest.fixture
def painting(settings, folders):
    """Settings with the tiny checkpoint, and nothing but what it holds."""

    def painting(model="plain", profile="fast", **others):
        chosen = {"stable_diffusion_model": str(folders[model]), "lcm_lora_model": "", "taesd_model": ""}
        return replace(settings, device="cpu", image_profile=profile, **{**chosen, **others})

    return painting


@pytest.fixture
def with_lora(painting, folders):
    return painting(lcm_lora_model=str(folders["lora"]), taesd_model=str(folders["taesd"]))


DRAFT_SIZE = amount(LEGIBLE, (WIDTH, HEIGHT))  # of most days; one of the full size is in the README's commands
CATEGORIES = {
    "ai": (
        ("Stop writing rules.", "Teach a small model with examples instead.", "Follow for more AI."),
        "A driving electronic instrumental at 118 BPM with synth bass and crisp drums.",
        "pop",
    ),
    "food": (
        ("Garlic burns before potatoes.", "So add it at the very end of the roast.", "Save this for dinner."),
        "A warm acoustic funk instrumental at 104 BPM with upright bass.",
        "karaoke",
    ),
    "makeup": (
        ("Foundation looks heavy on dry skin.", "Press moisturizer in and wait one minute.", "Try it today."),
        "A smooth dream pop instrumental at 92 BPM with electric piano.",
        "typewriter",
    ),
    "style": (
        ("Count the colors you wear.", "Never buy a blazer before you check the shoulders.", "Save this."),
        "A confident deep house instrumental at 122 BPM.",
        "pop",
    ),
    "travel": (
        ("Sit on the left of this train.", "Get off at the quiet village before the summit.", "Share it."),
        "An uplifting indie folk instrumental at 112 BPM with acoustic guitar.",
        "karaoke",
    ),
}


@pytest.fixture(scope="session")
def draft_settings(tmp_path_factory, fonts):
    """Settings whose folder has the captions' font already."""
    data = tmp_path_factory.mktemp("drafts")
    (data / "drafts").mkdir()
    shutil.copytree(fonts, data / "drafts" / "fonts")
    return replace(Settings.read({}), data_dir=data, music_engines=("composer",), image_engines=("poster",))


@pytest.fixture(scope="session")
def asked(draft_settings, stills):
    """What a draft of each category is made of, put together when it is asked for."""

    def put_together(name):
        seed, (lines, music, style) = list(CATEGORIES).index(name), CATEGORIES[name]
        track = music_gen.generate(MusicRequest(music, 10, seed), draft_settings).value
        return drafting.MakeDraft(
            idea=ScriptRequest(lines[0], "", " ".join(lines), (name,)),
            image_prompt=f"A picture of {name}",
            seed=seed,
            music=track.wav,
            midi=track.midi,
            clips=(drafting.ClipStills(tuple(stills)),),
            edit=DraftEdit(lines, (None,) * len(lines), style),
        )

    return MadeWhenAskedFor(put_together)


@pytest.fixture(scope="session")
def drafts(asked, draft_settings, tmp_path_factory):
    """A draft of each category, made when it is asked for: its file, what was made, and what was asked for."""
    folder = tmp_path_factory.mktemp("videos")

    def make(name):
        with pytest.MonkeyPatch.context() as patch:
            shrink_for(patch, DRAFT_SIZE)
            answer = drafting.make_draft(asked[name], draft_settings)
        path = folder / f"{name}.mp4"
        path.write_bytes(answer.value.draft.mp4)
        return SimpleNamespace(path=path, made=answer.value, answer=answer, asked=asked[name])

    return MadeWhenAskedFor(make)


class MadeWhenAskedFor(dict):
    def __init__(self, make):
        super().__init__()
        self._make = make

    def __missing__(self, name):
        return self.setdefault(name, self._make(name))
