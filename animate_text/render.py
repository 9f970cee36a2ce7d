"""A timeline in, a video out: each shot is encoded by itself and kept, then all are joined with the sound."""

import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import Image

from animate_text import camera, captions, scenery, soundtrack, subtitles, views, voice
from animate_text.caption_pages import Box, parse_box
from animate_text.colour import Palette
from animate_text.scenery import Plate
from animate_text.storyboard import LEAD as LEAD_IN
from animate_text.timeline import FPS, Shot, Timeline
from animate_text.wav import write_wav
from core import encoding
from core.encoding import EncodingFailed
from core.engines import Report, no_report
from settings import Settings

log = logging.getLogger(__name__)

VERSION = 2  # of what a segment looks like: kept ones of another are not used
BASE = 100.0  # seconds: captions of each segment are timed from here, as ASS knows no time before zero
# Without macroblock trees, with which x264 gives other bits from one run to the next.
QUALITY = ("-preset", "veryfast", "-x264-params", "mbtree=0", "-crf", "22", "-profile:v", "high", "-level", "4.1")
COLOURS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
EXACT = "sws_flags=bicubic+accurate_rnd+bitexact;"  # else the same picture comes out a level apart now and then
SOUND = ("-c:a", "aac", "-b:a", "192k", "-ar", str(soundtrack.RATE))
MAX_SEGMENTS = 4  # encoded side by side
KEPT = 1024**3  # bytes of segments that are kept for the next time
LOOK_UP = 0.2  # seconds between two reports
THUMBNAIL_AT = 0.8  # seconds


@dataclass(frozen=True)
class DraftRequest:
    """`pictures` are PNG, JPEG or WebP files by the names that the timeline's shots call them by, less their views.

    `voice` has a WAV file for each scene, or nothing; `music` is a WAV file that starts again where it is too short.
    `prompt` and the timeline's seed give the colours where there is no picture.
    """

    timeline: Timeline
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    voice: tuple[bytes, ...] = ()
    music: bytes | None = None
    prompt: str = ""


@dataclass(frozen=True)
class Draft:
    """A finished video, its captions as text, and a JPEG file to announce it with."""

    mp4: bytes
    srt: str
    vtt: str
    thumbnail: bytes
    seconds: float
    warnings: tuple[str, ...] = ()


class _Plates:
    """The files of what is shown, drawn when the first segment needs them."""

    def __init__(self, pictures: Mapping[str, Image.Image], palette: Palette, folder: Path):
        self.pictures, self.palette, self.folder = pictures, palette, folder
        self._drawing, self._drawn = threading.Lock(), dict[str, Plate]()
        self._closer = dict[str, list[Image.Image]]()

    def of(self, name: str) -> Plate:
        picture, view = views.split(name)
        with self._drawing:
            if picture not in self._closer and view:
                self._closer[picture] = scenery.parts(self.pictures[picture])
            if name not in self._drawn:
                file, closer = f"plate{len(self._drawn)}", self._closer.get(picture, [])
                self._drawn[name] = scenery.write_plate(
                    view, self.pictures[picture], closer, self.palette, self.folder, file
                )
            return self._drawn[name]

    @cached_property
    def marks(self) -> dict[str, str]:
        """What tells each picture from any other."""
        return {name: hashlib.sha256(picture.tobytes()).hexdigest() for name, picture in self.pictures.items()}


@dataclass(frozen=True)
class _Stage:
    """What every segment needs."""

    timeline: Timeline
    plates: _Plates
    palette: Palette
    box: Box
    folder: Path  # of this run alone
    kept: Path

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

    def of(self, number: int, frames: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.done[number] = frames


class _Stopped(Exception):
    """Another segment failed, or the draft was called off."""


def render(request: DraftRequest, settings: Settings, report: Report = no_report) -> Draft:
    """Render a draft: 1080x1920, 30 frames a second, H.264 High and AAC in MP4, ready to stream, levelled.

    Reports each frame. Segments are kept under `DATA_DIR` by what they show, so that a draft that was interrupted goes
    on where it was, and a changed one makes only what changed. The same request gives the same frames. Raises
    EncodingFailed, and Cancelled within a second.
    """
    total = request.timeline.frames[-1][1]
    report(0, total, "Preparing the pictures")
    root = settings.data_dir / "drafts"
    (root / "segments").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="draft-") as name:
        folder = Path(name)
        stage, warnings = _prepare(request, settings, folder, root)
        segments = _encode_all(stage, total, report)
        report(total, total, "Mixing the sound")
        mp4 = _join(request, settings, folder, segments)
        report(total, total, "The video is done")
        thumbnail = _thumbnail(mp4, folder)
        data = mp4.read_bytes()
    _prune(root / "segments")
    timeline = request.timeline
    return Draft(data, subtitles.srt(timeline), subtitles.vtt(timeline), thumbnail, total / FPS, tuple(warnings))


def _prepare(request: DraftRequest, settings: Settings, folder: Path, root: Path) -> tuple[_Stage, list[str]]:
    """Decode the pictures. One that is shown and broken gives way to a backdrop, with a warning."""
    timeline, warnings = request.timeline, []
    opened = {name: scenery.open_picture(data) for name, data in request.pictures.items()}
    good = {name: picture for name, picture in opened.items() if picture}
    palette = scenery.palette(list(good.values()), request.prompt, timeline.seed)
    for number, name in enumerate(dict.fromkeys(views.split(shot.picture)[0] for shot in timeline.shots)):
        if name not in good:
            good[name] = scenery.backdrop(palette, timeline.seed + number)
            if name in opened:
                warnings.append(f"The picture “{name}” could not be opened; a backdrop is shown in its place.")
    plates = _Plates(good, palette, folder)
    box = parse_box(settings.safe_box)
    fonts = root / "fonts"
    (folder / "fonts").mkdir()
    for font in captions.used_fonts(timeline, box, fonts):
        (folder / "fonts" / font.name).symlink_to(font)
    (folder / "fonts.conf").write_text("<fontconfig></fontconfig>")
    return _Stage(timeline, plates, palette, box, folder, root / "segments"), warnings


def _encode_all(stage: _Stage, total: int, report: Report) -> list[Path]:
    """Encode every shot that is not kept already, some side by side, and tell how many frames are done."""
    frames = _Frames(total)
    workers = max(1, min(MAX_SEGMENTS, os.cpu_count() or 1))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="segment")
    try:
        futures = [pool.submit(_segment, stage, number, frames) for number in range(len(stage.timeline.shots))]
        while _unfinished(futures):
            done = frames.count()
            report(done, total, f"Frame {done} of {total}")
        return [future.result() for future in futures]
    finally:
        frames.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _unfinished(futures: list[Future[Path]]) -> bool:
    done, waiting = wait(futures, LOOK_UP, FIRST_EXCEPTION)
    for future in done:
        future.result()
    return bool(waiting)


def _segment(stage: _Stage, number: int, frames: _Frames) -> Path:
    """Encode one shot, or find it among those that are kept."""
    first, last = stage.timeline.frames[number]
    # Timed from where the shot begins, not from its first frame, which may be half a frame off: so that a shot that
    # comes earlier or later than before, and is else the same, is not made again.
    start = stage.timeline.cuts[number]
    end = start + (last - first) / FPS
    fonts = stage.kept.parent / "fonts"
    script = captions.ass(stage.timeline, stage.palette, stage.box, fonts, start, end, BASE - start)
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


def _neighbour(stage: _Stage, number: int) -> tuple[Shot, int] | None:
    """The shot before and how many frames it had, where this one comes in over it."""
    if not number or stage.timeline.shots[number].transition == "cut":
        return None
    first, last = stage.timeline.frames[number - 1]
    return stage.timeline.shots[number - 1], last - first


def _key(stage: _Stage, number: int, script: str) -> str:
    """What a segment shows, as a name."""
    first, last = stage.timeline.frames[number]
    shot, before = stage.timeline.shots[number], _neighbour(stage, number)

    def look(one: Shot) -> tuple[object, ...]:
        picture, view = views.split(one.picture)
        colours = stage.palette if view else None
        return (stage.plates.marks[picture], view, colours, one.move, one.transition)

    what = (VERSION, QUALITY, last - first, look(shot), before and (look(before[0]), before[1]), script)
    return hashlib.sha256(repr(what).encode("utf-8", "replace")).hexdigest()[:40]


def _video_arguments(stage: _Stage, number: int, subtitles: Path | None) -> list[str]:
    first, last = stage.timeline.frames[number]
    length, shot = last - first, stage.timeline.shots[number]
    plate = stage.plates.of(shot.picture)
    inputs = camera.inputs(plate, length)
    graph = EXACT + camera.graph(shot, plate, 0, "shot", length, length)
    shown = "shot"
    if before := _neighbour(stage, number):
        old, frames = before
        overlap, plate = min(camera.OVERLAP, length), stage.plates.of(old.picture)
        graph += ";" + camera.graph(old, plate, inputs.count("-i"), "old", frames, overlap, since=frames)
        inputs += camera.inputs(plate, overlap)
        kind = camera.XFADE[shot.transition]
        graph += f";[old][shot]xfade=transition={kind}:duration={overlap / FPS:.4f}:offset=0[both]"
        shown = "both"
    drawn = ""
    if subtitles:
        fonts = stage.folder / "fonts"
        drawn = f",setpts=PTS+{BASE}/TB,ass=filename='{subtitles}':fontsdir='{fonts}',setpts=PTS-{BASE}/TB"
    graph += f";[{shown}]format=yuv420p{drawn},setpts=N/{FPS}/TB[out]"
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


def _join(request: DraftRequest, settings: Settings, folder: Path, segments: list[Path]) -> Path:
    """Put the segments one after the other and the sound to them."""
    timeline = request.timeline
    seconds = timeline.frames[-1][1] / FPS
    loudnorm = soundtrack.mix(
        folder, *_sound_files(request, folder, seconds), seconds, timeline.music_db, settings.video_loudness
    )
    names = "".join(f"file 'file:{segment}'\n" for segment in segments)
    (folder / "segments.txt").write_text(names)
    made = folder / "draft.mp4"
    pictures = ["-f", "concat", "-safe", "0", "-i", str(folder / "segments.txt")]
    sound = ["-i", str(folder / "mix.wav"), "-map", "0:v", "-map", "1:a", "-af", loudnorm, *SOUND]
    plain = ["-t", f"{seconds:.4f}", "-movflags", "+faststart", "-fflags", "+bitexact", "-map_metadata", "-1"]
    encoding.encode([*pictures, *sound, "-c:v", "copy", *plain, str(made)])
    return made


def _sound_files(request: DraftRequest, folder: Path, seconds: float) -> tuple[Path | None, Path | None]:
    spoken = music = None
    if request.voice and request.timeline.voice:
        starts = [start + LEAD_IN for start in request.timeline.starts]
        track, rate = voice.joined(list(zip(starts, request.voice, strict=True)), seconds)
        if track.any():
            spoken = folder / "voice.wav"
            spoken.write_bytes(write_wav(track, rate))
    if request.music:
        music = folder / "music.wav"
        music.write_bytes(request.music)
    return spoken, music


def _thumbnail(mp4: Path, folder: Path) -> bytes:
    picture = folder / "thumbnail.jpg"
    encoding.encode(["-ss", str(THUMBNAIL_AT), "-i", str(mp4), "-frames:v", "1", "-q:v", "3", str(picture)])
    return picture.read_bytes()


def _prune(folder: Path) -> None:
    """Drop the segments that were not used for longest, down to KEPT bytes; and what a killed run left half done."""
    found = []
    for path in folder.iterdir():
        with suppress(OSError):
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    room = KEPT
    for used, size, path in sorted(found, reverse=True):
        room -= size
        stale = path.name.startswith(".") and used < time.time() - 3600
        if room < 0 or stale:
            path.unlink(missing_ok=True)
