"""A timeline in, a video out: each shot is encoded by itself and kept, then all are joined with the sound."""

import itertools
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from animate_text import camera, captions, footage, scenery, soundtrack, subtitles, views, voice
from animate_text.caption_pages import parse_box
from animate_text.footage import Moment
from animate_text.segments import Plates, Stage, encode_all
from animate_text.storyboard import LEAD as LEAD_IN
from animate_text.timeline import FPS, Shot, Timeline
from animate_text.wav import write_wav
from core import encoding
from core.engines import Report, no_report
from settings import Settings

SOUND = ("-c:a", "aac", "-b:a", "192k", "-ar", str(soundtrack.RATE))
KEPT = 1024**3  # bytes of segments that are kept for the next time
THUMBNAIL_AT = 0.8  # seconds


@dataclass(frozen=True)
class DraftRequest:
    """`pictures` are PNG, JPEG or WebP files by the names that the timeline's shots call them by, less their views.

    `voice` has a WAV file for each scene, or nothing; `music` is a WAV file that starts again where it is too short.
    `footage` are video files by the names of those shots that show moments of them; they may be hostile.
    `prompt` and the timeline's seed give the colours where there is no picture.
    """

    timeline: Timeline
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    voice: tuple[bytes, ...] = ()
    music: bytes | None = None
    prompt: str = ""
    footage: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """A finished video, its captions as text, and a JPEG file to announce it with."""

    mp4: bytes
    srt: str
    vtt: str
    thumbnail: bytes
    seconds: float
    warnings: tuple[str, ...] = ()


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
        request, clips, failed = _with_footage(request, root, report)
        stage, warnings = _prepare(request, settings, folder, root, clips)
        segments, levelled = encode_all(stage, lambda check: _mix(request, settings, folder, check), report)
        report(total, total, "Putting it together")
        mp4 = _join(request.timeline, folder, segments, levelled)
        report(total, total, "The video is done")
        thumbnail = _thumbnail(mp4, folder)
        data = mp4.read_bytes()
    for kept in ("segments", "moments"):
        _prune(root / kept)
    timeline = request.timeline
    return Draft(data, subtitles.srt(timeline), subtitles.vtt(timeline), thumbnail, total / FPS, (*failed, *warnings))


def _with_footage(
    request: DraftRequest, root: Path, report: Report
) -> tuple[DraftRequest, dict[int, Path], tuple[str, ...]]:
    """Cut what is shown of clips: the file of each such shot by its number. One that fails becomes a picture's."""
    timeline = request.timeline
    wanted = {
        number: Moment(shot.picture, shot.start, last - first + camera.OVERLAP)
        for number, (shot, (first, last)) in enumerate(zip(timeline.shots, timeline.frames, strict=True))
        if shot.picture in request.footage
    }
    if not wanted:
        return request, {}, ()
    made, warnings = footage.cut_all(list(wanted.values()), request.footage, root / "moments", report)
    clips = {number: made[moment] for number, moment in wanted.items() if moment in made}
    instead, numbers = next(iter(request.pictures), "backdrop-1"), itertools.count()

    def shown(shot: Shot) -> Shot:
        number = next(numbers)
        return replace(shot, picture=instead, start=0.0) if number in wanted and number not in clips else shot

    scenes = tuple(replace(scene, shots=tuple(map(shown, scene.shots))) for scene in timeline.scenes)
    return replace(request, timeline=replace(timeline, scenes=scenes)), clips, warnings


def _prepare(
    request: DraftRequest, settings: Settings, folder: Path, root: Path, clips: Mapping[int, Path]
) -> tuple[Stage, list[str]]:
    """Decode the pictures. One that is shown and broken gives way to a backdrop, with a warning."""
    timeline, warnings = request.timeline, []
    opened = {name: scenery.open_picture(data) for name, data in request.pictures.items()}
    good = {name: picture for name, picture in opened.items() if picture}
    palette = scenery.palette(list(good.values()), request.prompt, timeline.seed)
    shown = [views.split(shot.picture)[0] for number, shot in enumerate(timeline.shots) if number not in clips]
    for number, name in enumerate(dict.fromkeys(shown)):
        if name not in good:
            good[name] = scenery.backdrop(palette, timeline.seed + number)
            if name in opened:
                warnings.append(f"The picture “{name}” could not be opened; a backdrop is shown in its place.")
    plates = Plates(good, palette, folder)
    box = parse_box(settings.safe_box)
    fonts = root / "fonts"
    (folder / "fonts").mkdir()
    for font in captions.used_fonts(timeline, box, fonts):
        (folder / "fonts" / font.name).symlink_to(font)
    (folder / "fonts.conf").write_text("<fontconfig></fontconfig>")
    return Stage(timeline, plates, palette, box, folder, root / "segments", clips), warnings


def _mix(request: DraftRequest, settings: Settings, folder: Path, check: Callable[[object], None]) -> str:
    """Mix the sound into `folder`; return the filter that levels it."""
    timeline = request.timeline
    seconds = timeline.frames[-1][1] / FPS
    files = _sound_files(request, folder, seconds)
    return soundtrack.mix(folder, *files, seconds, timeline.music_db, settings.video_loudness, check)


def _join(timeline: Timeline, folder: Path, segments: list[Path], levelled: str) -> Path:
    """Put the segments one after the other and the sound to them."""
    seconds = timeline.frames[-1][1] / FPS
    names = "".join(f"file 'file:{segment}'\n" for segment in segments)
    (folder / "segments.txt").write_text(names)
    made = folder / "draft.mp4"
    pictures = ["-f", "concat", "-safe", "0", "-i", str(folder / "segments.txt")]
    sound = ["-i", str(folder / "mix.wav"), "-map", "0:v", "-map", "1:a", "-af", levelled, *SOUND]
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
    for path in folder.glob("*"):
        with suppress(OSError):
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    room = KEPT
    for used, size, path in sorted(found, reverse=True):
        room -= size
        stale = path.name.startswith(".") and used < time.time() - 3600
        if room < 0 or stale:
            path.unlink(missing_ok=True)
