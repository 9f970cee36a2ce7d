"""What a clip's words are read as, and what becomes of clips that have none or are broken."""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import imageio_ffmpeg
import jiwer
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import tiktok_to_text
from engines import Cancelled, EngineError, silent
from settings import ROOT
from tiktok_to_text import screen_text, speech

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PICTURE = "testsrc2=size=270x480:rate=25"


@pytest.fixture(autouse=True)
def folder_for_temporary_files(tmp_path, monkeypatch):
    """Send temporary files to a folder of the test's own, and see that it is empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def quick(settings):
    """No engine listens."""
    return replace(settings, speech_engines=())


@pytest.fixture
def make(tmp_path):
    """Make a clip with ffmpeg: `make("a.mp4", "-f", "lavfi", "-i", …)`."""

    def run(name, *arguments):
        path = tmp_path / name
        command = [FFMPEG, "-nostdin", "-v", "error", "-y", *arguments, "-pix_fmt", "yuv420p", f"file:{path}"]
        subprocess.run(command, check=True, timeout=60)
        return path

    return run


@pytest.fixture
def silent_picture(make):
    return make("picture.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "1")


@pytest.fixture(scope="session")
def sample_clips(samples):
    return sorted(samples.glob("*/*.mp4"))


def with_sound(sound, seconds=4):
    return ("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", sound, "-t", str(seconds), "-shortest")


def read(path, settings, report=silent):
    return tiktok_to_text.read(path, "en-US", settings, report)


def truth(clip):
    return json.loads(clip.with_suffix(".json").read_text())


def lines(text):
    return [line.casefold() for line in text.on_screen]


def words(text):
    return re.sub(r"[^\w' ]+", " ", text.casefold().replace("-", " ")).split()


# --- the sample clips


@pytest.mark.slow
def test_a_loop_of_the_model_is_noticed_and_listened_to_again(sample_clips, settings, monkeypatch):
    monkeypatch.setattr(speech, "SPARE_FRAMES", 0)  # with no silence after the last word the model is prone to go on
    for clip in sample_clips[:5]:
        said = " ".join(words(truth(clip)["script"]))
        assert jiwer.wer(said, " ".join(words(read(clip, settings).transcript))) <= 0.08


@pytest.mark.slow
def test_sample_clips_are_understood(sample_clips, settings):
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(lambda clip: read(clip, settings), sample_clips))
    truths = [truth(clip) for clip in sample_clips]

    said = [" ".join(words(text["script"])) for text in truths]
    heard = [" ".join(words(text.transcript)) for text in texts]
    assert jiwer.wer(said, heard) <= 0.08

    shown = [words(" ".join(" ".join(caption["lines"]) for caption in text["captions"])) for text in truths]
    seen = [words(" ".join(text.on_screen)) for text in texts]
    found = sum(word in there for wanted, there in zip(shown, seen, strict=True) for word in wanted)
    assert found >= 0.9 * sum(map(len, shown))

    for text, clip in zip(texts, sample_clips, strict=True):
        assert text.warnings == () and text.speech_engine == "whisper", clip
        assert len(text.stills) == 2, clip
        times = [moment for phrase in text.phrases for moment in (phrase.start, phrase.end)]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= text.seconds + 0.5, clip
        assert len(text.on_screen) == len({line.casefold() for line in text.on_screen}), clip


def test_captions_come_in_the_order_of_the_clip(sample_clips, quick):
    clip = sample_clips[-1]
    captions = [words(" ".join(caption["lines"])) for caption in truth(clip)["captions"]]
    seen = words(" ".join(read(clip, quick).on_screen))
    positions = [seen.index(caption[0]) for caption in captions if caption[0] in seen]
    assert len(positions) >= 2 and positions == sorted(positions)


# --- text on the screen


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


# --- sound


def test_a_clip_without_an_audio_track_has_no_phrases(silent_picture, settings):
    text = read(silent_picture, settings)
    assert (text.phrases, text.speech_engine, text.warnings) == ((), None, ())
    assert text.transcript == ""


SOUNDS = {
    "silence": "anullsrc=r=44100",
    "noise": "anoisesrc=color=pink:amplitude=0.4:r=44100:seed=1",
    "a tone": "sine=440:r=44100",
    "chords with a beat": "aevalsrc='0.2*(sin(1382*t)+sin(1740*t)+sin(2073*t))*(0.4+0.6*lt(mod(t\\,0.5)\\,0.1))'",
}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_nothing_is_heard_where_nobody_speaks(make, settings, sound):
    text = read(make("mute.mp4", *with_sound(sound, 12)), settings)
    assert (text.phrases, text.warnings) == ((), ())


def test_a_file_of_sound_alone_is_read(sample_clips, make, settings):
    clip = make("sound.mp4", "-i", str(sample_clips[0]), "-vn", "-c:a", "copy")
    text = read(clip, settings)
    assert (text.on_screen, text.stills, text.warnings) == ((), (), ())
    said = " ".join(words(truth(sample_clips[0])["script"]))
    assert jiwer.wer(said, " ".join(words(text.transcript))) <= 0.08


def test_speech_longer_than_a_window_of_the_model_is_heard_to_its_end(sample_clips, make, settings):
    clips = [argument for clip in sample_clips[:3] for argument in ("-i", str(clip))]
    clip = make("long.mp4", *clips, "-filter_complex", "[0:a][1:a][2:a]concat=n=3:v=0:a=1", "-vn")
    said = " ".join(word for clip_ in sample_clips[:3] for word in words(truth(clip_)["script"]))
    text = read(clip, settings)
    assert jiwer.wer(said, " ".join(words(text.transcript))) <= 0.08
    assert text.phrases[-1].end > 40


def test_a_language_that_the_model_does_not_know_is_said_in_a_warning(sample_clips, make, settings):
    clip = make("sound.mp4", "-i", str(sample_clips[0]), "-vn", "-c:a", "copy")
    text = tiktok_to_text.read(clip, "de-DE", settings, silent)
    assert text.phrases == () and text.speech_engine is None
    assert len(text.warnings) == 1 and "de-DE" in text.warnings[0]


def test_a_model_that_cannot_be_loaded_is_said_in_a_warning_and_not_kept(make, settings, tmp_path):
    (tmp_path / "model").mkdir()
    settings = replace(settings, whisper_model=str(tmp_path / "model"))
    text = read(make("tone.mp4", *with_sound("sine", 1)), settings)
    assert len(text.warnings) == 1 and "WHISPER_MODEL" in text.warnings[0]
    assert not (settings.data_dir / "texts").exists()
    assert text.stills


# --- files that are no clips

KINDS = ("empty", "text", "cut off", "head only", "zeros", "HLS playlist", "HLS playlist with a relative path",
         "concat script", "subtitles", "SDP", "DASH manifest")  # fmt: skip


def broken_files(clip, folder):
    content = clip.read_bytes()
    (folder / "other.mp4").write_bytes(content)
    return {
        "empty": b"",
        "text": b"just a few words\n" * 100,
        "cut off": content[: len(content) // 2],
        "head only": content[:40],
        "zeros": bytes(100_000),
        "HLS playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{folder}/other.mp4\n#EXT-X-ENDLIST\n".encode(),
        "HLS playlist with a relative path": b"#EXTM3U\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n",
        "concat script": b"ffconcat version 1.0\nfile other.mp4\n",
        "subtitles": b"1\n00:00:00,000 --> 00:00:02,000\nwords\n",
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "DASH manifest": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
        b"<Representation><BaseURL>other.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_or_hostile_file_is_refused_with_a_sentence(silent_picture, tmp_path, quick, kind):
    path = tmp_path / "clip.mp4"
    path.write_bytes(broken_files(silent_picture, tmp_path)[kind])
    with pytest.raises(EngineError, match=r"^This file is not a video that can be read"):
        read(path, quick)
    assert not (quick.data_dir / "texts").exists()


def test_a_missing_file_is_refused_with_a_sentence(tmp_path, quick):
    with pytest.raises(EngineError, match="cannot be opened"):
        read(tmp_path / "none.mp4", quick)


def test_a_clip_that_breaks_off_is_read_as_far_as_it_goes(make, tmp_path, quick):
    whole = make("whole.mkv", "-f", "lavfi", "-i", PICTURE, "-t", "4", "-c:v", "libx264", "-g", "10")
    path = tmp_path / "half.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert read(path, quick).stills


def test_damage_in_the_middle_costs_no_more_than_the_clip(silent_picture, tmp_path, quick):
    content = bytearray(silent_picture.read_bytes())
    content[5000:9000] = bytes(range(250)) * 16
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    read(path, quick)


@pytest.mark.parametrize(
    "name", ["-rf.mp4", "día de fête 東京 🎬.mp4", "a b'c\"$(touch x);.mp4", "http:x.mp4", "%d.mp4"]
)
def test_any_file_name_is_read(silent_picture, tmp_path, quick, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    silent_picture.rename(name)
    assert read(Path(name), quick).stills
    assert not Path("x").exists()


# --- the cache, cancelling, threads


def test_a_second_read_of_the_same_content_needs_no_model(sample_clips, settings, tmp_path, monkeypatch):
    first = read(sample_clips[0], settings)
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(sample_clips[0].read_bytes())
    monkeypatch.setattr(subprocess, "Popen", None)  # no engine gets anything without ffmpeg
    assert read(copy, settings) == first


@pytest.mark.parametrize("change", ["{", "", "null", "[]", '{"seconds": 1}', "\x00", "cut", "still"])
def test_a_corrupt_cache_entry_is_read_anew(silent_picture, quick, change):
    first = read(silent_picture, quick)
    (entry,) = (quick.data_dir / "texts").iterdir()
    kept = entry.read_text()
    broken = {"cut": kept[: len(kept) // 2], "still": kept.replace('"stills": ["', '"stills": ["*')}.get(change, change)
    entry.write_text(broken)
    assert read(silent_picture, quick) == first
    assert entry.read_text() == kept
    assert list(entry.parent.iterdir()) == [entry]


def test_another_language_or_engine_is_read_anew(silent_picture, settings):
    read(silent_picture, settings)
    tiktok_to_text.read(silent_picture, "en-GB", settings, silent)
    read(silent_picture, replace(settings, speech_engines=("google",)))
    assert len(list((settings.data_dir / "texts").iterdir())) == 3


def test_the_cache_keeps_plain_json_with_stills(silent_picture, quick):
    text = read(silent_picture, quick)
    (entry,) = (quick.data_dir / "texts").iterdir()
    kept = json.loads(entry.read_text())
    assert tuple(base64.b64decode(still) for still in kept["stills"]) == text.stills


def test_a_clip_wanted_twice_at_once_is_read_once(silent_picture, quick):
    reports = []

    def report(*step):
        reports.append(step)
        time.sleep(0.01)

    read(silent_picture, quick, report)
    once = len(reports)
    reports.clear()
    quick = replace(quick, data_dir=quick.data_dir / "other")
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: read(silent_picture, quick, report), range(8)))
    assert texts == [texts[0]] * 8
    assert len(reports) == once


@pytest.mark.parametrize("at", [1, 5, 30])
def test_a_read_can_be_called_off(sample_clips, settings, at):
    steps = iter(range(10_000))

    def report(done, total, what):
        if next(steps) >= at:
            raise Cancelled

    with pytest.raises(Cancelled):
        read(sample_clips[0], settings, report)
    assert not (settings.data_dir / "texts").exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("screen")]


def test_calling_off_stops_ffmpeg(make, quick):
    clip = make("long.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "60", "-preset", "ultrafast")

    def report(done, total, what):
        raise Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        read(clip, quick, report)
    assert time.monotonic() - started < 10
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    running = children.read_text().split() if children.exists() else []
    assert not [child for child in running if "ffmpeg" in Path(f"/proc/{child}/comm").read_text()]


def test_ffmpeg_is_stopped_when_it_takes_too_long(silent_picture, quick, monkeypatch):
    monkeypatch.setattr(tiktok_to_text.audio.ffmpeg, "TIME_LIMIT", 0.001)
    with pytest.raises(EngineError, match="too long"):
        read(silent_picture, quick)


def test_models_are_loaded_once_by_ten_threads(settings):
    speech._load.cache_clear()
    screen_text._load.cache_clear()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: tiktok_to_text.warm(settings), range(10)))
        models = set(pool.map(lambda _: id(speech.load(settings)), range(10)))
        readers = set(pool.map(lambda _: id(screen_text.load()), range(10)))
    assert len(models) == len(readers) == 1
    assert speech._load.cache_info().misses == screen_text._load.cache_info().misses == 1


def test_importing_the_package_loads_no_heavy_library():
    heavy = "cv2 faster_whisper ctranslate2 onnxruntime rapidocr_onnxruntime torch av moviepy"
    code = f"import sys, tiktok_to_text; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_reports_nothing_to_the_maker_of_its_runtime(tmp_path):
    code = "import tiktok_to_text; from tiktok_to_text import screen_text; screen_text.load()"
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert not list(tmp_path.rglob("*deviceid*"))
