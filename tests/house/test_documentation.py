"""The documentation says what the code does: every setting, route, command, option, target and module, and no other."""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields, replace

import pytest
from dotenv import dotenv_values

from app import create_app
from settings import ROOT, Settings
from tests import readme
from tiktok_videos import drive
from web import openapi

EXAMPLE = dotenv_values(ROOT / ".env.example")
OPTIONS = {option.name.upper(): option.default for option in fields(Settings)}
NO_LITERAL_DEFAULT = {name for name, default in OPTIONS.items() if default in ("", ())} | {"VIDEO_WORKERS"}
DESCRIPTION = openapi.document()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
# Neither the README nor openapi.json describe what is for people: the front page and the forms of the other pages,
FOR_PAGES = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("POST", "/jobs/<>/again"),
    ("POST", "/jobs/<>/cancel"),
    ("POST", "/jobs/<>/delete"),
    ("POST", "/jobs/<>/name"),
    ("GET", "/jobs/<>/thumbnail.jpg"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
}
# and the files whose addresses stand in results and in pages.
FILES = {
    ("GET", "/clips/<>/<>"),
    ("GET", "/static/generated/<>/<>"),
    ("GET", "/static/<>"),
    ("GET", "/bootstrap/static/<>"),
}


@pytest.fixture
def app(settings):
    app = create_app(settings)
    yield app
    app.extensions["jobs"].close()
    app.extensions["pools"].close()


def documented_defaults():
    """The defaults in the README's table by setting, None where a sentence stands instead of a value."""
    found = {}
    for names, default, *_ in filter(lambda row: len(row) == 3, readme.table("Settings")):
        settings = re.findall(r"`([A-Z][A-Z0-9_]+)`", names)
        if len(settings) == 1:
            literal = re.match(r"`([^`]*)`", default)
            found[settings[0]] = literal and literal[1]
        elif settings:
            values = re.findall(r"`([^`]*)`|none", default)
            found |= dict(zip(settings, values, strict=True))
    return found


def as_written(default):
    if isinstance(default, tuple):
        return ",".join(default)
    return str(int(default)) if isinstance(default, bool) else str(default)


def test_every_setting_stands_in_the_example_and_in_the_readme():
    assert EXAMPLE.keys() == OPTIONS.keys()
    assert documented_defaults().keys() == OPTIONS.keys()


def test_the_example_holds_the_defaults():
    assert Settings.read(EXAMPLE) == Settings.read({})
    assert {name for name, value in EXAMPLE.items() if not value} == NO_LITERAL_DEFAULT


@pytest.mark.parametrize("name", OPTIONS)
def test_the_readme_tells_the_default_of_a_setting(name):
    told, default = documented_defaults()[name], as_written(OPTIONS[name])
    if not told:
        assert name in NO_LITERAL_DEFAULT
    elif told.endswith("…"):
        assert default.startswith(told.removesuffix("…"))
    else:
        assert told == default


def routes(app):
    """Each method and path of the application, with `<>` where something is to be filled in."""
    return {
        (method, re.sub("<[^>]*>", "<>", rule.rule)): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def described():
    """What openapi.json describes, in the same form."""
    methods = {"get", "post", "put", "patch", "delete"}
    return {
        (method.upper(), re.sub("{[^}]*}", "<>", path))
        for path, operations in DESCRIPTION["paths"].items()
        for method in operations.keys() & methods
    }


def test_openapi_json_describes_every_route_for_programs(app):
    assert described() == routes(app).keys() - FOR_PAGES - FILES
    assert routes(app).keys() >= FOR_PAGES | FILES


def test_the_readme_lists_what_openapi_json_describes():
    listed = re.findall(r"`([A-Z]+) (/[^`]+)`", readme.section("The interface"))
    assert {(method, re.sub("<[^>]*>", "<>", path)) for method, path in listed} == described()


def test_what_is_said_to_be_for_the_pages_is_used_by_them(app):
    pages = "".join(path.read_text() for path in (ROOT / "templates").glob("*.html"))
    endpoints = {routes(app)[route] for route in FOR_PAGES}
    assert {endpoint for endpoint in endpoints if f"url_for('{endpoint}'" not in pages} == set()


def properties(name):
    return set(DESCRIPTION["components"]["schemas"][name]["properties"])


def test_the_result_in_the_readme_has_the_fields_of_the_description():
    result = json.loads(next(block for block in readme.blocks("json") if "music_url" in block))
    assert result.keys() == properties("SearchResult")
    assert result["asked"].keys() == properties("Asked")
    assert result["videos"][0].keys() == properties("VideoResult")


def test_the_fields_of_a_search_in_the_readme_are_those_of_the_description():
    told = {found[0] for row in readme.table("The interface") if (found := re.findall(r"^`(\w+)`$", row[0]))}
    assert told == properties("SearchFormWithVideos") == properties("SearchRequest") | {"videos"}


def test_the_folders_of_drive_in_the_readme_can_be_used(settings, tmp_path):
    (example,) = readme.blocks("toml")
    (tmp_path / "folders.toml").write_text(example)
    settings = replace(settings, drive_folders=tmp_path / "folders.toml")
    assert len(drive.folders(settings)) == len(tomllib.loads(example)) > 0


def test_the_readme_names_every_command_of_flask_and_its_options(app):
    told = [command.split() for command in readme.commands() if re.match(r"(?:\.venv/bin/)?flask ", command)]
    options = {
        name: {option for _, named, *words in told if named == name for option in words if option.startswith("--")}
        for _, name, *_ in told
    }
    assert options == {
        name: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        for name, command in app.cli.commands.items()
    }


def test_every_command_of_flask_says_what_it_does(app):
    assert [name for name, command in app.cli.commands.items() if not (command.help or command.short_help)] == []


def test_the_readme_names_every_option_of_init():
    asked = [sys.executable, "init.py", "--help"]
    there = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    section = readme.section("Models: a language model, MusicGen and Stable Diffusion")
    told = " ".join(re.findall(r"init\.py(.*)", section))
    assert set(re.findall(r"--[a-z]+", told)) == set(re.findall(r"--[a-z]+", there)) - {"--help"}


def test_make_help_lists_every_target_and_the_readme_names_it():
    targets = set(re.search(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)[1].split())
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+) +\w", helped, re.MULTILINE)) == targets
    named = {found[1] for command in readme.commands() if (found := re.search(r"\bmake ([a-z-]+)", command))}
    assert named == targets
    guide = re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert set(guide) <= targets


def test_the_readme_lists_every_room():
    layout = readme.section("How it is built")
    packages = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}
    listed = set(re.findall(r"^([a-z_]+(?:\.py|/)) ", layout, re.MULTILINE))
    assert listed >= {path.name for path in ROOT.glob("*.py")} | packages
    assert {name for name in listed if not (ROOT / name).exists()} == set()


def test_the_architecture_names_every_module_and_no_other():
    rows = re.findall(r"^\| `(\w+)` \| (`[^|]*\.py`) \|$", ARCHITECTURE, re.MULTILINE)
    told = {room: set(re.findall(r"`([^`]+)`", modules)) for room, modules in rows}
    modules = {
        room.parent.name: {
            str(path.relative_to(room.parent))
            for path in room.parent.rglob("*.py")
            if path.name != "__init__.py" and path.parent.name != "versions"
        }
        for room in ROOT.glob("*/__init__.py")
    }
    assert told == modules
    assert {path.name for path in ROOT.glob("*.py")} <= set(re.findall(r"`(\w+\.py)`", ARCHITECTURE))


def test_what_the_architecture_points_to_is_there():
    paths = re.findall(r"`((?:\w+/)+\w+\.py)`", ARCHITECTURE)
    assert len(paths) > 5
    assert [path for path in paths if not any((room / path).exists() for room in (ROOT, *ROOT.iterdir()))] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_the_files_that_a_document_points_to_are_there(document):
    text = (ROOT / document).read_text()
    pictures, files = re.findall(r"\]\((?!http)([^)#]+)\)", text), re.findall(r"`([\w-]+\.(?:md|txt|lock|yaml))`", text)
    assert files
    assert [name for name in pictures + files if not (ROOT / name).exists()] == []
