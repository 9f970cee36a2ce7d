"""The rules of the house that import-linter, which knows packages only, cannot check on single modules."""

import ast
import subprocess
import sys

import pytest

from settings import ROOT

PACKAGES = ["tiktok_videos", "tiktok_to_text", "summariser", "music_gen", "animate_text"]
LAYERS = [
    ["app", "init"],
    ["problems", "commands"],
    ["jobs", "asking"],
    ["retention"],
    ["recorder", "history"],
    ["pipeline"],
    PACKAGES,
    ["pools", "engines", "embeddings", "utils", "store", "feeds", "metrics", "logs", "takeaway", "downloads"],
    ["settings"],
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
HEAVY = {"torch", "diffusers", "transformers", "faster_whisper", "cv2"}
SOURCES = [
    path
    for path in sorted(ROOT.glob("*.py"))
    + [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    if path.stem in RANK or path.parent.name in PACKAGES
]


def imported(tree):
    """The top-level names that a piece of code imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def home(path):
    return path.stem if path.parent == ROOT else path.parent.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path):
    own = home(path)
    above = {name for name in imported(ast.parse(path.read_text())) if RANK.get(name, len(LAYERS)) < RANK[own]}
    assert not above, f"{own} imports {above}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_inside_loaders(path):
    module_level = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not HEAVY & set(imported(ast.Module(module_level, [])))


def test_the_application_starts_without_any_heavy_library():
    code = f"import sys, app; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
