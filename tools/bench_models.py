"""Measure the three large models at full size with random weights: `make bench-models`. Nothing is downloaded.

Everything is measured in one run on this machine: the plain recipe beside ours, warm, and what the machine allows.
"""

import argparse
import importlib
import os
import tempfile
from pathlib import Path

import utils
from settings import Settings
from tools import measuring

# Each part has `build(folder)`, `use(settings, folder)`, `warm(settings)` and `rows(settings, limits, tokens, rounds)`.
PARTS = {"music": "tools.bench_music", "pictures": "tools.bench_pictures", "language": "tools.bench_llm"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="measure one of the three")
    parser.add_argument("--folder", type=Path, help="keep the checkpoints here for the next run")
    parser.add_argument("--tokens", type=int, default=256, help="that the plain recipe makes (default 256)")
    parser.add_argument("--rounds", type=int, default=3, help="take the best of this many rounds (default 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options, options.folder or Path(folder))


def measure(options, folder):
    parts = [importlib.import_module(PARTS[name]) for name in ([options.only] if options.only else PARTS)]
    settings = Settings.read({"DEVICE": os.environ.get("DEVICE", "auto")})
    found = utils.accelerator(settings)
    limits = measuring.in_fresh_process(measuring.measure_limits, found.device, ("float32", found.dtype))
    speeds = ", ".join(f"{speed / 1e9:.0f} GFLOP/s in {dtype}" for dtype, speed in limits.arithmetic.items())
    print(f"{found.device}, {os.cpu_count()} processors: reads {limits.bandwidth / 1e9:.1f} GB/s, {speeds}")
    print(f"Random weights of full size; best of {options.rounds} rounds.")
    print("Plain: transformers and diffusers in float32, loaded for each request, as their recipes have it.\n")
    measuring.print_heading()
    for part in parts:
        place = folder / part.__name__.rpartition(".")[2]
        if not place.exists():
            measuring.in_fresh_process(part.build, place)
        settings = part.use(settings, place)
        for row in part.rows(settings, limits, options.tokens, options.rounds):
            measuring.print_row(row)
    if len(parts) > 1:
        warm = measuring.in_fresh_process(warm_memory, [part.__name__ for part in parts], settings)
        measuring.print_row(measuring.Row("All models: memory when warm", "GiB", warm))


def warm_memory(names, settings):
    """GiB that a process holds in which every model has been used once."""
    for name in names:
        importlib.import_module(name).warm(settings)
    measuring.give_back_memory()
    return measuring.memory()[0]


if __name__ == "__main__":
    main()
