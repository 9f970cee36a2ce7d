from concurrent.futures import ThreadPoolExecutor

import pytest

from core.executors import BatchingExecutor, Pools


@pytest.fixture
def pools():
    """Both executors, of one thread each, which has the executor's name."""
    opened = Pools(*(BatchingExecutor(ThreadPoolExecutor(1, thread_name_prefix=name)) for name in ("videos", "device")))
    yield opened
    opened.close()
