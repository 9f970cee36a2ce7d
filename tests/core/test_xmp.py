"""XMP in the three kinds of files: what is written is read again, the media stay, and broken files are refused."""

import io
import struct
import subprocess
import wave

import numpy as np
import pytest
from PIL import Image

from core import xmp

FIELDS = {
    "dc:title": "A “title” & <more>",
    "xmp:CreatorTool": "TrendTok Studio 1.0.0",
    "xmp:CreateDate": "2026-11-25T10:00:00Z",
    "Iptc4xmpExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
    "trendtok:Seed": "7",
}


def png():
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def wav(samples=801, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(width)
        output.setframerate(32_000)
        noise = np.random.default_rng(1).integers(-9999, 9999, samples)
        output.writeframes(noise.astype(f"i{width}").tobytes())
    return file.getvalue()


def mp4(folder, *options):
    from imageio_ffmpeg import get_ffmpeg_exe

    path = folder / "film.mp4"
    sources = ["-f", "lavfi", "-i", "testsrc=s=64x96:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *sources, "-pix_fmt", "yuv420p", *options, str(path)]
    subprocess.run(command, check=True)
    return path.read_bytes()


def decoded(data, folder):
    """What players and viewers see and hear of a file."""
    match xmp.kind(data):
        case "image/png":
            return np.asarray(Image.open(io.BytesIO(data))).tobytes()
        case "audio/wav":
            with wave.open(io.BytesIO(data)) as sound:
                return sound.readframes(sound.getnframes())
    from imageio_ffmpeg import get_ffmpeg_exe

    path = folder / "decoded.mp4"
    path.write_bytes(data)
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0", "-f", "framemd5", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(params=["png", "wav", "wav of an odd size", "mp4", "mp4 that begins with its index"])
def file(request, tmp_path):
    made = {"png": png, "wav": wav, "wav of an odd size": lambda: wav(width=1), "mp4": lambda: mp4(tmp_path)}
    return made.get(request.param, lambda: mp4(tmp_path, "-movflags", "+faststart"))()


def test_what_is_written_is_read_again_and_the_media_stay_as_they_are(file, tmp_path):
    marked = xmp.embed(file, FIELDS)
    assert xmp.extract(file) == {}
    assert xmp.extract(marked) == FIELDS
    assert decoded(marked, tmp_path) == decoded(file, tmp_path)


@pytest.mark.parametrize("kind", ["png", "wav", "mp4"])
def test_a_second_packet_takes_the_place_of_the_first(kind, tmp_path):
    file = {"png": png, "wav": wav, "mp4": lambda: mp4(tmp_path)}[kind]()
    twice = xmp.embed(xmp.embed(file, FIELDS), FIELDS | {"trendtok:Seed": "8"})
    assert xmp.extract(twice)["trendtok:Seed"] == "8"
    assert decoded(twice, tmp_path) == decoded(file, tmp_path)


def test_a_wav_file_has_the_program_and_the_source_type_in_its_info_list_too():
    marked = xmp.embed(wav(), FIELDS)
    assert b"LIST" in marked
    assert b"ISFT" in marked
    assert FIELDS["Iptc4xmpExt:DigitalSourceType"].encode() in marked[marked.index(b"ICMT") :]
    assert struct.unpack("<I", marked[4:8])[0] == len(marked) - 8


def test_a_box_that_reaches_to_the_end_of_the_file_gets_a_size_before_another_follows(tmp_path):
    film = mp4(tmp_path, "-movflags", "+faststart")  # the media are its last box
    name, start, _, end = list(xmp.boxes_mp4(film))[-1]
    assert (name, end) == (b"mdat", len(film))
    open_ended = film[:start] + b"\0\0\0\0" + film[start + 4 :]
    assert xmp.extract(xmp.embed(open_ended, FIELDS)) == FIELDS
    assert decoded(xmp.embed(open_ended, FIELDS), tmp_path) == decoded(film, tmp_path)


@pytest.mark.parametrize("kind", ["png", "wav", "mp4"])
def test_a_file_that_is_cut_off_anywhere_is_refused_or_marked_and_nothing_else(kind, tmp_path):
    file = {"png": png, "wav": wav, "mp4": lambda: mp4(tmp_path)}[kind]()
    for size in range(0, len(file), max(1, len(file) // 97)):
        try:
            xmp.extract(xmp.embed(file[:size], FIELDS))
        except xmp.MalformedError:
            continue


@pytest.mark.parametrize(
    "packet",
    [
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
        b"<x>" * 100_000,
        b"<x/>" + b" " * xmp.MAX_PACKET,
        b"\xff\xfe<\0x\0",
    ],
)
def test_a_hostile_packet_is_refused(packet):
    with pytest.raises(xmp.MalformedError):
        xmp.parse(packet)


def test_what_xml_cannot_hold_is_left_out():
    assert xmp.parse(xmp.packet({"dc:title": "a\0b\x1bc\ud800d"})) == {"dc:title": "abcd"}


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(xmp.MalformedError, match="neither"):
        xmp.embed(b"GIF89a", FIELDS)
