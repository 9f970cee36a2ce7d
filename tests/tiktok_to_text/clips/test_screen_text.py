"""Text on the screen of a clip, and its stills."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.tiktok_to_text.clips.support import PICTURE, lines, read
from tiktok_to_text import screen_text


def cards(make, tmp_path, *cards_):
    """A clip of white text with black outlines on a moving ground: a card of (seconds, lines) after the other."""
    font = ImageFont.load_default(44)
    noise = np.random.default_rng(1).integers(40, 200, (30, 34, 3), np.uint8)
    ground = Image.fromarray(noise).resize((1080, 960), Image.BICUBIC)
    number = 0
    with (tmp_path / "frames.raw").open("wb") as raw:
        for seconds, lines_ in cards_:
            for _ in range(max(1, int(seconds * 6))):
                frame = ground.crop((number * 7 % 540, 0, number * 7 % 540 + 540, 960))
                draw = ImageDraw.Draw(frame)
                for row, line in enumerate(lines_):
                    draw.text((60, 200 + 80 * row), line, "white", font, stroke_width=4, stroke_fill="black")
                raw.write(frame.tobytes())
                number += 1
    source = ("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", "540x960", "-framerate", "6", "-i", raw.name)
    return make("cards.mp4", *source, "-preset", "ultrafast")


def test_every_card_is_read_though_no_scene_is_cut(make, tmp_path, quick):
    steps = ["Slice onions", "Season well", "Simmer slowly", "Serve warm"]
    clip = cards(make, tmp_path, *[(1.5, ["My recipe", step]) for step in steps])
    assert lines(read(clip, quick)) == ["my recipe", *map(str.lower, steps)]


def test_lines_that_differ_in_a_number_are_both_kept(make, tmp_path, quick):
    clip = cards(make, tmp_path, (1.5, ["Boil 15 minutes", "then drain"]), (1.5, ["Boil 20 minutes", "and serve"]))
    assert lines(read(clip, quick)) == ["boil 15 minutes", "then drain", "boil 20 minutes", "and serve"]


def test_a_line_that_stays_is_given_once_and_in_reading_order(make, tmp_path, quick):
    clip = cards(make, tmp_path, (1.5, ["Daily recipe", "Tomato soup"]), (1.5, ["Daily recipe", "Garlic bread"]))
    assert lines(read(clip, quick)) == ["daily recipe", "tomato soup", "garlic bread"]


def test_a_line_that_is_being_typed_is_given_whole(make, tmp_path, quick):
    clip = cards(make, tmp_path, (1.5, ["Three quick"]), (1.5, ["Three quick tricks"]))
    assert lines(read(clip, quick)) == ["three quick tricks"]


@pytest.mark.parametrize("gap", [14, 24])
def test_an_icon_of_three_bars_beside_a_line_is_no_letter(make, tmp_path, quick, gap):
    picture = Image.new("RGB", (540, 960), (40, 60, 90))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(44)
    draw.text((60, 200), "BEFORE 8 AM", "white", font)
    left = 60 + draw.textlength("BEFORE 8 AM", font) + gap
    for bar in range(3):
        draw.rectangle((left, 212 + 14 * bar, left + 30, 217 + 14 * bar), "white")
    picture.save(tmp_path / "icon.png")
    clip = make("icon.mp4", "-loop", "1", "-t", "2", "-i", str(tmp_path / "icon.png"))
    assert lines(read(clip, quick)) == ["before 8 am"]


def test_a_picture_without_text_has_no_lines(make, quick):
    clip = make("plain.mp4", "-f", "lavfi", "-i", "gradients=size=540x960:rate=25:seed=3", "-t", "2")
    assert read(clip, quick).on_screen == ()


def test_stills_are_pictures_and_those_without_text_come_first(make, tmp_path, quick):
    clip = cards(make, tmp_path, (2, ["A very long line"] * 6), (2, []), (2, ["Another long line"] * 6))
    stills = read(clip, quick).stills
    assert len(stills) == 2
    first = cv2.imdecode(np.frombuffer(stills[0], np.uint8), cv2.IMREAD_COLOR)
    assert first.shape == (960, 540, 3)
    assert screen_text._read(first) == []


def test_stills_avoid_dark_frames(make, quick):
    black = "color=black:size=270x480:rate=25:duration=3"
    clip = make("d.mp4", "-f", "lavfi", "-i", black, "-f", "lavfi", "-i", PICTURE + ":duration=1",
                "-filter_complex", "[0][1]concat=n=2")  # fmt: skip
    still = cv2.imdecode(np.frombuffer(read(clip, quick).stills[0], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert still.mean() > 40


def test_wide_pictures_are_scaled_to_1080_and_others_kept(make, quick):
    clip = make("wide.mp4", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=5", "-t", "1")
    still = cv2.imdecode(np.frombuffer(read(clip, quick).stills[0], np.uint8), cv2.IMREAD_COLOR)
    assert still.shape[:2] == (606, 1080)


@pytest.mark.parametrize("size", ["2x2", "16x16", "34x1200", "1200x34", "322x242"])
def test_odd_sizes_are_read(make, quick, size):
    clip = make("odd.mp4", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=5", "-t", "1")
    text = read(clip, quick)
    assert text.warnings == () and text.stills


def test_a_picture_with_odd_sides_is_read(make, quick):
    clip = make("odd.mkv", "-f", "lavfi", "-i", "testsrc2=size=101x203:rate=5", "-t", "1", "-c:v", "ffv1")
    assert read(clip, quick).stills


def test_a_turned_video_is_read_upright(make, tmp_path, quick):
    flat = cards(make, tmp_path, (1.5, ["Turn me", "upright"]))
    lying = make("lying.mp4", "-i", str(flat), "-vf", "transpose=2", "-c:v", "libx264")
    turned = make("turned.mp4", "-display_rotation", "-90", "-i", str(lying), "-c", "copy")
    assert lines(read(turned, quick)) == ["turn me", "upright"]


def test_a_single_frame_is_read(make, tmp_path, quick):
    clip = cards(make, tmp_path, (0.1, ["One frame"]))
    assert lines(read(clip, quick)) == ["one frame"]
