"""A draft of any length is rendered in little memory."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import animate_text
from animate_text import DraftRequest, segments
from animate_text.timeline import LONGEST, Scene, Shot, Timeline, Word
from tests import processes

MOST = 1024**3  # bytes of this process' growth and of the encoders that run side by side

pytestmark = pytest.mark.slow


def picture(seed):
    """A picture of the size of a cover, with something in it."""
    small = np.random.default_rng(seed).integers(0, 255, (32, 18, 3), dtype=np.uint8)
    made = io.BytesIO()
    Image.fromarray(small).resize((1080, 1920), Image.Resampling.BICUBIC).save(made, "PNG", compress_level=1)
    return made.getvalue()


def longest_draft():
    """As long as a draft may be, of few scenes at the full size: long shots hold most at once."""
    shots = [Shot("a", LONGEST / 3, "push"), Shot("b", LONGEST / 3, "left"), Shot("a@card", LONGEST / 3, "parallax")]
    scenes = tuple(
        Scene("Words stand here.", (shot,), (Word("Words", 0.2, 9.0), Word("stand", 9.0, 19.0))) for shot in shots
    )
    return DraftRequest(Timeline(scenes), {"a": picture(1), "b": picture(2)})


def test_the_longest_draft_is_rendered_in_less_than_a_gigabyte(settings, fonts, tmp_path):
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "fonts").symlink_to(fonts)
    processes.peak_bytes()
    before = processes.resident_bytes()
    with processes.largest("ffmpeg") as encoder:
        made = animate_text.render(longest_draft(), replace(settings, data_dir=tmp_path))
        growth = processes.peak_bytes() - before
    assert made.seconds == pytest.approx(LONGEST, abs=0.1)
    assert encoder() > 0
    assert growth + segments.MAX_SEGMENTS * encoder() < MOST, (growth, encoder())
