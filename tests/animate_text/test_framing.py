"""A picture cut to another shape keeps its faces; one without any keeps what stands out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from animate_text import cutouts, faces, framing, lettering
from animate_text.colour import palette_from

FACE = Path(__file__).with_name("face.jpg")  # Eileen Collins, NASA S93-31420, in the public domain


def with_face(size, place):
    picture = Image.new("RGB", size, "teal")
    face = Image.open(FACE)
    picture.paste(face.resize((300, round(300 * face.height / face.width))), place)
    return picture


@pytest.mark.parametrize("place", [(20, 0), (120, 560)], ids=["above", "below"])
def test_a_face_is_kept_where_a_tall_picture_is_cut_wide(place):
    picture = with_face((540, 960), place)
    assert len(faces.find(picture)) == 1
    ((_, top, _, bottom),) = faces.find(framing.fit(picture, (540, 490)))
    assert top > 0 and bottom < 1


@pytest.mark.parametrize("place", [(10, 60), (1300, 60)], ids=["left", "right"])
def test_a_face_is_kept_where_a_wide_picture_is_cut_tall(place):
    ((left, _, right, _),) = faces.find(framing.fit(with_face((1600, 900), place), (506, 900)))
    assert left > 0 and right < 1


@pytest.mark.parametrize("wide", [True, False], ids=["wide", "tall"])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.85])
def test_without_a_face_what_stands_out_is_kept(wide, share):
    size, cut = ((1600, 900), (506, 900)) if wide else ((540, 960), (540, 490))
    picture = Image.new("RGB", size, "teal")
    middle = [round(share * size[0]), size[1] // 2] if wide else [size[0] // 2, round(share * size[1])]
    ImageDraw.Draw(picture).ellipse([middle[0] - 120, middle[1] - 120, middle[0] + 120, middle[1] + 120], fill="orange")
    orange = [np.count_nonzero(np.asarray(one)[..., 0] > 200) for one in (picture, framing.fit(picture, cut))]
    assert orange[1] > 0.97 * orange[0] > 0


def test_where_nothing_stands_out_and_in_its_own_shape_a_picture_is_cut_about_its_middle():
    assert framing.place(Image.new("RGB", (1600, 900), "teal"), (0.32, 1.0)) == (0.5, 0.5)
    picture = with_face((540, 960), (20, 0))
    usual = ImageOps.fit(picture, (270, 480), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(framing.fit(picture, (270, 480))), np.asarray(usual))


@pytest.mark.parametrize("place", [(10, 60), (1300, 60)], ids=["left", "right"])
def test_a_face_is_kept_where_a_wide_still_becomes_a_cover(place):
    cover = lettering.fill(with_face((1600, 900), place))
    ((left, _, right, _),) = faces.find(cover)
    assert left > 0 and right < 1


def test_no_head_is_cut_off_on_a_card():
    picture = with_face((540, 960), (120, 0))
    card = cutouts.cut("card", picture, [picture] * 3, palette_from(4.0, 1.0), 1080)
    assert len(faces.find(Image.alpha_composite(Image.new("RGBA", card.size, "grey"), card).convert("RGB"))) == 1
