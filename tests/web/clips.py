"""Clips that mean harm or are broken: made by ffmpeg, then bent by hand or by chance."""

import random
import struct
import subprocess
from dataclasses import dataclass

from imageio_ffmpeg import get_ffmpeg_exe

KINDS = {
    "mp4": ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-movflags", "+faststart"),
    "mov": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"),
    "mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
}
PICTURE, SOUND = "testsrc2=size=64x64:rate=10:duration={}", "sine=frequency=440:duration={}"
MP4 = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41"
HEAD = 40  # bytes that tell what a file is: mostly left alone, or it is refused before anything is tried
EXTREME = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class Hostile:
    """A file that somebody sends, and by which statuses it may be answered."""

    name: str
    content: bytes
    statuses: tuple[int, ...] = (415, 422)


def made(folder, name, *options):
    """What ffmpeg makes with these options."""
    path = folder / name
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *options, str(path)], check=True)
    return path.read_bytes()


def whole(folder, kind, seconds=1):
    """A small clip that is as it should be."""
    sources = [part for text in (PICTURE, SOUND) for part in ("-f", "lavfi", "-i", text.format(seconds))]
    return made(folder, f"whole-{seconds}.{kind}", *sources, "-pix_fmt", "yuv420p", *KINDS[kind])


def corpus(folder):
    """The hostile files, each by what is wrong with it."""
    mp4, mkv = whole(folder, "mp4"), whole(folder, "mkv")
    return [
        *_names_others(mp4),
        *_crowded(folder),
        *_lying(folder, mp4),
        *_huge(mp4, mkv),
        *_cut(mp4, mkv),
        *_empty(folder),
    ]


def _names_others(mp4):
    """Texts that lead to other files or addresses, bare and behind the first bytes of a video; and a reference."""
    texts = {
        "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "remote": b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "manifest": b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/passwd</BaseURL></MPD>',
        "picture": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "archive": b"PK\3\4" + bytes(200),
    }
    for name, text in texts.items():
        yield Hostile(f"{name}.mp4", text)
        yield Hostile(f"{name}-behind.mp4", MP4 + text)
    reference = b"url \0\0\0\1"  # "in this file" (ISO/IEC 14496-12, 8.7.2)
    assert reference in mp4
    yield Hostile("elsewhere.mp4", mp4.replace(reference, b"url \0\0\0\0"), (202, 422))


def _crowded(folder):
    one = made(folder, "one.mkv", "-f", "lavfi", "-i", PICTURE.format(1))
    (folder / "one.mkv").write_bytes(one)
    for count in (9, 100, 900):
        options = ("-i", str(folder / "one.mkv"), *["-map", "0:v:0"] * count, "-c", "copy")
        yield Hostile(f"{count}-streams.mkv", made(folder, f"{count}.mkv", *options))


def _lying(folder, mp4):
    """Lengths that are not so: a long clip that claims a second, sizes beyond the end, an endless box."""
    long = whole(folder, "mkv", 40)
    at = long.index(b"\x44\x89\x88") + 3  # Duration, in ms (RFC 9559, 5.1.2.10)
    yield Hostile("claims-a-second.mkv", long[:at] + struct.pack(">d", 1000.0) + long[at + 8 :], (422,))
    for name, size in (("beyond", 0x7FFFFFFF), ("nothing", 0), ("tiny", 4), ("negative", 0xFFFFFFFF)):
        for box in (b"moov", b"mdat", b"stsz", b"stco"):
            at = mp4.index(box)
            bent = mp4[: at - 4] + struct.pack(">I", size) + mp4[at:]
            yield Hostile(f"{name}-{box.decode()}.mp4", bent, (202, 422))
    for box, offset in ((b"mvhd", 16), (b"mdhd", 16)):  # timescale and duration
        at = mp4.index(box) + offset
        yield Hostile(f"{box.decode()}.mp4", mp4[:at] + b"\0\0\0\1\xff\xff\xff\xff" + mp4[at + 8 :], (202, 422))
    at = mp4.index(b"stsz") + 12  # how many samples there are
    yield Hostile("samples.mp4", mp4[:at] + b"\xff\xff\xff\xff" + mp4[at + 4 :], (202, 422))


def _huge(mp4, mkv):
    """Pictures of any size, by the container and by the codec."""
    for side in (16383, 65535):
        at = mp4.index(b"avc1", mp4.index(b"stsd")) + 28
        yield Hostile(f"{side}.mp4", mp4[:at] + struct.pack(">HH", side, side) + mp4[at + 4 :], (202, 422))
        width, height = mkv.index(b"\xb0\x81"), mkv.index(b"\xba\x81")  # one byte each: 64
        bent = bytearray(mkv)
        bent[width + 2], bent[height + 2] = 255, 1
        yield Hostile(f"{side}.mkv", bytes(bent), (202, 422))


def _cut(mp4, mkv):
    for name, content in (("mp4", mp4), ("mkv", mkv)):
        for share in (1, 10, 50, 90, 99):
            yield Hostile(f"cut-at-{share}.{name}", content[: max(HEAD, len(content) * share // 100)], (202, 422))


def _empty(folder):
    """Nothing to see: no bytes, no boxes, no pictures, no frames."""
    yield Hostile("nothing.mp4", b"", (422,))
    yield Hostile("head.mp4", MP4, (422,))
    sound = ("-f", "lavfi", "-i", SOUND.format(1))
    yield Hostile("sound-alone.mp4", made(folder, "sound.mp4", *sound, "-c:a", "aac"), (422,))
    none = ("-f", "lavfi", "-i", PICTURE.format(1), "-frames:v", "0")
    for kind in ("mkv", "mov"):
        yield Hostile(f"no-frame.{kind}", made(folder, f"none.{kind}", *none), (422,))


def mutated(content, number):
    """A clip after one to eight accidents, always the same for a number."""
    chance = random.Random(number)
    bent = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        _accident(bent, chance)
    return bytes(bent)


def _accident(bent, chance):
    first = 0 if chance.random() < 0.05 else HEAD
    at = chance.randrange(first, max(first + 1, len(bent)))
    # Half of what happens, happens where it matters: in the first 2 KB, which describe the rest.
    at = min(at, HEAD + chance.randrange(2000)) if chance.random() < 0.5 else at
    length = chance.choice((1, 2, 4, 16, 100, 1000))
    match chance.randrange(7):
        case 0:
            for place in range(at, min(len(bent), at + length)):
                bent[place] ^= 1 << chance.randrange(8)
        case 1:
            bent[at : at + length] = chance.randbytes(min(length, len(bent) - at) if at < len(bent) else 0)
        case 2:
            del bent[at : at + length]
        case 3:
            bent[at:at] = bent[at : at + length]
        case 4:
            bent[at:at] = chance.randbytes(length)
        case 5:
            bent[at : at + 4] = struct.pack(">I", chance.choice(EXTREME))
        case _:
            del bent[max(HEAD, at) :]
