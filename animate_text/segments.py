"""The pictures of a draft: each shot is encoded by itself, some side by side, and kept by what it shows."""

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from animate_text import camera, captions, footage, scenery, views, visible_faces
from animate_text.caption_height import Area
from animate_text.caption_pages import Box
from animate_text.colour import Palette
from animate_text.scenery import Plate
from animate_text.timeline import FPS, Shot, Timeline
from core import encoding
from core.encoding import EncodingFailed
from core.engines import Report

log = logging.getLogger(__name__)

S = TypeVar("S")

VERSION = 4  # of what a segment looks like: kept ones of another are not used
BASE = 100.0  # seconds: captions of each segment are timed from here, as ASS knows no time before zero
# Without macroblock trees, with which x264 gives other bits from one run to the next. A segment is one shot: x264 need
# not look ahead for where it is cut. Of the presets superfast loses nothing to veryfast here (19.7 dB of SSIM at the
# same CRF, in half the time) but a fifth in size.
ENCODER = "mbtree=0:scenecut=0:b-adapt=0"
QUALITY = ("-preset", "superfast", "-x264-params", ENCODER, "-crf", "22", "-profile:v", "high", "-level", "4.1")
COLOURS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
EXACT = "sws_flags=bicubic+accurate_rnd+bitexact;"  # else the same picture comes out a level apart now and then
MAX_SEGMENTS = 3  # encoded side by side: up to 240 MB each, and less than 1 GB with what this process needs
LOOK_UP = 0.2  # seconds between two reports


class Plates:
    """The files of what is shown, drawn when the first segment needs them."""

    def __init__(self, pictures: Mapping[str, Image.Image], palette: Palette, folder: Path):
        self.pictures, self.palette, self.folder = pictures, palette, folder
        self._drawing, self._drawn = threading.Lock(), dict[str, Plate]()
        self._closer = dict[str, list[Image.Image]]()

    def looks(self, name: str) -> tuple[Image.Image, list[Image.Image]]:
        """The picture of a name, and where a view of it is shown the closer looks at it."""
        picture, view = views.split(name)
        if picture not in self._closer and view:
            self._closer[picture] = scenery.parts(self.pictures[picture])
        return self.pictures[picture], self._closer.get(picture, [])

    def of(self, name: str) -> Plate:
        picture, view = views.split(name)
        with self._drawing:
            if name not in self._drawn:
                file, closer = f"plate{len(self._drawn)}", self.looks(name)[1]
                self._drawn[name] = scenery.write_plate(
                    view, self.pictures[picture], closer, self.palette, self.folder, file
                )
            return self._drawn[name]

    @cached_property
    def marks(self) -> dict[str, str]:
        """What tells each picture from any other."""
        return {name: hashlib.sha256(picture.tobytes()).hexdigest() for name, picture in self.pictures.items()}


@dataclass(frozen=True)
class Stage:
    """What every segment needs. `clips` are the files of those shots that show a moment of a clip, by their numbers."""

    timeline: Timeline
    plates: Plates
    palette: Palette
    box: Box
    folder: Path  # of this run alone
    kept: Path
    clips: Mapping[int, Path] = field(default_factory=dict)

    @cached_property
    def faces(self) -> list[list[Area]]:
        """The faces that each shot shows."""
        return [self._faces(number, shot) for number, shot in enumerate(self.timeline.shots)]

    def _faces(self, number: int, shot: Shot) -> list[Area]:
        if number in self.clips:
            return visible_faces.in_moment(self.clips[number])
        return visible_faces.in_picture(shot, *self.plates.looks(shot.picture))

    @property
    def fonts(self) -> Path:
        return self.kept.parent / "fonts"


class _Frames:
    """Frames that are done, by segment; told to stop, it ends them all."""

    def __init__(self, total: int):
        self.total = total
        self.done: dict[int, int] = {}
        self.stop = threading.Event()

    def count(self) -> int:
        return min(self.total, sum(list(self.done.values())))

    def check(self, _: object = None) -> None:
        if self.stop.is_set():
            raise _Stopped

    def of(self, number: int, frames: int) -> None:
        self.check()
        self.done[number] = frames


class _Stopped(Exception):
    """Another segment failed, or the draft was called off."""


def encode_all(stage: Stage, beside: Callable[[Callable[[object], None]], S], report: Report) -> tuple[list[Path], S]:
    """Encode every shot that is not kept already, some side by side, and tell how many frames are done.

    `beside` is done in a thread of its turn too; what it is given raises when all is to end. Returns the files of the
    segments in order, and what `beside` returned.
    """
    total = stage.timeline.frames[-1][1]
    frames = _Frames(total)
    _ = stage.faces  # looked for once, before all threads ask for them
    workers = max(1, min(MAX_SEGMENTS, os.cpu_count() or 1))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="segment")
    try:
        lengths = [last - first for first, last in stage.timeline.frames]
        longest_first = sorted(range(len(lengths)), key=lambda number: -lengths[number])
        segments = {number: pool.submit(_segment, stage, number, frames) for number in longest_first}
        other = pool.submit(beside, frames.check)
        while _unfinished([*segments.values(), other]):
            done = frames.count()
            report(done, total, f"Frame {done} of {total}")
        return [segments[number].result() for number in range(len(lengths))], other.result()
    finally:
        frames.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _unfinished(futures: list[Future[Any]]) -> bool:
    done, waiting = wait(futures, LOOK_UP, FIRST_EXCEPTION)
    for future in done:
        future.result()
    return bool(waiting)


def _segment(stage: Stage, number: int, frames: _Frames) -> Path:
    """Encode one shot, or find it among those that are kept."""
    first, last = stage.timeline.frames[number]
    # Timed from where the shot begins, not from its first frame, which may be half a frame off: so that a shot that
    # comes earlier or later than before, and is else the same, is not made again.
    start = stage.timeline.cuts[number]
    end = start + (last - first) / FPS
    fonts = stage.kept.parent / "fonts"
    script = captions.ass(stage.timeline, stage.palette, stage.box, fonts, start, end, BASE - start, stage.faces)
    path = stage.kept / f"{_key(stage, number, script)}.mp4"
    if path.exists():
        with suppress(OSError):
            path.touch()
        frames.of(number, last - first)
        return path
    subtitles = stage.folder / f"{number}.ass"
    subtitles.write_text(script, encoding="utf-8")
    part = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}.mp4")
    try:
        encoding.encode(
            [*_video_arguments(stage, number, subtitles if script else None), str(part)],
            lambda done: frames.of(number, done),
            {"FONTCONFIG_FILE": str(stage.folder / "fonts.conf")},
        )
        part.replace(path)
    except EncodingFailed as error:
        log.error("ffmpeg said of segment %s: %s", number, error.said)
        raise
    finally:
        part.unlink(missing_ok=True)
    frames.of(number, last - first)
    return path


def _neighbour(stage: Stage, number: int) -> int:
    """How many frames the shot before had, where this one comes in over it; else 0."""
    if not number or stage.timeline.shots[number].transition == "cut":
        return 0
    first, last = stage.timeline.frames[number - 1]
    return last - first


def _key(stage: Stage, number: int, script: str) -> str:
    """What a segment shows, as a name."""
    first, last = stage.timeline.frames[number]
    before = _neighbour(stage, number)

    def look(number: int) -> tuple[object, ...]:
        one = stage.timeline.shots[number]
        if clip := stage.clips.get(number):
            return (clip.name, one.transition)
        picture, view = views.split(one.picture)
        colours = stage.palette if view else None
        return (stage.plates.marks[picture], view, colours, one.move, one.transition)

    what = (VERSION, QUALITY, last - first, look(number), before and (look(number - 1), before), script)
    return hashlib.sha256(repr(what).encode("utf-8", "replace")).hexdigest()[:40]


def _video_arguments(stage: Stage, number: int, subtitles: Path | None) -> list[str]:
    first, last = stage.timeline.frames[number]
    length, shot = last - first, stage.timeline.shots[number]
    inputs, graph = _look(stage, number, 0, "shot", (length, length))
    shown = "shot"
    if before := _neighbour(stage, number):
        overlap = min(camera.OVERLAP, length)
        more, old = _look(stage, number - 1, inputs.count("-i"), "old", (before, overlap), since=before)
        inputs += more
        kind = camera.XFADE[shot.transition]
        graph += f";{old};[old][shot]xfade=transition={kind}:duration={overlap / FPS:.4f}:offset=0[both]"
        shown = "both"
    drawn = ""
    if subtitles:
        fonts = stage.folder / "fonts"
        drawn = f",setpts=PTS+{BASE}/TB,ass=filename='{subtitles}':fontsdir='{fonts}',setpts=PTS-{BASE}/TB"
    graph = f"{EXACT}{graph};[{shown}]format=yuv420p{drawn},setpts=N/{FPS}/TB[out]"
    encoder = ["-c:v", "libx264", *QUALITY, "-threads", "1", "-pix_fmt", "yuv420p", *COLOURS]
    timing = ["-r", str(FPS), "-frames:v", str(length), "-g", str(2 * FPS), "-flags", "+cgop"]
    plain = ["-video_track_timescale", str(512 * FPS), "-fflags", "+bitexact", "-map_metadata", "-1"]
    return [
        "-filter_complex_threads",
        "1",
        *inputs,
        "-filter_complex",
        graph,
        "-map",
        "[out]",
        "-an",
        *encoder,
        *timing,
        *plain,
    ]


def _look(
    stage: Stage, number: int, first: int, label: str, frames: tuple[int, int], since: int = 0
) -> tuple[list[str], str]:
    """The inputs of a shot and the filters that show it; `frames` are those of its move, and those that are shown."""
    shot = stage.timeline.shots[number]
    if clip := stage.clips.get(number):
        return ["-i", str(clip)], footage.graph(first, label, frames[1], since)
    plate = stage.plates.of(shot.picture)
    return camera.inputs(plate), camera.graph(shot, plate, first, label, *frames, since=since)
