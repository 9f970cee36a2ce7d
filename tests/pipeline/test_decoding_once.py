"""A clip is read and measured: its picture is decoded once for both."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import imageio_ffmpeg
import pytest

import core.tee
import tiktok_to_text
import trend_insights
from core import ffmpeg
from core.engines import Cancelled, EngineError, no_report
from core.tee import Tee
from pipeline.clips import read_clip
from tiktok_videos.catalogue import Video
from trend_insights import observed

KEY = "AI/a.mp4"
VIDEO = Video("library", KEY, "a", 0.0)


@pytest.fixture
def library(tmp_path, settings, samples):
    """Settings of a studio that hears nothing and whose library holds one clip with captions."""
    clip = tmp_path / "library" / KEY
    clip.parent.mkdir(parents=True)
    clip.write_bytes(sorted(samples.glob("AI*/*.mp4"))[0].read_bytes())
    return replace(settings, video_library=tmp_path / "library", speech_engines=())


@pytest.fixture
def commands(monkeypatch):
    """The commands of ffmpeg that decode a picture."""
    run, original = [], ffmpeg.command

    def command(path, before, after, *rest):
        if "0:v:0" in after or "-filter_complex" in after:
            run.append(after)
        return original(path, before, after, *rest)

    monkeypatch.setattr(ffmpeg, "command", command)
    return run


def alone(clip, settings):
    return tiktok_to_text.read(clip, "en-US", replace(settings, data_dir=settings.data_dir / "alone"), no_report)


def observed_and_read(clip, settings, tee):
    """What a pass over the clip gives, and what is read beside it; None for each where it is no clip."""
    with ThreadPoolExecutor(2) as beside:
        observing = beside.submit(trend_insights.observe, clip, no_report, tee)
        reading = beside.submit(tiktok_to_text.read, clip, "en-US", settings, no_report, tee)
        for one in (observing, reading):
            assert isinstance(one.exception(), EngineError | None)
        return tuple(None if one.exception() else one.result() for one in (observing, reading))


def test_a_clip_is_decoded_once(library, commands):
    clip = read_clip(VIDEO, "en-US", library, no_report)
    assert len(commands) == 1
    assert clip.text.on_screen and clip.traits.cuts.times and not clip.warnings


def test_what_is_read_is_what_a_pass_of_its_own_reads(library, tmp_path):
    clip = library.video_library / KEY
    tee = tiktok_to_text.tee_in(tmp_path)
    _, text = observed_and_read(clip, library, tee)
    assert tee.written.result()
    assert {line.casefold() for line in text.on_screen} == {line.casefold() for line in alone(clip, library).on_screen}


@pytest.mark.parametrize("place", ["missing", "little room"])
def test_where_there_is_no_room_for_frames_reading_and_measuring_decode_apart(
    library, tmp_path, commands, monkeypatch, place
):
    clip = library.video_library / KEY
    if place == "little room":
        monkeypatch.setattr(core.tee, "SPARE_DISK", 2**62)
        (tmp_path / place).mkdir()
    tee = tiktok_to_text.tee_in(tmp_path / place)
    seen, text = observed_and_read(clip, library, tee)
    assert not tee.written.result() and not tee.file.exists() and len(commands) == 2
    assert (seen.shots, text) == (trend_insights.observe(clip, no_report).shots, alone(clip, library))


def test_a_disk_that_fills_meanwhile_costs_nothing_but_time(library, tmp_path, commands):
    clip = library.video_library / KEY
    tee = Tee(tiktok_to_text.tee_in(tmp_path).filters, tmp_path / "full")
    tee.file.symlink_to("/dev/full")
    seen, text = observed_and_read(clip, library, tee)
    assert not tee.written.result() and len(commands) == 3
    assert (seen.shots, text) == (trend_insights.observe(clip, no_report).shots, alone(clip, library))


def test_a_long_clip_is_read_without_waiting_until_all_of_it_was_seen(library, tmp_path, monkeypatch):
    monkeypatch.setattr(observed, "MAX_TEED", 5)
    tee = tiktok_to_text.tee_in(tmp_path)
    _, text = observed_and_read(library.video_library / KEY, library, tee)
    assert not tee.written.result() and not tee.file.exists() and text.on_screen


def test_called_off_both_end(library, tmp_path):
    def report(done, total, what):
        if what == "measuring the picture":
            raise Cancelled

    def read_off(*_):
        raise Cancelled

    tee = tiktok_to_text.tee_in(tmp_path)
    with ThreadPoolExecutor(1) as beside:
        observing = beside.submit(trend_insights.observe, library.video_library / KEY, report, tee)
        with pytest.raises(Cancelled):
            tiktok_to_text.read(library.video_library / KEY, "en-US", library, read_off, tee)
        assert isinstance(observing.exception(timeout=30), Cancelled)
    assert not tee.written.result()


def test_a_sound_and_what_is_no_clip_are_no_picture_to_wait_for(library, tmp_path):
    sound, broken = tmp_path / "sound.mp4", tmp_path / "broken.mp4"
    tone = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *tone, str(sound)], check=True, timeout=60)
    broken.write_bytes(b"no clip" * 99)
    for clip, readable in ((sound, True), (broken, False)):
        tee = tiktok_to_text.tee_in(tmp_path)
        found = observed_and_read(clip, library, tee)
        assert not tee.written.result() and [one is not None for one in found] == [readable, readable]
