"""ffmpeg on hostile files: what it may read, how much memory and time it may take, and what it says of them."""

import os
import re
import resource
import subprocess
import threading
import time

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from core import ffmpeg
from core.engines import EngineError
from settings import Settings
from tiktok_to_text import upload_check


def make(path, *options):
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *options, str(path)], check=True)
    return path


def lavfi(source):
    return ["-f", "lavfi", "-i", source]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def with_streams(folder, count):
    picture = make(folder / "one.mkv", *lavfi("color=teal:size=64x64:rate=5:duration=1"))
    return make(folder / f"{count}.mkv", "-i", str(picture), *["-map", "0:v:0"] * count, "-c", "copy")


def admit(path, **chosen):
    upload_check.check(path, path.suffix, Settings.read({name: str(value) for name, value in chosen.items()}))


def test_eight_streams_are_read_and_nine_are_refused(folder):
    admit(with_streams(folder, 8))
    with pytest.raises(EngineError, match="8 streams"):
        admit(with_streams(folder, 9))


def test_a_file_of_hundreds_of_streams_is_refused_in_little_memory(folder):
    """The streams are counted as they are found, not when all were probed."""
    path = with_streams(folder, 900)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(EngineError):
        admit(path)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 150_000)  # KiB


def test_a_length_is_measured_and_not_believed(folder):
    """A clip of 40 s whose header claims 1 s: the element Duration, 0x4489, holds milliseconds (RFC 9559)."""
    path = make(folder / "long.mkv", *lavfi("color=teal:size=64x64:rate=5:duration=40"))
    content = path.read_bytes()
    (claimed,) = re.finditer(rb"\x44\x89\x88", content)
    import struct

    lying = content[: claimed.end()] + struct.pack(">d", 1000.0) + content[claimed.end() + 8 :]
    path.write_bytes(lying)
    assert ffmpeg.probe(path).seconds == pytest.approx(40, abs=0.5)
    with pytest.raises(EngineError, match="longer than 30 seconds"):
        admit(path, MAX_VIDEO_SECONDS=30)


def test_a_run_that_wants_more_memory_than_it_may_have_ends(folder, monkeypatch):
    path = make(folder / "large.mkv", *lavfi("testsrc2=size=1920x1080:rate=5:duration=2"))
    monkeypatch.setitem(ffmpeg.LIMITS, resource.RLIMIT_DATA, 24 * 1024**2)
    _, status = ffmpeg.run(path, "-map", "0:v:0", "-f", "null", "-")
    assert status != 0


def test_a_run_that_takes_too_long_is_ended_with_all_its_processes(folder, monkeypatch):
    path = make(folder / "endless.mkv", *lavfi("testsrc2=size=640x360:rate=25:duration=60"), "-preset", "ultrafast")
    monkeypatch.setattr(ffmpeg, "TIME_LIMIT", 0.2)
    start = time.monotonic()
    with pytest.raises(EngineError, match="too long"):
        ffmpeg.run(path, "-vf", "minterpolate", "-f", "null", "-")
    assert time.monotonic() - start < 5
    assert not processes_of(path)


def test_a_pipe_that_is_left_early_leaves_no_process(folder):
    path = make(folder / "piped.mkv", *lavfi("testsrc2=size=640x360:rate=25:duration=20"), "-preset", "ultrafast")
    with ffmpeg.pipe(path, (), ("-f", "rawvideo", "-")) as stream:
        assert stream.read(1000)
        assert processes_of(path)
    assert not processes_of(path)


def processes_of(path):
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(path) in line and "ffmpeg" in line]


@pytest.mark.parametrize("text", ["#EXTM3U\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n", "", "x"])
def test_what_names_other_files_or_is_no_video_is_refused(folder, text):
    path = folder / "list.mp4"
    path.write_text(text)
    with pytest.raises(EngineError):
        ffmpeg.probe(path)


def test_what_reads_a_strangers_file_is_told_no_key(monkeypatch):
    monkeypatch.setenv("LLAMA_API_KEY", "sk-secret")
    with ffmpeg.confined(["env"], subprocess.PIPE, subprocess.DEVNULL) as process:
        seen = process.communicate()[0].decode()
    assert "PATH=" in seen
    assert "sk-secret" not in seen


def test_it_can_be_run_while_another_thread_changes_the_environment(monkeypatch, folder):
    """As libraries do that are being imported."""
    clip = make(folder / "short.mp4", *lavfi("color=teal:size=64x64:rate=5:duration=1"))
    over = threading.Event()

    def change():
        while not over.is_set():
            for number in range(3000):
                os.environ[f"CHANGED_{number}"] = "x" * 200
            for number in range(3000):
                del os.environ[f"CHANGED_{number}"]

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(30):
            assert ffmpeg.probe(clip).has_picture
    finally:
        over.set()
        changing.join()


def test_what_reads_a_strangers_file_has_no_network_where_the_system_can_take_it_away():
    if not ffmpeg.without_network():
        pytest.skip("This system lets no program give up its network.")
    with ffmpeg.confined(["cat", "/proc/net/dev"], subprocess.PIPE, subprocess.DEVNULL) as process:
        listed = process.communicate()[0].decode()
    assert re.findall(r"^ *(\w+):", listed, re.MULTILINE) == ["lo"]


def test_where_the_system_cannot_take_the_network_away_files_are_read_all_the_same(folder, monkeypatch):
    monkeypatch.setattr(ffmpeg, "WITHOUT_NETWORK", (("unshare-is-not-here",), ("false",)))
    ffmpeg.without_network.cache_clear()
    try:
        assert ffmpeg.without_network() == ()
        clip = make(folder / "plain.mp4", *lavfi("color=teal:size=64x64:rate=5:duration=1"))
        assert ffmpeg.probe(clip).has_picture
    finally:
        ffmpeg.without_network.cache_clear()
