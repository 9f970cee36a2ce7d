"""Runs ffmpeg on files that may be hostile: no network, no other file, little memory, and never for long.

`confined` does so for any program.
"""

import os
import re
import resource
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Timer
from typing import IO, cast

from core.engines import EngineError

MAX_SECONDS = 600  # of a clip that are read; the rest is left out
TIME_LIMIT = 60  # seconds that one run may take
PROCESSOR_LIMIT = 2 * TIME_LIMIT  # seconds of processor time
MAX_PIXELS = 8192 * 4320  # of a picture that is decoded
MAX_STREAMS = 8  # in a file
MAX_MEMORY = 512 * 1024**2  # bytes of one run's own data
MAX_OUTPUT = 512 * 1024**2  # bytes of a file that is written
MAX_FILES = 64  # open at once

# Playlists and concat scripts name other files, so the containers that hold their own pictures are all that is let in.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg"
ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "IMAGEIO_FFMPEG_EXE")
# How util-linux starts a program in a network of its own, which has nothing in it: as root, and as anybody else.
WITHOUT_NETWORK = (("unshare", "--net", "--"), ("unshare", "--user", "--map-current-user", "--net", "--"))
LIMITS = {
    resource.RLIMIT_DATA: MAX_MEMORY,
    resource.RLIMIT_CPU: PROCESSOR_LIMIT,
    resource.RLIMIT_FSIZE: MAX_OUTPUT,
    resource.RLIMIT_NOFILE: MAX_FILES,
    resource.RLIMIT_CORE: 0,
}


@dataclass(frozen=True)
class Probe:
    """What a file holds. `seconds` is measured by reading it to its end, not what it claims; 0 sizes are unknown.

    Width and height are those that are shown: of a clip that is stored on its side, the other way round.
    """

    seconds: float
    has_sound: bool
    width: int  # pixels
    height: int
    frames_per_second: float = 0.0  # the mean; 0 is unknown

    @property
    def has_picture(self) -> bool:
        return self.width > 0


def program() -> str:
    """The path of the ffmpeg that moviepy uses."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def command(path: Path, before: tuple[str, ...], after: tuple[str, ...], containers: str = CONTAINERS) -> list[str]:
    """The command line that reads `path` with the input options `before` and the output options `after`."""
    return [program(), "-nostdin", "-hide_banner", "-y", *source(path, before, containers), *after]


def source(path: Path, before: tuple[str, ...] = (), containers: str = CONTAINERS) -> list[str]:
    """The input `path`, which may be hostile, with the input options `before`, which come last and so prevail."""
    safety = ("-protocol_whitelist", "file,pipe", "-format_whitelist", containers)
    limits = ("-max_pixels", str(MAX_PIXELS), "-max_streams", str(MAX_STREAMS), "-t", str(MAX_SECONDS))
    # "file:" keeps a name that begins with "-" or holds ":" from being taken for an option or a protocol.
    return [*safety, *limits, *before, "-i", f"file:{path.absolute()}"]


@contextmanager
def confined(
    command: list[str],
    stdout: int,
    stderr: int,
    limits: Mapping[int, int] | None = None,
    seconds: float | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group that is ended with the block, or after `seconds` (TIME_LIMIT).

    It has no network where the system can take it away.
    `limits` are those of setrlimit that differ from LIMITS. Of our environment it sees ENVIRONMENT alone, besides
    `environment`: what reads strangers' files needs no keys, and a copy is not changed by another thread meanwhile.
    """
    visible = {name: value for name, value in os.environ.items() if name in ENVIRONMENT}
    process = subprocess.Popen(
        [*without_network(), *command],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
        close_fds=True,
        env={**visible, **(environment or {})},
    )
    timer = Timer(seconds or TIME_LIMIT, _end, [process])
    timer.start()
    try:
        _limit(process.pid, {**LIMITS, **(limits or {})})
        yield process
    finally:
        timer.cancel()
        _end(process)
        process.wait()
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()


@cache
def without_network() -> tuple[str, ...]:
    """What to put before a command so that it runs without a network; nothing where the system has no way to it.

    A container may forbid it, and other systems than Linux do not know it. It is tried once.
    """
    for way in WITHOUT_NETWORK:
        try:
            subprocess.run([*way, "true"], check=True, capture_output=True, timeout=5)
            return way
        except (OSError, subprocess.SubprocessError):
            continue
    return ()


def _limit(pid: int, limits: Mapping[int, int]) -> None:
    if not hasattr(resource, "prlimit"):  # outside Linux the time limit and ffmpeg's own limits have to do
        return
    for kind, limit in limits.items():
        _, hard = resource.prlimit(pid, kind)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.prlimit(pid, kind, (least, least))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group of a process, if any of it is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run(path: Path, *after: str, before: tuple[str, ...] = (), containers: str = CONTAINERS) -> tuple[str, int]:
    """Run ffmpeg to its end; return what it said about the clip, and its exit status.

    `containers` are the kinds of file that `path` may be. Raises EngineError where it takes too long.
    """
    with confined(command(path, before, after, containers), subprocess.DEVNULL, subprocess.PIPE) as process:
        _, said = process.communicate()
        status = process.returncode
    if status == -signal.SIGKILL:
        raise EngineError("This clip takes too long to open; try a shorter or smaller one.")
    return said.decode(errors="replace"), status


@contextmanager
def pipe(path: Path, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[IO[bytes]]:
    """Run ffmpeg beside us and give the stream that it writes. It is stopped when the block is left, or out of time."""
    with confined(command(path, ("-v", "quiet", *before), after), subprocess.PIPE, subprocess.DEVNULL) as process:
        yield cast(IO[bytes], process.stdout)


def probe(path: Path, before: tuple[str, ...] = ()) -> Probe:
    """Read a file to its end, without decoding it, and say what it holds.

    Raises EngineError where it cannot be read or takes too long.
    """
    said, _ = run(path, "-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy", "-f", "null", "-", before=before)
    if "exceeds max_streams" in said:  # of a Matroska file, ffmpeg would read what came before
        raise EngineError(f"This file holds more than {MAX_STREAMS} streams.")
    streams = said.split("Output #0")[0]
    size = re.search(r"^  Stream #0:.*?: Video: .*?\b(\d{1,5})x(\d{1,5})\b", streams, re.MULTILINE)
    has_sound = re.search(r"^  Stream #0:.*?: Audio: ", streams, re.MULTILINE) is not None
    if not (size or has_sound):
        raise EngineError("This file is not a video that can be read; it may be broken or cut off.")
    width, height = map(int, size.groups()) if size else (0, 0)
    if re.search(r"displaymatrix: rotation of -?(?:90|270)\.00 degrees", streams):
        width, height = height, width
    rate = re.search(r"^  Stream #0:.*?: Video: .*?\b(\d+(?:\.\d+)?) fps\b", streams, re.MULTILINE)
    return Probe(_measured(said), has_sound, width, height, float(rate[1]) if rate else 0.0)


def _measured(said: str) -> float:
    """The end of what was read, in seconds, from the last of ffmpeg's progress lines."""
    found = re.findall(r"\btime=(\d+):(\d\d):(\d\d\.\d+)", said)
    if not found:
        return 0.0
    hours, minutes, seconds = found[-1]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
