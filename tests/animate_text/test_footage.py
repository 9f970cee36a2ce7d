"""Moments of clips in a draft: of whatever shape and rate, cut to the frame; what is broken costs that shot alone."""

import subprocess
import time
from dataclasses import replace

import av
import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

import animate_text
from animate_text import DraftRequest, Footage, StoryboardRequest, footage, scenery, storyboard
from animate_text.footage import Moment
from core.engines import Cancelled, EngineError, no_report
from tests import videos
from tests.small_frames import HEIGHT, WIDTH, segments, shrink_for


@pytest.fixture(autouse=True)
def small(monkeypatch):
    shrink_for(monkeypatch)


def film(path, *output, seconds=4, size="360x640", rate=30, sound=True):
    """A clip whose red grows from 0 to 240, so that a frame says when it was shown."""
    small = f"color=black:s=32x32:r={rate}:d={seconds},format=gbrp,geq=r='240*T/{seconds}':g=40:b='255*X/W'"
    picture = f"{small},scale={size.replace('x', ':')}:flags=neighbor,setsar=1"
    inputs = ["-f", "lavfi", "-i", picture]
    inputs += ["-f", "lavfi", "-i", f"sine=440:d={seconds}"] if sound else []
    fine = ["-pix_fmt", "yuv444p", "-preset", "ultrafast", "-crf", "5"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *inputs, *output, *fine, str(path)], check=True)
    return path


def shown(path, seconds=4):
    """The seconds that the frames of a cut moment of a clip were filmed at, by their red."""
    frames = videos.frames(path, (WIDTH, HEIGHT))
    return np.array([frame[: HEIGHT // 8, :, 0].astype(float).mean() for frame in frames]) * seconds / 240


def cut(path, tmp_path, start=1.0, frames=30):
    made = tmp_path / "moment.mp4"
    footage.cut(path, Moment("clip-0", start, frames), made)
    return made


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("plain.mp4", {}),
        ("odd.mp4", {"size": "333x591"}),
        ("wide.mp4", {"size": "641x359"}),
        ("tiny.mp4", {"size": "34x60"}),
        ("fast.mp4", {"rate": 60}),
        ("slow.mp4", {"rate": 12}),
        ("silent.mp4", {"sound": False}),
        ("matroska.mkv", {"rate": 25}),
    ],
)
def test_a_moment_is_cut_to_the_frame_whatever_the_clip_is(name, how, tmp_path):
    made = cut(film(tmp_path / name, **how), tmp_path)
    seen = shown(made)
    assert len(seen) == 30
    assert np.abs(seen - (1 + np.arange(30) / 30)).max() < 1 / how.get("rate", 30) + 0.05
    with av.open(str(made)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (WIDTH, HEIGHT)
        assert len(file.streams) == 1


def test_a_variable_rate_keeps_its_times(tmp_path):
    uneven = ("-vf", "select='not(mod(n,7))+not(mod(n,5))'", "-fps_mode", "vfr")
    seen = shown(cut(film(tmp_path / "uneven.mp4", *uneven), tmp_path))
    assert np.abs(seen - (1 + np.arange(30) / 30)).max() < 5 / 30


def test_pixels_that_are_not_square_are_shown_as_they_are_meant(tmp_path):
    """A frame stored half as wide: its gradient from left to right is whole again, not cut off at the sides."""
    made = cut(film(tmp_path / "narrow.mp4", "-vf", "setsar=2", size="180x640"), tmp_path)
    blue = next(videos.frames(made))[: HEIGHT // 8, :, 2].astype(float).mean(axis=0)
    assert blue[0] < 20 and blue[-1] > 235


def test_a_moment_is_darker_where_captions_stand(tmp_path):
    red = next(videos.frames(cut(film(tmp_path / "clip.mp4"), tmp_path, start=3.5), (WIDTH, HEIGHT)))[..., 0]
    top, bottom = red[:40].mean(), red[-40:].mean()
    assert bottom == pytest.approx(scenery.DUSK * top, rel=0.06)


def test_a_moment_longer_than_the_clip_stands_still_at_its_end(tmp_path):
    seen = shown(cut(film(tmp_path / "short.mp4", seconds=1.5), tmp_path, start=1.0, frames=45), 1.5)
    assert len(seen) == 45
    assert seen[10] - seen[0] > 0.25 and abs(seen[-1] - seen[20]) < 0.05


@pytest.mark.parametrize(
    "content", [b"", b"not a video", b"\x00\x00\x00\x18ftypmp42"], ids=["empty", "text", "cut off"]
)
def test_what_is_no_clip_is_refused(content, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(content)
    with pytest.raises(EngineError):
        cut(tmp_path / "broken.mp4", tmp_path)


def test_a_moment_after_the_end_is_refused(tmp_path):
    with pytest.raises(EngineError):
        cut(film(tmp_path / "short.mp4", seconds=1), tmp_path, start=9.0)


def test_a_playlist_that_names_other_files_is_not_followed(tmp_path):
    film(tmp_path / "secret.mp4")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{tmp_path / 'secret.mp4'}'\n")
    with pytest.raises(EngineError):
        cut(tmp_path / "list.mp4", tmp_path)


def test_the_same_moment_is_cut_once_and_gives_the_same_bytes(tmp_path):
    clip, moment = film(tmp_path / "clip.mp4"), Moment("clip-0", 0.5, 20)
    made = [footage.cut_all([moment], {"clip-0": clip}, tmp_path / name, no_report)[0][moment] for name in ("a", "b")]
    assert made[0].read_bytes() == made[1].read_bytes()
    before = made[0].stat().st_ino
    again, warnings = footage.cut_all([moment, moment], {"clip-0": clip}, tmp_path / "a", no_report)
    assert again[moment].stat().st_ino == before
    assert warnings == ()


def test_one_broken_clip_costs_its_own_moments_alone(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    files = {"good": film(tmp_path / "clip.mp4"), "bad": tmp_path / "broken.mp4", "gone": tmp_path / "gone.mp4"}
    moments = [Moment(name, 0.5, 10) for name in files]
    made, warnings = footage.cut_all(moments, files, tmp_path / "kept", no_report)
    assert list(made) == [moments[0]]
    assert [line.split("”")[0] for line in warnings] == ["The moving picture of “bad", "The moving picture of “gone"]


def test_called_off_the_cutting_ends_within_a_second(tmp_path):
    clip = film(tmp_path / "small.mp4", size="36x64", rate=5, sound=False)

    def report(*_):
        raise Cancelled

    began = time.monotonic()
    with pytest.raises(Cancelled):
        footage.cut_all([Moment("clip-0", n / 10, 9000) for n in range(4)], {"clip-0": clip}, tmp_path / "kept", report)
    assert time.monotonic() - began < 2
    assert not list((tmp_path / "kept").glob(".*"))


# Clips that are wider than the frame


def scene(path, *places, moves=0.0, seconds=2):
    """A wide clip of grey-green ground, with an orange square at each of `places`: shares of the width, at its left."""
    squares = ";".join(
        f"[at{n - 1}][{n}:v]overlay=x='W*({place}+{moves}*t/{seconds})':y=H*0.3[at{n}]"
        for n, place in enumerate(places, 1)
    )
    inputs = ["-f", "lavfi", "-i", f"color=0x4A5A50:s=640x360:r=30:d={seconds},noise=alls=6:all_seed=1"]
    for _ in places:
        inputs += ["-f", "lavfi", "-i", f"color=0xFF8000:s=80x120:r=30:d={seconds}"]
    graph = ["-filter_complex", f"[0:v]null[at0];{squares}", "-map", f"[at{len(places)}]"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *inputs, *graph, str(path)], check=True)
    return path


def orange(frame, least=150):
    """The columns of a frame, and the rows, in which there is orange of at least so much red."""
    there = (frame[..., 0] > least) & (frame[..., 2] < 90)
    return np.flatnonzero(there.any(axis=0)), np.flatnonzero(there.any(axis=1))


@pytest.mark.parametrize("place", [0.02, 0.27, 0.44, 0.65, 0.85], ids=["edge", "third", "middle", "right", "rim"])
def test_the_subject_of_a_wide_clip_is_in_the_frame_wherever_it_stands(place, tmp_path):
    frames = list(videos.frames(cut(scene(tmp_path / "wide.mp4", place), tmp_path, 0.2), (WIDTH, HEIGHT)))
    columns, rows = orange(frames[0])
    whole = 80 * HEIGHT / 360
    assert len(columns) >= 0.95 * whole and len(rows) >= 0.95 * 1.5 * whole
    assert columns[0] > 2 and columns[-1] < WIDTH - 3


def test_the_window_stands_still_for_a_whole_moment(tmp_path):
    frames = list(videos.frames(cut(scene(tmp_path / "wide.mp4", 0.27), tmp_path, 0.2), (WIDTH, HEIGHT)))
    assert max(abs(int(orange(frame)[0][0]) - int(orange(frames[0])[0][0])) for frame in frames) <= 1


@pytest.mark.parametrize(
    ("places", "moves"), [((0.02, 0.85), 0.0), ((0.05,), 0.7)], ids=["two far apart", "one that walks through"]
)
def test_what_is_spread_wide_is_shown_whole_over_a_blurred_copy(places, moves, tmp_path):
    clip = scene(tmp_path / "wide.mp4", *places, moves=moves)
    for frame in videos.frames(cut(clip, tmp_path, 0.0, 60), (WIDTH, HEIGHT)):
        columns, rows = orange(frame, 200)  # more than the copy has
        small = 80 * WIDTH / 640
        assert len(columns) >= 0.9 * small * len(places)
        assert rows[-1] < HEIGHT / 2, "captions stand on it"
        assert frame[-40:].mean() > 15 and frame[:40].mean() > 15, "black bars"
        assert frame[:40].mean() < 0.8 * frame[HEIGHT // 4 : HEIGHT // 3].mean(), "the copy outshines the picture"


# In a storyboard and in a draft

LINES = ("One line here.", "Another line there.", "The last line of all.")


def board(*clips, lines=LINES):
    return storyboard(StoryboardRequest(lines, ("cover",), footage=clips, seed=3)).timeline


def test_scenes_begin_with_moments_of_the_clips_in_turn_and_none_twice():
    clips = (Footage("clip-0", 20.0, (3.0, 9.0)), Footage("clip-1", 20.0, (5.0,)))
    firsts = [scene.shots[0] for scene in board(*clips, lines=LINES * 2).scenes]
    assert [(shot.picture, shot.start) for shot in firsts[:3]] == [("clip-0", 3.0), ("clip-1", 5.0), ("clip-0", 9.0)]
    assert all(shot.picture.split("@")[0] == "cover" for shot in firsts[3:])


def test_a_moment_near_the_end_begins_earlier_and_a_clip_that_is_too_short_is_not_shown():
    long, short = board(Footage("clip-0", 6.0, (5.5,))), board(Footage("clip-0", 1.0, (0.0,)))
    first = long.scenes[0].shots[0]
    assert first.picture == "clip-0" and first.start + first.seconds < 6.0
    assert short.scenes[0].shots[0].picture == "cover"


@pytest.fixture
def own_settings(settings, fonts, tmp_path):
    data = tmp_path / "data"
    (data / "drafts").mkdir(parents=True)
    (data / "drafts" / "fonts").symlink_to(fonts)
    return replace(settings, data_dir=data)


@pytest.mark.slow
def test_a_draft_shows_the_moments_moving_and_again_only_what_changed(tmp_path, own_settings):
    clip = film(tmp_path / "clip.mp4", seconds=8, size="640x360")
    timeline = board(Footage("clip-0", 8.0, (1.0, 3.0)))
    request = DraftRequest(timeline, footage={"clip-0": clip})
    made = animate_text.render(request, own_settings)
    (tmp_path / "draft.mp4").write_bytes(made.mp4)
    frames = list(videos.frames(tmp_path / "draft.mp4", (WIDTH, HEIGHT)))
    assert len(frames) == timeline.frames[-1][1]
    for number, shot in enumerate(timeline.shots):
        if shot.picture == "clip-0":
            first, last = timeline.frames[number]
            red = [frame[: HEIGHT // 8, :, 0].astype(float).mean() / 30 for frame in frames[first:last]]
            expected = shot.start + np.arange(last - first) / 30
            settled = slice(8, None)  # after what came before has gone
            assert np.abs(np.array(red) - expected)[settled].max() < 0.15
    before = segments(own_settings.data_dir)
    assert animate_text.render(request, own_settings).mp4 == made.mp4
    assert segments(own_settings.data_dir) == before
    assert made.warnings == ()


@pytest.mark.slow
def test_a_broken_clip_gives_way_to_a_picture_with_a_warning(tmp_path, own_settings):
    (tmp_path / "clip.mp4").write_bytes(b"no clip")
    timeline = board(Footage("clip-0", 8.0, (1.0, 3.0)))
    made = animate_text.render(DraftRequest(timeline, footage={"clip-0": tmp_path / "clip.mp4"}), own_settings)
    assert made.warnings == (f"The moving picture of “clip-0” {footage.CUT_OFF}",)
    assert len(made.mp4) > 10_000
