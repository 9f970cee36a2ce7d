"""How much of the machine others took: a time promised of two processors is not judged on half of one."""

import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
IDLE = (3, 4)  # the columns of /proc/stat that count no work: idle, and waiting for the disk (proc_stat(5))
OURS = 0.85  # of the processors' time must have been ours, or free to take, for times to be judged


def _busy() -> float:
    """Seconds that all processors have worked."""
    columns = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    return sum(int(ticks) for number, ticks in enumerate(columns) if number not in IDLE) / TICKS


@dataclass
class Watch:
    """Begun when it is made; `pid` is the studio's process."""

    pid: int
    _began: float = field(default_factory=time.monotonic)
    _busy: float = field(default_factory=_busy)
    _ours: float = -1.0

    def __post_init__(self) -> None:
        self._ours = self._used()

    def _used(self) -> float:
        """Seconds that the studio, the programs that it has run, and this process have worked."""
        columns = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        here = resource.getrusage(resource.RUSAGE_SELF)
        return sum(map(int, columns[11:15])) / TICKS + here.ru_utime + here.ru_stime

    def others(self) -> float:
        """The share of the processors' time that others took since then, 0 to 1."""
        seconds = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(0.0, (_busy() - self._busy) - (self._used() - self._ours)) / seconds

    def is_fair(self) -> bool:
        """Whether what was timed since then may be judged."""
        return self.others() <= 1 - OURS
