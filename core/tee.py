"""What one pass over a clip writes besides, for another reader: so that a clip is decoded once for both."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, eq=False)
class Tee:
    """A second picture stream of a pass of ffmpeg, in the format YUV4MPEG2.

    `filters` gives those that make it, for a clip of so many seconds. `written` tells whether all of it is in `file`.
    """

    filters: Callable[[float], str]
    file: Path
    written: Future[bool] = field(default_factory=Future)
