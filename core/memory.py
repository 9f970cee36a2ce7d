"""How the C library keeps the memory that was given back to it."""

import ctypes
from contextlib import suppress

ARENAS = 2
_M_ARENA_MAX = -8  # in glibc's malloc.h


def share_arenas() -> None:
    """Let all threads allocate from two arenas; of other C libraries nothing is asked.

    By itself glibc makes up to eight a processor and gives nothing back from the middle of one, so that a process in
    whose threads large arrays come and go grows for hours, with nothing held ("The GNU Allocator" and "Malloc Tunable
    Parameters" in the manual of glibc). To be called before there are threads.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
