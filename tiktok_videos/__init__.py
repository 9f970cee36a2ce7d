"""Tags in, videos out, wherever they are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.engines import EngineError, told
from settings import Settings
from tiktok_videos import drive, library, uploads
from tiktok_videos.catalogue import Category, Video
from tiktok_videos.tags import nearest

SOURCES = {"drive": drive, "library": library, "uploads": uploads}
MAX_PER_TAG = 3
MAX_COUNTED = 9999


class UnknownTagsError(LookupError):
    """No video is filed under any of the tags, nor under one near in meaning. `known` lists the tags that there are."""

    def __init__(self, message: str, known: Sequence[str]):
        super().__init__(message)
        self.known = tuple(known)


@dataclass(frozen=True)
class Found:
    videos: tuple[Video, ...]
    warnings: tuple[str, ...]


def categories(settings: Settings) -> tuple[list[Category], list[str]]:
    """List the categories of every source in `VIDEO_SOURCES` that is set up, and a warning for each that failed."""
    found, warnings = [], []
    for name in settings.video_sources:
        source = SOURCES.get(name)
        if source is None or source.missing(settings):
            continue
        try:
            found += source.categories(settings)
        except (EngineError, OSError) as error:
            warnings.append(f"Videos: {name} did not work: {told(error)}")
    return found, warnings


def count(shelf: Category, settings: Settings) -> int | None:
    """How many videos a category of the library has; None for one that only a service could count."""
    return len(library.videos(shelf, MAX_COUNTED, settings)) if shelf.source == "library" else None


def find(tags: Sequence[str], settings: Settings, own: Sequence[tuple[str, str]] = ()) -> Found:
    """Find the videos filed under cleaned tags: at most 3 a tag, newest first, sources in order, each video once.

    Before them come the visitor's `own` uploads, (key, title) of each.

    A tag that no category bears goes to the category nearest in meaning. Raises UnknownTagsError where no tag finds
    any video.
    """
    shelves, warnings = categories(settings)
    known = {tag.casefold(): tag for shelf in shelves for tag in shelf.tags}
    found = {("uploads", key): uploads.video(key, title) for key, title in own}
    failed: set[str] = set()
    for asked in tags:
        tag = known.get(asked.casefold(), asked)
        bearing, warning = _shelves_for(tag, shelves)
        videos = _newest(bearing, settings, failed, warnings)
        if bearing and not videos:
            warning = f"There are no videos under “{tag}” now."
        if warning:
            warnings.append(warning)
        for video in videos:
            found.setdefault((video.source, video.key), replace(video, tag=tag))
    if not found:
        raise UnknownTagsError(" ".join(warnings) or "There are no videos.", sorted(known.values(), key=str.casefold))
    return Found(tuple(found.values()), tuple(warnings))


def _shelves_for(tag, shelves):
    """The categories that bear a tag, else the one nearest in meaning; and what to tell the user of it."""
    bearing = [shelf for shelf in shelves if tag.casefold() in map(str.casefold, shelf.tags)]
    if bearing:
        return bearing, None
    index = nearest(tag, [shelf.tags for shelf in shelves])
    if index is None:
        return [], f"No videos are filed under “{tag}” or anything near it."
    near = shelves[index]
    return [near], f"No videos are filed under “{tag}”; these are from {', '.join(near.tags)}, the nearest in meaning."


def _newest(shelves, settings, failed, warnings):
    """The first 3 videos of some categories. A source that fails is noted in `failed` and not asked again."""
    videos: list[Video] = []
    for shelf in shelves:
        if shelf.source in failed or len(videos) >= MAX_PER_TAG:
            continue
        try:
            videos += SOURCES[shelf.source].videos(shelf, MAX_PER_TAG - len(videos), settings)
        except (EngineError, OSError) as error:
            failed.add(shelf.source)
            warnings.append(f"Videos: {shelf.source} did not work: {told(error)}")
    return videos


def fetch(video: Video, settings: Settings, report: Callable[[int, int, str], None]) -> Path:
    """Bring a video to this machine and return its path. Raises EngineError where that fails."""
    return SOURCES[video.source].fetch(video, settings, report)


def stored(source: str, key: str, settings: Settings) -> Path | None:
    """Return the path of a video that is on this machine already, None where it is not."""
    return SOURCES[source].stored(key, settings) if source in SOURCES else None


def in_storage(source: str, key: str, settings: Settings) -> str | None:
    """Return the key in core.storage of a video that is kept there, None where it is not."""
    return SOURCES[source].in_storage(key, settings) if source in ("uploads", "drive") else None
