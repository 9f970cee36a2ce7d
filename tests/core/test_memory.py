import re
import subprocess
import sys

import pytest

from core import memory

# Each thread allocates while all others live; then the allocator tells of its arenas, in XML.
THREADS_THAT_ALLOCATE = """
import ctypes, threading
from core import memory
{first}
gate = threading.Barrier(12)
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
def allocate():
    gate.wait()
    libc.malloc(1000)
    gate.wait()
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, libc.fdopen(1, b"w"))
libc.fflush(None)
"""


def arenas(first):
    run = [sys.executable, "-c", THREADS_THAT_ALLOCATE.format(first=first)]
    told = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout
    return len(re.findall(r"<heap nr=", told))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is tried")
def test_threads_share_two_arenas_which_else_have_one_each():
    assert arenas("") > memory.ARENAS
    assert arenas("memory.share_arenas()") == memory.ARENAS


def test_another_c_library_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: object())
    memory.share_arenas()
