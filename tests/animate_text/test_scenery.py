"""The views of a picture: what they are made of, where what floats stands, that they are the same each time."""

import hashlib
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from animate_text import camera, caption_pages, cutouts, poster, scenery, views
from animate_text.colour import palette_from
from tests.pictures import scene
from tests.small_frames import HEIGHT, WIDTH, shrink_for

PALETTE = palette_from(4.0, 1.0)
ALL = (views.WHOLE, *views.ORDER)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    shrink_for(monkeypatch)


@pytest.fixture
def plate(tmp_path):
    picture = scene((540, 960), 3)
    closer = scenery.parts(picture)

    def plate(view):
        return scenery.write_plate(view, picture, closer, PALETTE, tmp_path, f"plate-{view}")

    return plate


@pytest.mark.parametrize("view", ALL)
def test_a_view_is_twice_as_large_as_a_frame_and_has_a_front_where_it_is_layered(plate, view):
    made = plate(view)
    with Image.open(made.back) as back:
        assert (back.size, back.mode) == ((2 * WIDTH, 2 * HEIGHT), "RGB")
    assert (made.front is not None) == (view in views.LAYERED)


def test_each_view_looks_different(plate):
    def seen(view):
        made = plate(view)
        frame = Image.open(made.back).resize((WIDTH, HEIGHT))
        if made.front:
            front = Image.open(made.front)
            frame.paste(front, (WIDTH // 12, HEIGHT // 14), front)
        return np.asarray(frame, dtype=float)

    frames = {view: seen(view) for view in ALL}
    for one, other in combinations(frames.values(), 2):
        assert np.abs(one - other).mean() > 4


@pytest.mark.parametrize("view", ALL)
def test_a_view_is_the_same_each_time(plate, view):
    def marks():
        made = plate(view)
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (made.back, made.front) if path]

    assert marks() == marks()


@pytest.mark.parametrize("view", views.LAYERED)
def test_what_floats_stays_above_the_captions_and_within_the_frame(view):
    picture = Image.new("RGB", (540, 960), "orange")
    front = np.asarray(cutouts.cut(view, picture, [picture] * 3, PALETTE, 1080))
    solid = front[..., 3] > 250
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    assert solid.mean() > 0.25
    top = camera.FRONT_TOP - cutouts.EDGE
    captions = caption_pages.Box(65, 269, 910, 1248)
    assert top + rows[-1] < captions.top + 0.7 * (captions.bottom - captions.top)
    longest = 5 * 30 * camera.DRIFT  # pixels that it rises in a shot of five seconds
    assert top + rows[0] - longest >= 0
    left = (1080 - cutouts.CANVAS[0]) // 2
    assert left + columns[0] >= 90 and left + columns[-1] < 990


def test_closer_looks_go_where_there_is_something_to_see_and_differ():
    picture = Image.new("RGB", (540, 960), "teal")
    picture.paste(scene((250, 300), 5, spread=120), (280, 100))
    parts = scenery.parts(picture)
    detail = [np.asarray(part.convert("L"), dtype=float).std() for part in parts]
    assert detail[0] == max(detail) > 10
    assert len({part.tobytes() for part in parts}) == 3


def test_closer_looks_pass_over_words_that_stand_on_a_picture_already():
    picture = scene((540, 960), 4, spread=30)
    pen = ImageDraw.Draw(picture)
    for y in (60, 130):
        pen.text(
            (30, y), "OFFLINE MODE IS ON NOW", "white", ImageFont.load_default(40), stroke_width=6, stroke_fill="black"
        )
    whole = np.asarray(picture.convert("L").resize(scenery.GLANCE), dtype=np.float32)
    assert poster.has_captions(whole)
    for part in scenery.parts(picture):
        grey = np.asarray(part.convert("L").resize(scenery.GLANCE), dtype=np.float32)
        assert not poster.has_captions(grey)


def test_a_ground_is_dark_enough_for_light_captions_and_no_mud(plate):
    for ground in np.linspace(0, 6.2, 12):
        palette = scenery.clear(palette_from(ground, ground + 2.0))
        hue = scenery._hue(palette.cool)
        assert not scenery.MUD[0] < hue < scenery.MUD[1] - 0.1
        assert max(palette.dark) < 0.35
