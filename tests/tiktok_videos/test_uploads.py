"""Visitors' own videos: what is kept of them."""

import subprocess

from imageio_ffmpeg import get_ffmpeg_exe

from core import ffmpeg
from tiktok_videos import uploads


def keep(path, settings):
    with (
        path.open("rb") as stream,
        uploads.received(stream, path.name, settings) as file,
        uploads.bare(file, path.name, settings) as bare,
    ):
        uploads.keep(bare, settings)
        return uploads.stored(bare.key, settings)


def test_places_names_and_times_are_not_kept(tmp_path, samples, settings):
    """What phones and cameras write beside the picture tells where somebody lives."""
    clip = min(samples.glob("*/*.mp4"))
    for suffix in ("mp4", "mov", "mkv"):
        marked = tmp_path / f"marked.{suffix}"
        tags = ["-metadata", "location=+48.2082+016.3738/", "-metadata", "artist=Swordfish", "-metadata:s:v:0"]
        tags += ["handler_name=Swordfish", "-metadata", "creation_time=2026-01-01T12:00:00"]
        command = [get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-c", "copy", *tags, str(marked)]
        subprocess.run(command, check=True)
        assert b"Swordfish" in marked.read_bytes()
        kept = keep(marked, settings)
        assert not [word for word in (b"Swordfish", b"48.2082", b"2026-01-01") if word in kept.read_bytes()]
        before, after = ffmpeg.probe(marked), ffmpeg.probe(kept)
        assert (after.has_sound, after.width, after.height) == (before.has_sound, before.width, before.height)
        assert abs(after.seconds - before.seconds) < 0.1


def test_the_same_file_is_kept_once(samples, settings):
    clip = min(samples.glob("*/*.mp4"))
    first = keep(clip, settings)
    assert keep(clip, settings) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]
