"""Loading once: a load is shared, kept, tried again where it failed, and never holds up who was called off."""

import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from core import devices, loading
from core.loading import LoadOnce, Room
from music_gen import musicgen
from summariser import language_model
from tools.random_weights.language_model import save_language_model
from tools.random_weights.musicgen import save_musicgen
from tools.waiting import until


class Loader:
    """A loader that counts its loads and may be told to wait or to fail."""

    def __init__(self):
        self.loads, self.gate, self.error = [], threading.Event(), None
        self.gate.set()

    def __call__(self, name):
        self.loads.append(name)
        assert self.gate.wait(10)
        if self.error:
            raise self.error
        return f"model {name}"


@pytest.fixture
def loader():
    return Loader()


def test_threads_that_ask_at_once_share_one_load(loader):
    load = LoadOnce(loader)
    loader.gate.clear()
    with ThreadPoolExecutor(5) as threads:
        futures = [threads.submit(load, "a") for _ in range(5)]
        loader.gate.set()
        assert {future.result(10) for future in futures} == {"model a"}
    assert loader.loads == ["a"]


def test_each_key_is_loaded_and_the_last_are_kept(loader):
    load = LoadOnce(loader, key=str.lower, keep=2)
    for name in ("a", "A", "b", "c", "a", "C"):
        load(name)
    assert loader.loads == ["a", "b", "c", "a"]


def test_a_load_that_failed_says_why_and_is_tried_again(loader):
    load, loader.error = LoadOnce(loader), ValueError("no weights")
    with pytest.raises(ValueError, match="no weights"):
        load("a")
    assert load.loaded("a") is None
    loader.error = None
    assert load("a") == load.loaded("a") == "model a"


def test_who_waits_can_be_called_off_and_the_load_goes_on(loader):
    load = LoadOnce(loader)
    loader.gate.clear()
    asked = []

    def check():
        asked.append(load.loaded("a"))
        if len(asked) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        load.wait(check, "a")
    assert asked == [None, None]
    loader.gate.set()
    assert load("a") == "model a"
    assert loader.loads == ["a"]


def test_what_is_forgotten_is_loaded_again(loader):
    load = LoadOnce(loader)
    load("a")
    load.clear()
    assert load.loaded("a") is None
    load("a")
    assert loader.loads == ["a", "a"]


def test_libraries_are_imported_one_after_the_other_whatever_loads_at_once(tmp_path, monkeypatch):
    (tmp_path / "slow_library.py").write_text(
        "import threading, time\nbegun = threading.Event()\nbegun.set()\ntime.sleep(0.3)\nready = True\n"
    )
    (tmp_path / "other_library.py").write_text(
        "import sys\nready = 'slow_library' not in sys.modules or hasattr(sys.modules['slow_library'], 'ready')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    slow = LoadOnce(lambda: sys.modules["slow_library"].ready, imports=("slow_library",))
    other = LoadOnce(lambda: sys.modules["other_library"].ready, imports=("other_library",))
    first = slow.start()
    until(lambda: "slow_library" in sys.modules)
    assert other()
    assert first.result(10)


class Device:
    """A device of some bytes, and models that take of them while anything refers to them."""

    def __init__(self, size):
        self.size, self.taken = size, weakref.WeakKeyDictionary()

    def model(self, size):
        """A loader of a model of this size; its results are told apart by identity."""

        def load():
            model = Model()
            self.taken[model] = size
            return model

        return LoadOnce(load, room=lambda: Room(size, self.free))

    def free(self):
        gc.collect()
        return self.size - sum(self.taken.values())


class Model:
    pass


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(loading, "_shared", [])
    return Device(10)


def test_models_that_fit_together_stay_loaded(device):
    writer, painter = device.model(4), device.model(5)
    writer()
    painter()
    assert writer.loaded() is not None
    assert device.free() == 1


def test_where_the_next_does_not_fit_the_one_used_longest_ago_goes(device):
    writer, composer, painter = device.model(4), device.model(4), device.model(5)
    writer()
    composer()
    writer()
    painter()
    assert composer.loaded() is None
    assert writer.loaded() is not None
    composer()
    assert writer.loaded() is None
    assert painter.loaded() is not None


def test_what_is_in_use_is_kept_until_then_and_a_load_goes_on(device):
    writer, painter = device.model(6), device.model(6)
    held = writer()
    assert painter() is not None
    assert writer.loaded() is None
    assert device.taken[held] == 6


def test_a_load_under_way_is_not_let_go(device):
    gate = threading.Event()
    slow = LoadOnce(lambda: gate.wait(10), room=lambda: Room(1, device.free))
    future = slow.start()
    device.model(50)()
    gate.set()
    assert future.result(10) is True
    assert slow.loaded() is True


def test_a_device_that_runs_out_of_memory_lets_the_others_go_before_the_second_try(device):
    writer, painter = device.model(4), device.model(5)
    writer()
    painter()
    tries = []

    def draw():
        tries.append(device.free())
        if len(tries) == 1:
            raise RuntimeError("CUDA out of memory")
        return "picture"

    assert devices.with_memory_saved(draw, lambda: None) == "picture"
    assert tries == [1, 5]
    assert (writer.loaded(), painter.loaded() is not None) == (None, True)


def test_a_checkpoint_needs_as_much_room_as_its_weights(tmp_path, settings):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "model.safetensors").write_bytes(b"x" * 1000)
    (tmp_path / "model.safetensors").write_bytes(b"x" * 500)
    (tmp_path / "config.json").write_text("{}")
    room = devices.room(settings, tmp_path)
    assert room.size == 1500
    assert room.free() > 0
    assert devices.room(settings, None).size == 0


def test_models_that_are_built_at_once_have_each_their_own_dtype(tmp_path, settings):
    """transformers sets PyTorch's default, one for the whole process, to that of what it builds."""
    folder, other = save_language_model(tmp_path / "language"), save_musicgen(tmp_path / "music")
    with ThreadPoolExecutor(2) as threads:
        language = [threads.submit(language_model.load, folder, settings) for _ in range(8)]
        music = [musicgen.load_library(other) for _ in range(8)]
        assert all(one.result() for one in language)
    assert {weight.dtype for model in music for weight in model.parameters()} == {torch.float32}
