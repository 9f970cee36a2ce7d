"""Runs ffmpeg to encode: with more time and memory than a stranger's file gets, as a rule, and a frame counter."""

import resource
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, cast

from core import ffmpeg
from core.engines import EngineError

TIME_LIMIT = 600  # seconds that one run may take
LIMITS = {
    resource.RLIMIT_DATA: 900 * 1024**2,  # bytes of one run's own data
    resource.RLIMIT_CPU: 2 * TIME_LIMIT,  # seconds of processor time
}
LOOK_UP = 0.1  # seconds between two calls of `on_frame`, and between two of ffmpeg's progress lines
SAID = 4000  # characters of what ffmpeg said that go to the log


class EncodingFailed(EngineError):
    """ffmpeg gave up; `said` is what it wrote last."""

    def __init__(self, said: str):
        super().__init__("The video could not be encoded; the log has what ffmpeg said.")
        self.said = said[-SAID:]


def encode(
    arguments: Sequence[str],
    on_frame: Callable[[int], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
    seconds: float = TIME_LIMIT,
) -> str:
    """Run ffmpeg with `arguments` to its end and return what it said.

    `on_frame` is told some times a second how many frames are written; what it raises ends the program at once.
    `limits` are those of setrlimit (LIMITS where there are none), `seconds` is the longest that it may take.
    Raises EncodingFailed.
    """
    progress = ["-nostats", "-progress", "pipe:1", "-stats_period", str(LOOK_UP)]
    line = [ffmpeg.program(), "-nostdin", "-hide_banner", "-y", *progress, *arguments]
    with (
        tempfile.TemporaryFile() as said,
        ffmpeg.confined(line, subprocess.PIPE, said.fileno(), limits or LIMITS, seconds, environment) as process,
    ):
        frames = _FrameCounter(cast(IO[bytes], process.stdout))
        while True:
            try:
                process.wait(LOOK_UP)
                break
            except subprocess.TimeoutExpired:
                on_frame(frames.count)
        frames.thread.join(1)
        on_frame(frames.count)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode:
        raise EncodingFailed(text)
    return text


class _FrameCounter:
    """Reads ffmpeg's progress lines in a thread, so that nobody waits for them."""

    def __init__(self, stream: IO[bytes]):
        self.count = 0
        self.thread = threading.Thread(target=self._read, args=[stream], daemon=True)
        self.thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            for line in stream:
                name, _, value = line.partition(b"=")
                if name == b"frame" and value.strip().isdigit():
                    self.count = int(value)
        except ValueError:  # the stream was closed
            pass
