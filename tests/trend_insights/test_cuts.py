"""Shots: hard cuts to within two frames, fades to within their length, and none where only the camera moves."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.engines import no_report
from tools.known_clips import accuracy, made
from tools.known_clips.accuracy import FPS, hits
from trend_insights import MeasureRequest, measure


@pytest.fixture
def cuts(tmp_path, settings):
    def of(frames, fps=FPS, more=()):
        path = made.write_clip(tmp_path / "clip.mp4", frames, fps, more=more)
        return measure(MeasureRequest(str(path)), settings, no_report).cuts

    return of


@pytest.mark.slow
def test_hard_cuts_are_found_to_within_two_frames(tmp_path, settings):
    assert accuracy.hard_cuts(tmp_path, settings).f1 >= 0.95


@pytest.mark.slow
def test_fades_are_found_among_hard_cuts(tmp_path, settings):
    assert accuracy.fades(tmp_path, settings).f1 >= 0.8


def test_three_shots_have_two_cuts_and_their_lengths(cuts):
    frames, changes = made.cut_list((20, 30, 25), 31)
    found = cuts(frames)
    assert hits(found.times, changes) == 2 == len(found.times)
    assert found.shots == pytest.approx((0.8, 1.2, 1.0), abs=0.09)
    assert found.first_at == found.times[0] == pytest.approx(0.8, abs=0.09)
    assert found.per_minute == pytest.approx(40, abs=0.1)
    assert found.median_shot == pytest.approx(1.0, abs=0.09)


def test_a_moving_camera_a_caption_and_a_flash_are_no_cuts(cuts):
    frames = list(made.shot(5, 100, speed=4))
    for frame in frames[30:70]:
        cv2.putText(frame, "WAIT FOR IT", (10, 200), cv2.FONT_HERSHEY_DUPLEX, 0.7, (255, 255, 255), 2)
    found = cuts(frames)
    assert found.times == ()
    assert found.shots == (4.0,)
    assert found.camera_motion > 0.1


def test_a_picture_that_stands_still_has_no_cuts_and_no_motion(cuts):
    found = cuts([made.scene(3)[:320, :180]] * 60)
    assert (found.times, found.per_minute, found.motion, found.camera_motion) == ((), 0.0, 0.0, 0.0)


def test_one_frame_tells_nothing_of_cuts(cuts):
    found = cuts([made.scene(3)[:320, :180]])
    assert (found.times, found.per_minute, found.shots, found.median_shot, found.motion) == ((), None, (), None, None)
    assert found.confidence == 0


def test_a_variable_rate_does_not_move_the_cuts(tmp_path, settings):
    frames, changes = made.cut_list((25, 25, 25, 25), 41, speed=0.2)
    kept = [n for n in range(100) if n < 50 or n % 3 == 0 or n in {first for first, _ in changes}]
    stamps = "+".join(f"eq(n,{n})" for n in kept)
    more = ("-vf", f"select='{stamps}'", "-fps_mode", "vfr")
    path = made.write_clip(tmp_path / "clip.mp4", frames, FPS, more=more)
    traits = measure(MeasureRequest(str(path)), settings, no_report)
    assert traits.form.variable_rate
    assert hits(traits.cuts.times, changes) == 3 == len(traits.cuts.times)


def test_what_moves_more_has_more_motion(cuts):
    still, fast = cuts(list(made.shot(7, 50, speed=0.1))), cuts(list(made.shot(7, 50, speed=6)))
    assert fast.motion > 2 * still.motion
    assert fast.camera_motion > still.camera_motion


def test_sound_alone_has_no_picture_to_measure(tmp_path, settings):
    sound = made.write_wav(tmp_path / "sound.wav", made.clicks(100, 5))
    path = tmp_path / "clip.m4a"
    made.subprocess.run([made.FFMPEG, "-v", "error", "-y", "-i", sound, path], check=True)
    traits = measure(MeasureRequest(str(path)), settings, no_report)
    assert traits.cuts.times == () and traits.cuts.per_minute is None
    assert traits.colour.palette == () and traits.colour.brightness is None
    assert traits.form.aspect is None and traits.text.share is None


def test_nothing_is_measured_twice(tmp_path, settings, monkeypatch):
    path = made.write_clip(tmp_path / "clip.mp4", made.shot(2, 30))
    first = measure(MeasureRequest(str(path)), settings, no_report)
    monkeypatch.setattr("trend_insights._measure", None)
    assert measure(MeasureRequest(str(path)), settings, no_report) == first
    other = replace(settings, data_dir=tmp_path / "other")
    with pytest.raises(TypeError):
        measure(MeasureRequest(str(path)), other, no_report)


def test_a_search_that_is_called_off_stops_the_measuring(tmp_path, settings):
    from core.engines import Cancelled

    def report(_done, _total, _what):
        raise Cancelled

    path = made.write_clip(tmp_path / "clip.mp4", made.shot(2, 30))
    with pytest.raises(Cancelled):
        measure(MeasureRequest(str(path)), settings, report)
    assert not list(settings.data_dir.rglob("*.json"))


def test_the_colours_of_a_clip_are_its_palette(tmp_path, settings):
    frame = np.zeros((320, 180, 3), np.uint8)
    frame[:160], frame[160:240], frame[240:] = (40, 60, 220), (200, 180, 30), (245, 245, 245)
    path = made.write_clip(tmp_path / "clip.mp4", [frame] * 25)
    colour = measure(MeasureRequest(str(path)), settings, no_report).colour
    wanted = [(220, 60, 40), (30, 180, 200), (245, 245, 245)]
    got = [tuple(int(code[at : at + 2], 16) for at in (1, 3, 5)) for code in colour.palette]
    assert len(got) == 3
    for one, other in zip(sorted(got), sorted(wanted), strict=True):
        assert np.abs(np.subtract(one, other)).max() <= 14
    assert colour.shares == pytest.approx((0.5, 0.25, 0.25), abs=0.04)
