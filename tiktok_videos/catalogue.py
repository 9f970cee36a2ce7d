"""What a source of videos tells about them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """Videos filed together. `key` is what the source knows it by: a folder's path, a Drive folder's id."""

    source: str
    key: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Video:
    """One video. `key` is what the source knows it by: a relative path, a Drive file's id.

    `modified` is in POSIX seconds, `size` in bytes, `checksum` an MD5 in hex where the source tells it. `tag` is the
    tag that found the video.
    """

    source: str
    key: str
    title: str
    modified: float
    tag: str = ""
    size: int | None = None
    checksum: str | None = None


def title(name: str) -> str:
    """The title of a video in a file of this name: without its suffix and without control characters."""
    printable = "".join(sign if sign.isprintable() else " " for sign in name)
    return re.sub(r"\.\w{2,4}$", "", " ".join(printable.split()))[:200] or "Untitled"
