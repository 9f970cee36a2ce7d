"""Which worker a stage goes to: one that has a place free, as long as there is one.

Left to itself Dask sends a call to whoever it expects to be idle first, by the mean time of calls of that name, and
does not look whether the device that it asks for is taken there: then it waits behind another while a device is free.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from secrets import token_hex


class Places:
    """What runs where: this studio's calls, known at once, and those of others, as last seen. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own = token_hex(4)  # in the keys of this studio's calls, so that none of them is taken for another's
        self._ours: dict[str, str] = {}  # by key: the worker's address
        self._theirs: Counter[tuple[str, str]] = Counter()  # by kind and address

    def take(self, kind: str, name: str, offered: Mapping[str, int]) -> tuple[str, str]:
        """Take a place for a call of this name; its key, and the worker's address.

        `offered` is how many such calls each worker runs at once: it goes where the smallest share of that is taken,
        and of equals where the least runs at all.
        """
        with self._lock:
            here = Counter((_kind(key), address) for key, address in self._ours.items()) + self._theirs
            at_all: Counter[str] = Counter()
            for (_, address), number in here.items():
                at_all[address] += number
            chosen = min(offered, key=lambda one: (here[kind, one] / offered[one], at_all[one]))
            key = f"{kind.lower()}-{name}-{self._own}{token_hex(8)}"
            self._ours[key] = chosen
            return key, chosen

    def leave(self, key: str) -> None:
        """A call has ended."""
        with self._lock:
            self._ours.pop(key, None)

    def see(self, processing: Mapping[str, Sequence[str]]) -> None:
        """Note what runs where by the scheduler's word: keys by address."""
        with self._lock:
            theirs = ((key, address) for address, keys in processing.items() for key in keys if self._is_theirs(key))
            self._theirs = Counter((_kind(key), address) for key, address in theirs)

    def clear(self) -> None:
        """The cluster is gone, and what ran there."""
        with self._lock:
            self._ours.clear()
            self._theirs.clear()

    def _is_theirs(self, key: object) -> bool:
        return isinstance(key, str) and not key.rpartition("-")[2].startswith(self._own)


def _kind(key: str) -> str:
    return key.partition("-")[0].upper()
