"""Captions cover no face that is in the frame with them, as long as the safe box has room elsewhere."""

import subprocess
from dataclasses import replace
from pathlib import Path

import av
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

import animate_text
from animate_text import (
    CAPTION_STYLES,
    DraftRequest,
    StoryboardRequest,
    camera,
    caption_height,
    captions,
    faces,
    scenery,
    storyboard,
    visible_faces,
)
from animate_text.timeline import Shot
from tests.animate_text.test_captions import BOX, PALETTE, drawn, inked, timeline
from tests.small_frames import shrink_for

FACE = Path(__file__).with_name("face.jpg")  # Eileen Collins, NASA S93-31420, in the public domain
LINE = "The mistake everyone makes with this."
SIDES = (300.0, 780.0)  # pixels: a face in the middle of the frame
USUAL = BOX.top + caption_height.SHARE * (BOX.bottom - BOX.top)


@pytest.mark.parametrize("style", CAPTION_STYLES)
@pytest.mark.parametrize("face", [(900, 1180), (1050, 1800), (720, 1000), (400, 900)], ids=str)
def test_captions_stand_beside_a_face(style, face, tmp_path, fonts):
    area = (SIDES[0], face[0], SIDES[1], face[1])
    top, left, bottom, right = inked(drawn(timeline(LINE, style, 3.0), tmp_path, fonts, faces=[[area]]))
    assert bottom <= face[0] or top >= face[1]
    assert left >= BOX.left and right < BOX.right and top >= BOX.top and bottom < BOX.bottom


@pytest.mark.parametrize("found", [[], [[(0, 0, 1080, 1920)]], [[(300, 300, 780, 700)]]], ids=["none", "all", "above"])
def test_without_a_face_in_their_way_or_without_room_they_stand_where_they_usually_do(found, fonts):
    made = timeline(LINE, "karaoke", 3.0)
    asked = (made, PALETTE, BOX, fonts, 0, made.seconds, 0)
    assert captions.ass(*asked, found) == captions.ass(*asked)


def test_a_face_at_the_side_of_short_captions_is_not_in_their_way():
    assert caption_height.middle(BOX, [(300, 200)], [(0, 900, 200, 1200)]) == pytest.approx(USUAL)
    assert caption_height.middle(BOX, [(800, 200)], [(0, 900, 200, 1200)]) < 800 + 1e-6


def test_between_two_faces_the_nearest_room_is_taken():
    found = [(400, 1000, 700, 1250), (400, 500, 700, 700)]
    assert caption_height.middle(BOX, [(600, 200)], found) == 900
    assert caption_height.middle(BOX, [(600, 220), (600, 200)], found) == 890  # with room for others of its kind
    assert caption_height.middle(BOX, [(600, 400)], found) == BOX.bottom - 200  # no room: as low as they can stand


def test_a_page_over_two_shots_leaves_the_faces_of_both_free(fonts):
    made = timeline("Two words", "karaoke", 4.0)
    shots = (Shot("cover", 2.0), Shot("other", 2.0))
    made = replace(made, scenes=(replace(made.scenes[0], shots=shots),))
    asked = (made, PALETTE, BOX, fonts, 0, made.seconds, 0)
    face = (300, 900, 780, 1200)
    moved = captions.ass(*asked, [[], [face]])
    assert moved == captions.ass(*asked, [[face], [face]]) != captions.ass(*asked)


@pytest.fixture
def small(monkeypatch):
    shrink_for(monkeypatch)


def portrait():
    picture = Image.new("RGB", (540, 960), "teal")
    face = Image.open(FACE)
    picture.paste(face.resize((400, round(400 * face.height / face.width))), (70, 300))
    return picture


@pytest.mark.parametrize("move", ["push", "pull", "left", "right", "up", "down"])
def test_a_face_is_known_wherever_the_camera_takes_it(move, small, tmp_path):
    """Against what is found in the first and the last frame of the shot."""
    plate = scenery.write_plate("", portrait(), [], PALETTE, tmp_path, "plate")
    shot = Shot("cover", 1.0, move)
    line = [get_ffmpeg_exe(), "-v", "error", *camera.inputs(plate), "-filter_complex"]
    line += [camera.graph(shot, plate, 0, "out", 27, 30), "-map", "[out]", str(tmp_path / "frame-%02d.png")]
    subprocess.run(line, check=True)
    ((left, top, right, bottom),) = visible_faces.in_picture(shot, portrait(), [])
    for name in ("frame-01.png", "frame-30.png"):
        ((x, y, end, low),) = faces.find(Image.open(tmp_path / name))
        assert left - 25 <= x * 1080 and top - 25 <= y * 1920 and right + 25 >= end * 1080 and bottom + 25 >= low * 1920


def test_faces_in_what_floats_above_the_captions_are_not_in_their_way():
    assert visible_faces.in_picture(Shot("cover@arch", 1.0), portrait(), []) == []


def test_faces_in_a_moment_of_a_clip_are_found(tmp_path):
    path = tmp_path / "moment.mp4"
    portrait().save(tmp_path / "still.png")
    line = [get_ffmpeg_exe(), "-v", "error", "-loop", "1", "-i", str(tmp_path / "still.png"), "-frames:v", "20"]
    subprocess.run([*line, "-pix_fmt", "yuv420p", str(path)], check=True)
    with av.open(str(path)) as file:
        assert file.streams.video[0].frames == 20
    found = visible_faces.in_moment(path)
    ((left, top, right, bottom),) = faces.find(portrait())
    assert len(found) == 3
    for area in found:
        assert area[0] == pytest.approx(left * 1080, abs=20) and area[2] == pytest.approx(right * 1080, abs=20)
        assert area[1] < top * 1920 and area[3] > bottom * 1920


def test_a_moment_that_cannot_be_opened_has_no_faces(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    assert visible_faces.in_moment(tmp_path / "broken.mp4") == []


@pytest.mark.slow
def test_a_draft_keeps_its_captions_off_the_face_of_its_picture(small, settings, fonts, tmp_path, monkeypatch):
    import io

    asked, real = [], captions.ass

    def ass(*arguments):
        asked.append(arguments[-1])
        return real(*arguments)

    monkeypatch.setattr(captions, "ass", ass)
    (tmp_path / "data" / "drafts").mkdir(parents=True)
    (tmp_path / "data" / "drafts" / "fonts").symlink_to(fonts)
    picture = io.BytesIO()
    portrait().save(picture, "PNG")
    made = storyboard(StoryboardRequest((LINE,), ("cover",))).timeline
    animate_text.render(
        DraftRequest(made, {"cover": picture.getvalue()}), replace(settings, data_dir=tmp_path / "data")
    )
    flat = [number for number, shot in enumerate(made.shots) if "@" not in shot.picture]
    assert flat and all(len(asked[0][number]) == 1 for number in flat)
