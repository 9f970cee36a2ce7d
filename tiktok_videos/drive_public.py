"""Google Drive without an account: folders that anyone may read, listed and fetched with gdown.

gdown runs as a program of its own, for a folder's page cannot be given a time or a length in which to arrive; a
program can be ended.
"""

import mimetypes
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from core.engines import EngineError
from settings import Settings
from tiktok_videos.catalogue import Video, title

RETRIES = 3  # of a broken download, by gdown, from where it broke off
TICK = 0.1  # seconds between two looks at how far gdown is

# What gdown 6.5.1 says, in the order in which to look for it, and what it means.
_MEANINGS = {
    r"No space left|File too large|Disk quota exceeded": "There is no room for the video on the disk of DATA_DIR.",
    r"Too many users|quota|status code 429|\b429 Client Error": (
        "Google Drive gives this out too often just now. Try again tomorrow, or set up a service account."
    ),
    r"status code 5\d\d|\b5\d\d Server Error": "Google Drive is out of order just now. Try again later.",
    r"status code 40[134]|\b40[134] Client Error|public link|permission": (
        "Google Drive does not give this to everyone. Share the folder with “Anyone with the link”, check the folder "
        "id in DRIVE_FOLDERS, or set up a service account."
    ),
    r"Timed out|timed out": "Google Drive gave no answer in time. Try again later.",
    r"proxy": "The proxy that this machine is set to use does not work. Check HTTPS_PROXY.",
    r"certificate|SSL": "There is no secure connection to Google Drive. Check this machine's clock and certificates.",
    r"incomplete|byte range|Connection aborted|IncompleteRead|Connection broken|Download failed after": (
        "The connection to Google Drive broke off. Check the network, or try again later."
    ),
    r"Max retries|Connection|resolve": "Google Drive cannot be reached. Check the network.",
}
_MOVED = "Google Drive has changed its pages, and gdown cannot read them. Set up a service account."


class _Entry(BaseModel):
    """A file in gdown's listing of a folder."""

    url: str
    path: str


LISTING = TypeAdapter(list[_Entry])


def videos(folder_id: str, limit: int, settings: Settings) -> list[Video]:
    """List at most `limit` videos of a folder, in the order of its page, within `SERVICE_TIMEOUT`.

    Raises EngineError.
    """
    ends = time.monotonic() + settings.service_timeout

    def watch():
        if time.monotonic() > ends:
            raise EngineError(f"Google Drive did not show the folder within {settings.service_timeout} s.")

    listing = _gdown(["--json", f"https://drive.google.com/drive/folders/{folder_id}"], settings, watch)
    files = _read_listing(listing)
    if not files:
        raise EngineError("Google Drive shows nothing in the folder. Share it with “Anyone with the link”.")
    return [
        Video("drive", key, title(Path(name).name), 0.0)
        for key, name in files
        if (mimetypes.guess_type(name)[0] or "").startswith("video/")
    ][:limit]


def download(video: Video, path: Path, settings: Settings, report: Callable[[int, int, str], None]) -> None:
    """Write a video to `path`. It fails where nothing new comes for `SERVICE_TIMEOUT`. Raises EngineError."""
    done, last = 0, time.monotonic()

    def watch():
        nonlocal done, last
        size = _bytes_in(path.parent)
        _check_size(size, settings)
        if size > done:
            done, last = size, time.monotonic()
        if time.monotonic() - last > settings.service_timeout:
            raise EngineError(f"Google Drive sent nothing more for {settings.service_timeout} s. Try again later.")
        report(done, max(done, video.size or 0), video.title)

    address = f"https://drive.google.com/uc?id={video.key}"
    _gdown(["--retries", str(RETRIES), "--output", str(path), address], settings, watch)
    if not path.is_file():
        raise EngineError(_MOVED)
    _check_size(path.stat().st_size, settings)  # the end of it may have come after the last look


def _check_size(size, settings):
    if size > settings.max_video_mb * 1024 * 1024:
        raise EngineError(f"The video is larger than MAX_VIDEO_MB ({settings.max_video_mb} MB) allows.")


def _bytes_in(folder):
    sizes = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # gdown has just given it its final name
            sizes += file.stat().st_size
    return sizes


def _gdown(arguments, settings, watch):
    """Run gdown and return what it printed. `watch` is called all the time; whatever it raises ends gdown."""
    command = [sys.executable, "-P", "-m", "gdown", "--quiet", "--no-cookies"]
    command += ["--timeout", str(settings.service_timeout), *arguments]
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=printed, stderr=complaints, env=dict(os.environ)
        ) as run:
            try:
                while run.poll() is None:
                    watch()
                    with suppress(subprocess.TimeoutExpired):
                        run.wait(TICK)
            finally:
                run.kill()
        for file in (printed, complaints):
            file.seek(0)
        if run.returncode:
            raise EngineError(_explain(complaints.read().decode(errors="replace")))
        return printed.read()


def _explain(complaint):
    """What gdown's message means for the user. The message itself may repeat any page."""
    complaint = " ".join(complaint.split())
    meanings = (meaning for pattern, meaning in _MEANINGS.items() if re.search(pattern, complaint))
    return next(meanings, _MOVED)


def _read_listing(listing):
    with suppress(ValidationError):
        entries = LISTING.validate_json(listing)
        files = [(entry.url.partition("?id=")[2], entry.path) for entry in entries]
        return [(key, name) for key, name in files if re.fullmatch(r"[A-Za-z0-9_-]{1,200}", key)]
    raise EngineError(_MOVED)
