"""What is loaded while nobody waits for it yet."""

import json
import shutil
import subprocess
import sys

import pytest

from settings import ROOT

# A search in a process that is warm; it prints what it had to import nevertheless.
PROGRAM = """
import json, sys
from pathlib import Path
import pipeline
from core.executors import open_pools
from pipeline import Query, health
from settings import Settings

settings = Settings.read(json.loads(sys.argv[1]))
health.warm(settings)
before = set(sys.modules)
result = pipeline.search(Query(("AI",), seed=1), "0" * 32, settings.generated_dir, settings, open_pools(settings))
assert not result.warnings, result.warnings
packages = lambda names: {".".join(name.split(".")[:2]) for name in names}
print(json.dumps(sorted(packages(sys.modules) - packages(before))))
"""


@pytest.mark.slow
def test_the_first_search_of_a_warm_process_imports_no_library(tmp_path, fonts, short_library):
    shutil.copytree(fonts, tmp_path / "drafts" / "fonts")
    settings = {"DATA_DIR": str(tmp_path), "GENERATED_DIR": str(tmp_path / "made"), "VIDEO_LIBRARY": str(short_library)}
    line = [sys.executable, "-c", PROGRAM, json.dumps(settings)]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    packages = {name.partition(".")[0] for name in json.loads(said.stdout)} - sys.stdlib_module_names
    assert packages <= {"PIL", "__mp_main__"}  # Pillow's plug-ins, and the name that a child gives our own program
