"""Models that are loaded once per process, however many threads ask for them at once.

Large ones share the memory of a device: where the next does not fit, the one that was used longest ago is let go.
"""

import gc
import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Generic, ParamSpec, TypeVar

log = logging.getLogger(__name__)

# Held while transformers or diffusers build a model: they set PyTorch's default dtype meanwhile, which is one for the
# whole process, and two models that are built at once would get each other's.
building = threading.Lock()

_importing = threading.Lock()
_sharing = threading.Lock()
_shared: list["LoadOnce[..., Any]"] = []  # those that share a device, the one used last at the end

P = ParamSpec("P")
T = TypeVar("T")

TICK = 0.2  # seconds between two looks at whether who waits for a load was called off


@dataclass(frozen=True)
class Room:
    """What a load needs: `size` bytes of the `free()` ones. `free` gives back first what nobody uses."""

    size: int
    free: Callable[[], int]


class LoadOnce(Generic[P, T]):
    """A loader whose result is kept: `MODEL = LoadOnce(_load)`, then `MODEL(settings)`.

    `imports` names the libraries that a load needs, which are imported one after the other in the whole process: large
    ones, such as transformers, can be seen half imported by a second thread that imports them meanwhile.

    It is loaded once for each `key(*arguments)`, by default the arguments themselves, and the last `keep` results are
    kept, by default all. A load that failed is tried again when it is next asked for. Loads run in a thread of their
    own, so that who waits for one can be called off.

    With `room`, which says what a load needs, it shares a device with all others that have one: before a load that does
    not fit, what others have loaded is let go, the one that was asked for longest ago first. Whoever is still using it
    keeps it until then.
    """

    def __init__(
        self,
        load: Callable[P, T],
        key: Callable[P, Hashable] | None = None,
        keep: int | None = None,
        imports: Sequence[str] = (),
        room: Callable[P, Room] | None = None,
    ) -> None:
        self._load, self._key, self._keep, self._imports, self._room = load, key, keep, imports, room
        self._futures: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> T:
        """Load, or wait for the load under way. Raises what the loader raises."""
        return self.start(*arguments, **options).result()

    def wait(self, check: Callable[[], None], *arguments: P.args, **options: P.kwargs) -> T:
        """The same; meanwhile `check` is called some times a second, and what it raises goes through."""
        future = self.start(*arguments, **options)
        while not future.done():
            check()
            wait([future], TICK)
        return future.result()

    def start(self, *arguments: P.args, **options: P.kwargs) -> Future[T]:
        """Start to load in the background where that has not been done. Returns at once."""
        key = self._key_of(*arguments, **options)
        if self._room:
            _used(self)
        with self._lock:
            future = self._futures.get(key)
            if future is None or (future.done() and future.exception()):
                self._futures.pop(key, None)
                future = self._futures[key] = Future()
                while self._keep and len(self._futures) > self._keep:
                    del self._futures[next(iter(self._futures))]
                run = threading.Thread(
                    target=self._run,
                    args=(future, partial(self._load_in_room, *arguments, **options)),
                    name="load",
                    daemon=True,
                )
                run.start()
        return future

    def loaded(self, *arguments: P.args, **options: P.kwargs) -> T | None:
        """The result if it is there, else None. Loads nothing."""
        future = self._futures.get(self._key_of(*arguments, **options))
        return future.result() if future and future.done() and not future.exception() else None

    def clear(self) -> None:
        """Forget all results."""
        with self._lock:
            self._futures.clear()

    def release(self) -> bool:
        """Forget what is loaded, but no load under way. Returns whether there was anything."""
        with self._lock:
            loaded = [key for key, future in self._futures.items() if future.done()]
            for key in loaded:
                del self._futures[key]
        return bool(loaded)

    def _load_in_room(self, *arguments: P.args, **options: P.kwargs) -> T:
        if self._room:
            make_room(self._room(*arguments, **options), self)
        return self._load(*arguments, **options)

    def _key_of(self, *arguments: P.args, **options: P.kwargs) -> Hashable:
        return self._key(*arguments, **options) if self._key else (arguments, *options.items())

    def _run(self, future: Future[T], load: Callable[[], T]) -> None:
        try:
            with _importing:
                for name in self._imports:
                    import_module(name)
            future.set_result(load())
        except BaseException as error:  # noqa: BLE001 it is for those who wait
            future.set_exception(error)


def _used(loader: "LoadOnce[..., Any]") -> None:
    with _sharing:
        if loader in _shared:
            _shared.remove(loader)
        _shared.append(loader)


def make_room(room: Room, owner: "LoadOnce[..., Any]") -> None:
    """Let go of what others than `owner` have loaded, one after the other, until there is room or nothing is left."""
    with _sharing:
        others = [loader for loader in _shared if loader is not owner]
    for loader in others:
        if room.free() >= room.size:
            return
        if loader.release():
            gc.collect()
            log.info("a model was let go, since another needs %d MB", room.size // 2**20)


def release_others() -> None:
    """Let go of all that share a device, but for the one that was asked for last."""
    with _sharing:
        others = _shared[:-1]
    for loader in others:
        loader.release()
