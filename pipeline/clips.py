"""Reading one clip: fetched, listened to, looked at, measured; and what the result says of clips."""

import logging
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import tiktok_to_text
import tiktok_videos
import trend_insights
from core.engines import Cancelled, EngineError, Report, told
from core.files import File, LocalFile
from core.storage import Unreachable
from pipeline.progress import Progress
from pipeline.results import StageResult
from settings import Settings
from tiktok_to_text import VideoText
from tiktok_videos.catalogue import Video
from trend_insights import MeasureRequest, Observed, Traits

log = logging.getLogger(__name__)

HELD_HERE = ("library", "uploads")  # sources whose videos are files of the studio
FETCHED, READ = 0.3, 0.8  # the share of a clip that is done when it is here, and when it is read


@dataclass(frozen=True)
class Clip:
    """A video, what was read from it and what was measured; `error` says why nothing was read."""

    video: Video
    text: VideoText | None
    error: str | None = None
    traits: Traits | None = None
    warnings: tuple[str, ...] = ()


def held_file(video: Video, settings: Settings) -> LocalFile | None:
    """The file of a video that the studio has and another machine may not; None for one that any machine can fetch."""
    path = tiktok_videos.stored(video.source, video.key, settings) if video.source in HELD_HERE else None
    return LocalFile(path) if path else None


def read_clip(video: Video, language: str, settings: Settings, report: Report, held: File | None = None) -> Clip:
    """Fetch a video, read and measure it. A video that fails is a Clip with an error.

    `held` is the file that the studio has of it. Raises core.files.FileWanted where that is not on this machine,
    core.storage.Unreachable where the video is kept in a store that does not answer, and Cancelled.
    """
    progress = Progress.over(report)
    reading, measuring = progress.part(FETCHED, READ), progress.part(READ, 1.0)
    try:
        path = _bring(video, settings, progress.part(0.0, FETCHED, what="fetching"), held)
        if text := tiktok_to_text.known(path, language, settings):
            return _measured(Clip(video, text), text, path, settings, measuring)
        # Side by side, so that the last clip of a search still keeps two processors busy.
        with tempfile.TemporaryDirectory(prefix="trendtok-") as folder, ThreadPoolExecutor(1, "observe") as beside:
            tee = tiktok_to_text.tee_in(Path(folder))
            observing = beside.submit(trend_insights.observe, path, measuring, tee)
            text = tiktok_to_text.read(path, language, settings, reading, tee)
            return _measured(Clip(video, text), text, path, settings, measuring, observing)
    except Unreachable:
        raise
    except (EngineError, OSError) as error:
        log.warning("%s could not be read: %s", video.title, error)
        return Clip(video, None, told(error))


def clip_of(video: Video, future: Future[Clip]) -> Clip:
    """What a pool made of a video; where `read_clip` could not be run, a clip with an error. Raises Unreachable."""
    try:
        return future.result()
    except Unreachable:
        raise
    except EngineError as error:
        log.warning("%s could not be read: %s", video.title, error)
        return Clip(video, None, str(error))


def _bring(video: Video, settings: Settings, progress: Progress, held: File | None) -> Path:
    """A video's path on this machine: where its source has it, if that is the same video, else where it was brought."""
    if held is None or held.is_at(tiktok_videos.stored(video.source, video.key, settings)):
        return tiktok_videos.fetch(video, settings, progress)
    progress(0, 1, video.title)
    return held.here()


def _measured(
    clip: Clip,
    text: VideoText,
    path: Path,
    settings: Settings,
    progress: Progress,
    observing: Future[Observed] | None = None,
) -> Clip:
    """The clip with what can be measured of it; where that fails, with a warning."""
    shown = text.texts
    request = MeasureRequest(
        path=str(path),
        phrases=tuple((phrase.start, phrase.end, phrase.text) for phrase in text.phrases),
        texts=None if shown is None else tuple((one.start, one.end, one.text, one.box) for one in shown),
    )
    try:
        observed = observing.result() if observing else None
        return replace(clip, traits=trend_insights.measure(request, settings, progress, observed))
    except Cancelled:
        raise
    except Exception as error:
        log.exception("%s could not be measured", clip.video.title)
        reason = str(error) if isinstance(error, EngineError) else "the log has the details."
        return replace(clip, warnings=(f"“{clip.video.title}” could not be measured: {reason}",))


def _insights(clips: Sequence[Clip]) -> dict[str, Any] | None:
    """What was measured, in the interface's form; None where nothing was."""
    measured = [(clip.video.title, clip.traits) for clip in clips if clip.traits]
    if not measured:
        return None
    shared = trend_insights.compare([traits for _, traits in measured])
    return {
        "clips": [trend_insights.as_clip(title, traits) for title, traits in measured],
        "shared": asdict(shared),
    }


def describe_all(clips: Sequence[Clip], warnings: Sequence[str], seconds: float) -> StageResult:
    """The result of the stage `videos`: what was read of clips so far; `seconds` it took."""
    engines = {clip.text.speech_engine for clip in clips if clip.text and clip.text.speech_engine}
    return StageResult(
        value=[_describe(clip) for clip in clips],
        engine=", ".join(sorted(engines)) or None,
        warnings=(*warnings, *_said_once(clips)),
        seconds=round(seconds, 3),
        cached=sum(clip.text.cached for clip in clips if clip.text),
        insights=_insights(clips),
    )


def _said_once(clips: Sequence[Clip]) -> list[str]:
    """The clips' warnings and errors; what several clips have in common is said once."""
    lines: list[str] = []
    for clip in clips:
        lines += clip.text.warnings if clip.text else [f"“{clip.video.title}” could not be read: {clip.error}"]
        lines += clip.warnings
    return list(dict.fromkeys(lines))


def _describe(clip: Clip) -> dict[str, Any]:
    video, text = clip.video, clip.text
    return {
        "title": video.title,
        "tag": video.tag,
        "url": f"/clips/{video.source}/{quote(video.key)}",
        "seconds": text and round(text.seconds, 2),
        "transcript": text and text.transcript,
        "on_screen_text": text and "\n".join(text.on_screen),
        "phrases": [{"start": p.start, "end": p.end, "text": p.text} for p in text.phrases] if text else [],
        "error": clip.error,
    }
