"""How near the measures of clips come to the truth, and what they cost beside reading: rows for `make bench`."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import tiktok_to_text
import tiktok_videos
from core.engines import no_report
from pipeline.clips import read_clip
from settings import Settings
from tools.known_clips import accuracy

TAG = "AI"
LENGTH = 15  # seconds of a clip that the costs are given for


def insight_rows(settings: Settings) -> Iterator[tuple[str, float, str]]:
    """A measure, its number and its unit, in turn. The made clips and their truth are those of the tests."""
    yield from cost_rows(settings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = replace(settings, data_dir=folder / "data")
        for what, shots in (
            ("hard cuts", accuracy.hard_cuts(folder, own)),
            ("with fades", accuracy.fades(folder, own)),
        ):
            yield f"shots, {what}, within 2 frames: F1 ({shots.changes} in {shots.clips} clips)", shots.f1, ""
        for what, found in (
            ("clicks, 60 to 180 BPM", accuracy.clicks()),
            ("music, 70 to 180 BPM", accuracy.music_tempi()),
            ("music under a voice in a room", accuracy.tempi_under_a_voice()),
        ):
            yield f"tempo of {what}: answered, of {found.count}", 100 * found.answered, "%"
            yield "  within 4 %", 100 * found.right, "%"
            yield "  half or double", 100 * found.octaves, "%"
        keys = accuracy.keys()
        yield f"key of music: right, of {keys.count}", 100 * keys.right, "%"
        yield "  right or its relative", 100 * keys.right_or_relative, "%"
        errors = accuracy.pace_errors(folder, own)
        yield f"words a minute: the largest error, of {len(errors)}", 100 * max(errors), "%"
        for busy in (False, True):
            errors, over = accuracy.text_share_errors(folder, own, busy), "busy" if busy else "calm"
            yield (
                f"time with text over {over} pictures: the largest error, of {len(errors)}",
                100 * max(errors),
                "points",
            )


def cost_rows(settings: Settings) -> Iterator[tuple[str, float, str]]:
    """Processor time of reading clips and of measuring them besides, models warm, for LENGTH seconds of clip."""
    videos = tiktok_videos.find((TAG,), settings).videos
    reading = both = length = 0.0
    with tempfile.TemporaryDirectory() as folder:
        warm, alone, together = (
            replace(settings, data_dir=Path(folder) / name) for name in ("warm", "alone", "together")
        )
        read_clip(videos[0], "en-US", warm, no_report)
        for video in videos:
            path, start = tiktok_videos.fetch(video, alone, no_report), _processor()
            text = tiktok_to_text.read(path, "en-US", alone, no_report)
            between = _processor()
            read_clip(video, "en-US", together, no_report)
            reading, both, length = reading + between - start, both + _processor() - between, length + text.seconds
    yield f"processor time of reading a clip of {LENGTH} s", reading * LENGTH / length, "s"
    yield "  measuring it besides, decoded once for both", (both - reading) * LENGTH / length, "s"


def _processor():
    """Seconds of processor time of this process and of the programs that it has run."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
