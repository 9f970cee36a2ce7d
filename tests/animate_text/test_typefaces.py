"""Fonts: every character is set in one that has it."""

import numpy as np
import pytest
from PIL import ImageFont

from animate_text import layouts, typefaces, wording
from tests.pictures import PICTURES


def is_drawn(path, sign):
    try:
        face = ImageFont.truetype(str(path), 60, layout_engine=ImageFont.Layout.BASIC)
    except OSError:  # a font of coloured bitmaps
        return False
    return bytes(face.getmask(sign)) not in (bytes(face.getmask("\U0010fffd")), b"")


MIXED = "Ag Жизнь Ωμέγα שלום مرحبا नमस्ते 夏の旅 Phở ★ ₿ ᚠ \u0378 한글 ไทย"


def test_no_character_is_set_in_a_font_that_lacks_it():
    for word in MIXED.split():
        fonts = typefaces.fonts_for(word)
        for part in typefaces.clusters(typefaces.only_set(word, fonts)):
            assert all(is_drawn(fonts[part], sign) for sign in part if sign not in typefaces.JOINERS)


def test_the_display_face_sets_latin_greek_and_cyrillic():
    fonts = typefaces.fonts_for("AgßłộЖщїΩλέ€“”–123#&")
    assert set(fonts.values()) == {typefaces.display_face()} and len(fonts) == 20


def test_what_the_display_face_lacks_is_set_in_a_system_font():
    sign = next((sign for sign in "ש★♞ᚠ夏न" if any(is_drawn(path, sign) for path in typefaces.system_fonts())), None)
    if sign is None:
        pytest.skip("this machine has no font that has more than the display face")
    assert typefaces.fonts_for(sign)[sign] in typefaces.system_fonts()


def test_a_character_that_no_font_has_is_left_out_not_drawn_as_a_box(make):
    missing = "\u0378\U000e0001\U00012ff0"  # two that are not assigned, one of a script that few fonts know
    missing = "".join(sign for sign in missing if not any(is_drawn(path, sign) for path in typefaces.system_fonts()))
    assert make(f"Be{missing}fore {missing}after") == make("Before after")


def test_a_title_that_no_font_can_set_is_left_out(monkeypatch):
    monkeypatch.setattr(typefaces, "system_fonts", tuple)
    assert not wording.set_title("夏に行きたい: 名所!", 780).lines
    assert wording.set_title("Summer 夏", 780).lines == ("Summer",)


def test_a_mark_is_never_set_in_another_font_than_its_letter():
    for part, path in typefaces.fonts_for("a\u20d7 x\u0489 o\u1ab0").items():
        assert all(is_drawn(path, sign) for sign in part)


def test_a_broken_font_file_is_passed_over(monkeypatch, tmp_path):
    bad = tmp_path / "bad-Bold.ttf"
    bad.write_bytes(b"\x00\x01\x00\x00 no font")
    monkeypatch.setattr(typefaces, "system_fonts", lambda: (bad,))
    assert typefaces.fonts_for("A夏") == {"A": typefaces.display_face()}


def test_right_to_left_titles_are_set_in_one_font_and_to_the_right():
    title = "שלום AI 2026"
    if not any(is_drawn(path, "ש") for path in typefaces.system_fonts()):
        pytest.skip("this machine has no Hebrew font")
    assert len(set(typefaces.fonts_for(title).values())) == 1
    assert layouts.arrange(title, [], PICTURES["grey"], np.random.default_rng(1)).align == "right"
