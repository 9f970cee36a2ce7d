"""The font of the captions, which libass takes by its name."""

import subprocess

import pytest
from PIL import ImageFont

from animate_text import fonts as caption_fonts
from animate_text import typefaces
from core.engines import EngineError


def test_the_display_face_is_cut_to_one_weight_under_a_name_of_its_own(fonts):
    font = ImageFont.truetype(fonts / "DraftDisplay.ttf", 16)
    assert font.getname() == ("Draft Display", "Regular")
    with pytest.raises(OSError, match="invalid argument"):
        font.get_variation_axes()


@pytest.mark.parametrize("program", ["false", "no-such-program"])
def test_a_font_that_cannot_be_cut_is_said_and_leaves_nothing(tmp_path, monkeypatch, program):
    monkeypatch.setattr(caption_fonts.sys, "executable", program)
    with pytest.raises(EngineError, match="captions' font could not be made"):
        caption_fonts.warm(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_font_that_is_there_is_not_cut_again(tmp_path, monkeypatch):
    (tmp_path / "DraftDisplay.ttf").write_bytes(typefaces.display_face().read_bytes())
    monkeypatch.setattr(subprocess, "run", None)
    assert caption_fonts.caption_font(typefaces.display_face(), tmp_path).path == tmp_path / "DraftDisplay.ttf"
