"""The rules of the house that import-linter, which knows packages only, cannot check on the single modules."""

import ast
import os
import subprocess
import sys
import tomllib

import pytest

from settings import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LAYERS = [
    ["app", "init"],
    *(layer.split(" | ") for layer in CONTRACTS["contracts"][0]["layers"]),
    ["utils"],
    ["settings"],
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
PACKAGES = CONTRACTS["root_packages"]
MODULES = ["app", "init", "utils", "settings"]
HEAVY = {"torch", "diffusers", "transformers", "faster_whisper", "cv2"}
SOURCES = [ROOT / f"{name}.py" for name in MODULES] + [
    file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))
]
MAX_LINES = 350
TOOLS = sorted((ROOT / "tools").rglob("*.py"))


def imported(tree):
    """The top-level names that a piece of code imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_every_python_file_at_the_top_is_in_a_layer():
    top = {path.stem for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert top - {"tests", "tools"} == set(RANK)
    assert sorted(PACKAGES) == sorted(set(RANK) - set(MODULES))


@pytest.mark.parametrize("name", MODULES)
def test_the_single_modules_import_only_what_is_below_them(name):
    names = set(imported(ast.parse((ROOT / f"{name}.py").read_text())))
    assert not {other for other in names if RANK.get(other, len(LAYERS)) < RANK[name]}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_the_single_modules_above_it(path):
    assert not {"app", "init"} & set(imported(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_inside_loaders(path):
    module_level = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not HEAVY & set(imported(ast.Module(module_level, [])))


@pytest.mark.parametrize("path", [*SOURCES, *TOOLS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_but_the_tests_imports_the_tests_and_the_studio_no_tool(path):
    above = {"tests"} if path in TOOLS else {"tests", "tools"}
    assert not above & set(imported(ast.parse(path.read_text())))


def test_the_application_starts_without_any_heavy_library():
    code = f"import sys, app; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_no_file_of_code_is_longer_than_a_reader_keeps_in_mind():
    pages = ("tests/**/*.py", "static/*.css", "static/js/*.js", "templates/*.html")
    code = [*SOURCES, *TOOLS, *(path for pattern in pages for path in ROOT.glob(pattern))]
    assert len({path.suffix for path in code}) == 4
    assert [str(path) for path in code if len(path.read_text().splitlines()) > MAX_LINES] == []


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests")
def test_the_tests_of_a_file_run_in_one_process(request):
    """Else each makes anew what they share. pytest-xdist reads the group from a test's name."""
    assert request.node.nodeid.endswith("@house/test_architecture.py")
