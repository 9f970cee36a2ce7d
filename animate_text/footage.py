"""Moving clips in a draft: moments of files that may be hostile, as frames of our own, upright and without sound."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from animate_text import reframing, scenery
from animate_text.timeline import FPS, HEIGHT, WIDTH
from core import encoding, ffmpeg
from core.engines import EngineError, Report
from core.files import LocalFile

VERSION = 3  # of what a moment looks like
MAX_MOMENTS = 4  # cut side by side
LOOK_UP = 0.2  # seconds between two reports
# Every second frame of it is seen no better than this, and it is encoded once more.
QUALITY = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "15", "-threads", "1", "-pix_fmt", "yuv420p")
EXACT = "flags=bicubic+accurate_rnd+bitexact"
CUT_OFF = "could not be shown; a picture is in its place."


@dataclass(frozen=True)
class Moment:
    """`frames` of a clip at the draft's pace, from the second `start` on. `clip` is the name that shots call it by."""

    clip: str
    start: float
    frames: int


def cut_all(
    wanted: Sequence[Moment], files: Mapping[str, Path], kept: Path, report: Report
) -> tuple[dict[Moment, Path], tuple[str, ...]]:
    """Cut moments out of clips, some side by side, unless they are in the folder `kept` already.

    Returns the file of each, and a warning for each clip of which one could not be cut: that is left out. What `report`
    raises ends all within a second.
    """
    kept.mkdir(parents=True, exist_ok=True)
    stopped: list[bool] = []

    def check(_: object) -> None:
        if stopped:
            raise EngineError("This draft was called off.")

    made: dict[Moment, Path] = {}
    failed: dict[str, None] = {}
    pool = ThreadPoolExecutor(max(1, min(MAX_MOMENTS, os.cpu_count() or 1)), thread_name_prefix="moment")
    try:
        futures = {one: pool.submit(_kept, one, files.get(one.clip), kept, check) for one in dict.fromkeys(wanted)}
        waiting = set(futures.values())
        while waiting:
            waiting = wait(waiting, LOOK_UP).not_done
            report(0, 1, "Cutting the clips")
    finally:
        stopped.append(True)
        pool.shutdown(wait=True, cancel_futures=True)
    for one, future in futures.items():
        try:
            made[one] = future.result()
        except (EngineError, OSError):
            failed[one.clip] = None
    return made, tuple(f"The moving picture of “{name}” {CUT_OFF}" for name in failed)


def _kept(moment: Moment, path: Path | None, kept: Path, check: Callable[[object], None]) -> Path:
    if path is None:
        raise EngineError("There is no such clip.")
    key = (VERSION, LocalFile(path).digest, moment.start, moment.frames, WIDTH, HEIGHT)
    made = kept / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:40]}.mp4"
    if made.exists():
        made.touch()
        return made
    part = made.with_name(f".{made.stem}-{os.getpid()}.mp4")
    try:
        cut(path, moment, part, check)
        part.replace(made)
    finally:
        part.unlink(missing_ok=True)
    return made


def cut(path: Path, moment: Moment, made: Path, check: Callable[[object], None] = lambda _: None) -> None:
    """Write a moment of the clip at `path` to `made`: as large as a draft, in its shape (see reframing), silent.

    As pictures are, it is darker towards the bottom, where captions stand.
    Where the clip ends before the moment does, its last picture stands still. The file may be hostile: it is read
    within the limits of core.ffmpeg. Raises EngineError where nothing is to be seen, and what `check` raises.
    """
    seconds = moment.frames / FPS
    upright = "scale=iw*sar:ih,setsar=1"  # of pixels that are not square
    colours = "out_color_matrix=bt709:out_range=tv"
    where = reframing.window(path, WIDTH / HEIGHT, moment.start, seconds, check)
    fitted = reframing.graph(WIDTH, HEIGHT, where, f"{EXACT}:{colours}")
    whole = f"tpad=stop_mode=clone:stop={moment.frames},trim=end_frame={moment.frames},setpts=N/{FPS}/TB"
    source = ffmpeg.source(path, ("-threads", "1", "-ss", f"{moment.start:.4f}", "-t", f"{seconds + 0.5:.4f}"))
    shade = made.with_suffix(".png")
    scenery.dusk((WIDTH, HEIGHT)).save(shade)
    darker = f"[clip];[1:v]format=yuva420p[shade];[clip][shade]overlay=format=yuv420,format=yuv420p,{whole}[out]"
    filters = f"[0:v:0]fps={FPS},{upright},{fitted},format=yuv420p{darker}"
    written = ("-i", str(shade), "-filter_complex", filters, "-map", "[out]", "-an", "-sn", "-dn")
    plain = ("-frames:v", str(moment.frames), "-fflags", "+bitexact", "-map_metadata", "-1", f"file:{made}")
    line = [*source, *written, *QUALITY, *plain]
    try:
        said = encoding.encode(line, check, limits=ffmpeg.LIMITS, seconds=ffmpeg.TIME_LIMIT)
    finally:
        shade.unlink()
    if not made.exists() or ffmpeg.probe(made).seconds < seconds - 1 / FPS:
        raise encoding.EncodingFailed(said)


def graph(first: int, label: str, frames: int, since: int = 0) -> str:
    """The filters that show `frames` of a moment, from frame `since` of it on; `first` is the number of its input."""
    part = f"trim=start_frame={since}:end_frame={since + frames},setpts=PTS-STARTPTS"
    return f"[{first}:v]{part},fps={FPS},format=yuv444p,setsar=1[{label}]"
