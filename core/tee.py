"""What one pass over a clip writes besides, for another reader: so that a clip is decoded once for both."""

import shutil
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

SPARE_DISK = 1024**3  # bytes that must be free: some tees at once may hold half of it for a second


@dataclass(frozen=True, eq=False)
class Tee:
    """A second picture stream of a pass of ffmpeg, in the format YUV4MPEG2.

    `filters` gives those that make it, for a clip of so many seconds. `written` tells whether all of it is in `file`.
    """

    filters: Callable[[float], str]
    file: Path
    written: Future[bool] = field(default_factory=Future)

    def has_room(self) -> bool:
        """Whether its disk has so much room that it takes none from what others write."""
        try:
            return shutil.disk_usage(self.file.parent).free > SPARE_DISK
        except OSError:
            return False
