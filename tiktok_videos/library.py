"""Videos in a local folder: one sub-folder a category, named by its tags, `AI-MachineLearning-TechInnovation`."""

from collections.abc import Callable
from pathlib import Path

from core.engines import EngineError
from settings import Settings
from tiktok_videos.catalogue import Category, Video
from tiktok_videos.tags import TagError, clean

SUFFIXES = {".mp4", ".mov", ".m4v", ".webm", ".mkv"}


def missing(settings: Settings) -> str | None:
    """Say what must be set up before the library can be used."""
    if settings.video_library.is_dir():
        return None
    return f"VIDEO_LIBRARY is not a folder: {settings.video_library}"


def check(settings: Settings) -> None:
    """Raises EngineError where the library holds no category."""
    if not categories(settings):
        raise EngineError(f"{settings.video_library} has no folder named by tags, such as Pasta-QuickDinner.")


def categories(settings: Settings) -> list[Category]:
    """List the sub-folders whose names are tags joined by hyphens; others are passed over."""
    found = []
    for folder in sorted(settings.video_library.iterdir()):
        try:
            if folder.is_dir():
                found.append(Category("library", folder.name, clean(folder.name.split("-"))))
        except TagError:
            continue
    return found


def videos(category: Category, limit: int, settings: Settings) -> list[Video]:
    """List at most `limit` videos of a category, newest first by the time of the file's last change."""
    files = [
        (path.stat().st_mtime, path)
        for path in (settings.video_library / category.key).iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    newest = sorted(files, key=lambda file: (-file[0], file[1].name))[:limit]
    return [Video("library", f"{category.key}/{path.name}", _title(path), modified) for modified, path in newest]


def _title(path):
    return path.stem.replace("-", " ").replace("_", " ").strip().capitalize()


def fetch(video: Video, settings: Settings, report: Callable[[int, int, str], None]) -> Path:
    """Return where the video lies. Raises EngineError when it has gone since it was listed."""
    report(0, 1, video.title)
    path = stored(video.key, settings)
    if path is None:
        raise EngineError("The file is no longer in the library.")
    return path


def stored(key: str, settings: Settings) -> Path | None:
    """Return the path of the video with this key, None where there is none. A key never leads out of the library."""
    library = settings.video_library.resolve()
    if "\0" in key:
        return None
    path = (library / key).resolve()
    inside = path.is_relative_to(library) and path.suffix.lower() in SUFFIXES
    return path if inside and path.is_file() else None
