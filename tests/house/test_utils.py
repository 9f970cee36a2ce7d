"""The device, its memory, and where the weights of a model are."""

from dataclasses import replace

import pytest

import utils
from core import checkpoints, devices
from core.engines import EngineError
from settings import Settings, SettingsError
from utils import GIB, Accelerator

CHECKPOINT = checkpoints.Checkpoint("maker/model", "a" * 40, ("*.json",), (("config.json",), ("a.bin", "b.bin")))


@pytest.fixture
def cpu(settings):
    return replace(settings, device="cpu")


def test_the_cpu_is_always_there(cpu):
    found = utils.accelerator(cpu)
    assert found.device == "cpu"
    assert found.dtype in ("float32", "bfloat16")
    assert found.free_memory > GIB // 4


def test_the_cpu_computes_in_bfloat16_only_where_it_has_the_instructions(cpu):
    import torch

    can = torch.cpu.get_capabilities()
    wanted = "bfloat16" if can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16") else "float32"
    assert utils.accelerator(cpu).dtype == wanted


@pytest.mark.parametrize("told", ["AVX512_CORE_VNNI", "avx2"])
def test_where_onednn_is_told_to_leave_bf16_alone_the_cpu_computes_in_float32(cpu, monkeypatch, told):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", told)
    utils._dtype.cache_clear()
    assert utils.accelerator(cpu).dtype == "float32"
    utils._dtype.cache_clear()


def test_auto_takes_the_best_device_there_is(settings):
    import torch

    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert utils.accelerator(settings).device == best


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_a_clear_error(settings, device):
    if utils.accelerator(settings).device == device:
        pytest.skip(f"{device} is here")
    with pytest.raises(utils.DeviceError, match=f"DEVICE={device}.*set DEVICE=auto"):
        utils.accelerator(replace(settings, device=device))


def test_the_settings_know_the_devices_and_the_switches():
    settings = Settings.read({"DEVICE": "cpu", "LOW_MEMORY": "1", "MUSIC_WAIT": "0"})
    assert (settings.device, settings.low_memory, settings.music_wait) == ("cpu", True, False)
    with pytest.raises(SettingsError, match="auto, cuda, mps, cpu"):
        Settings.read({"DEVICE": "tpu"})
    with pytest.raises(SettingsError, match="LOW_MEMORY=yes: give 1 for yes or 0 for no"):
        Settings.read({"LOW_MEMORY": "yes"})


@pytest.mark.parametrize(
    ("device", "free", "installed", "short"),
    [
        ("cuda", 5 * GIB, 128 * GIB, True),
        ("cuda", 6 * GIB, 8 * GIB, False),
        ("mps", 1 * GIB, 64 * GIB, False),
        ("mps", 60 * GIB, 63 * GIB, True),
        ("cpu", 1 * GIB, 2 * GIB, False),
    ],
)
def test_memory_is_short_by_device(settings, monkeypatch, device, free, installed, short):
    monkeypatch.setattr(utils, "accelerator", lambda _: Accelerator(device, "float16", free))
    monkeypatch.setattr(utils, "_installed_memory", lambda: installed)
    assert utils.low_memory(settings) is short


def test_memory_is_short_where_the_setting_says_so(cpu):
    assert utils.low_memory(replace(cpu, low_memory=True))
    assert not utils.low_memory(cpu)


class Attempts:
    """Work that fails with one exception after the other until none is left."""

    def __init__(self, *errors):
        self.errors, self.saved = list(errors), 0

    def work(self):
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def save(self):
        self.saved += 1


def out_of_memory():
    import torch

    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def real_allocation_failure():
    import torch

    try:
        torch.empty(2**60, dtype=torch.uint8)
    except RuntimeError as error:
        return error
    pytest.fail("an exbibyte could be allocated")


@pytest.mark.parametrize(
    "error",
    [out_of_memory, real_allocation_failure, MemoryError, lambda: RuntimeError("MPS backend out of memory (18.1 GB)")],
)
def test_out_of_memory_is_tried_once_more_with_less(error):
    attempts = Attempts(error())
    assert devices.with_memory_saved(attempts.work, attempts.save) == "done"
    assert attempts.saved == 1


def test_out_of_memory_twice_is_an_error_that_says_what_to_do():
    attempts = Attempts(out_of_memory(), out_of_memory(), out_of_memory())
    with pytest.raises(EngineError, match=r"not enough memory.*LOW_MEMORY=1"):
        devices.with_memory_saved(attempts.work, attempts.save)
    assert attempts.saved == 1
    assert len(attempts.errors) == 1


def test_other_failures_go_through_at_once():
    attempts = Attempts(RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes"):
        devices.with_memory_saved(attempts.work, attempts.save)
    assert attempts.saved == 0


def test_work_that_fits_is_done_as_it_is():
    attempts = Attempts()
    assert devices.with_memory_saved(attempts.work, attempts.save) == "done"
    assert attempts.saved == 0


def fill(folder, *names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


def test_weights_are_found_in_a_folder(tmp_path):
    folder = fill(tmp_path / "model", "config.json", "b.bin")
    assert checkpoints.checkpoint_folder(str(folder), CHECKPOINT) == folder


@pytest.mark.parametrize("names", [(), ("config.json",), ("a.bin", "b.bin")])
def test_a_folder_that_lacks_something_does_not_count(tmp_path, names):
    assert checkpoints.checkpoint_folder(str(fill(tmp_path / "model", *names)), CHECKPOINT) is None


@pytest.mark.parametrize(
    "model", ["maker/model", "/no/such/folder", "../model", "a b c", "ünïcode", "x" * 300, "~no such user/x", ""]
)
def test_weights_that_are_nowhere_are_not_found(model, hub_cache):
    assert checkpoints.checkpoint_folder(model, CHECKPOINT) is None


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_of_the_tested_repository_only_the_tested_revision_counts(hub_cache):
    snapshots = hub_cache / "models--maker--model" / "snapshots"
    fill(snapshots / ("b" * 40), "config.json", "a.bin")
    assert checkpoints.checkpoint_folder("maker/model", CHECKPOINT) is None
    tested = fill(snapshots / ("a" * 40), "config.json", "a.bin")
    assert checkpoints.checkpoint_folder("maker/model", CHECKPOINT) == tested


def test_of_another_repository_main_counts(hub_cache):
    repository = hub_cache / "models--other--model"
    main = fill(repository / "snapshots" / ("c" * 40), "config.json", "a.bin")
    fill(repository / "refs")
    (repository / "refs" / "main").write_text("c" * 40)
    assert checkpoints.checkpoint_folder("other/model", CHECKPOINT) == main
