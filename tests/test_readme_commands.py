"""The commands of the README do what it says. A new one fails here until it is run, or it is said who runs it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import readme
from servers import environment, serving

from settings import ROOT

PROGRAMS = Path(sys.executable).parent
SERVE = "make run"
CHECK, PRUNE = ".venv/bin/flask check", ".venv/bin/flask prune"
SEARCHES = (
    'make search TAGS="AI MachineLearning"',
    ".venv/bin/flask search TAGS --seconds 10 --seed 7 --language en-US",
)
MODELS = (".venv/bin/python init.py", ".venv/bin/python init.py --check")
ASK = """curl -s -X POST localhost:8888/search -H 'content-type: application/json' -d '{"tags":["AI"]}'"""
RUN_HERE = {SERVE, CHECK, PRUNE, *SEARCHES, *MODELS, ASK}
RUN_BY_OTHERS = {
    "make help": "tests/test_documentation.py",
    "make test": ".ci/run",
    "make image": ".ci/run",
    "make lock": "a person, when requirements.txt has changed; tests/test_container_files.py checks the lock",
    "make bench": "a person, on a quiet machine",
    "make bench-models": "a person, on a quiet machine",
    "make clean": "a person; it would take the tests' own environment away",
    "make run PYTHON=python3.11": "a person: it makes another environment",
    "PORT=8890 make run": "the fixture `studio`, on another port",
    # What Docker is told here, `make image` does without it: it builds the Dockerfile, then runs what is built.
    "docker build -t trendtok-studio .": "make image",
    "docker run -p 8888:8888 trendtok-studio": "make image",
    "docker run -p 8888:8888 --env-file .env -v trendtok-data:/data -v trendtok-models:/models trendtok-studio": (
        "make image"
    ),
    "docker run --rm -v trendtok-models:/models trendtok-studio python init.py": "a person: it downloads 5 GB",
    'docker run -p 8888:8888 -v "$PWD/my-videos:/videos:ro" -e VIDEO_LIBRARY=/videos trendtok-studio': "make image",
    "docker compose up": "tests/test_container_files.py reads compose.yaml",
    "docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 -t trendtok-studio:cuda .": (
        "a person with a GPU"
    ),
    "docker run --gpus all …": "a person with a GPU",
    "docker stop": "make image sends what it sends",
    "chown 10001 my-data": "tests/test_container_files.py checks that the user is the image's",
    "apt-get install buildah mmdebstrap": ".ci/run installs them and more",
}


def here(command):
    """A command of the README with the programs of this environment, which must not be installed again."""
    command = re.sub(r"\bmake\b", f"make -o .venv/installed BIN='{PROGRAMS}'", command)
    return command.replace(".venv/bin/", f"'{PROGRAMS}'/")


def run(command, folder, **chosen):
    return subprocess.run(
        ["sh", "-c", here(command)],
        check=False,
        cwd=ROOT,
        env=environment(folder, **chosen),
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def studio(tmp_path_factory, small_library):
    """The address of a studio that the README's command serves."""
    command = ["sh", "-c", f"exec {here(SERVE)}"]
    with serving(tmp_path_factory.mktemp("studio"), command, VIDEO_LIBRARY=small_library) as address:
        yield address


def test_every_command_of_the_readme_is_run_by_somebody():
    assert set(readme.commands()) == RUN_HERE | RUN_BY_OTHERS.keys()


def test_who_is_said_to_run_a_command_is_there():
    ci = (ROOT / ".ci" / "run").read_text()
    assert all(
        re.search(rf"^ *{command}$", ci, re.MULTILINE) for command, who in RUN_BY_OTHERS.items() if who == ".ci/run"
    )
    named = re.findall(r"tests/\w+\.py", " ".join(RUN_BY_OTHERS.values()))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.slow
def test_the_studio_that_make_serves_answers_curl(studio):
    if not shutil.which("curl"):
        pytest.skip("There is no curl (apt-get install curl).")
    command = ASK.replace("localhost:8888", studio.removeprefix("http://"))
    assert command != ASK
    answered = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    result = json.loads(answered.stdout)
    assert result["asked"]["tags"] == ["AI"]
    assert result["summary"]
    assert result["music_url"]
    assert result["image_url"]


@pytest.mark.slow
@pytest.mark.parametrize("command", SEARCHES)
def test_a_search_in_the_terminal_prints_its_result_as_json(command, tmp_path, small_library):
    done = run(command.replace(" TAGS ", " AI "), tmp_path, VIDEO_LIBRARY=small_library)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["asked"]["tags"][0] == "AI"
    assert result["warnings"] == []
    made = sorted(path.name for path in (tmp_path / "generated" / result["id"]).iterdir())
    assert made == ["image.png", "music.mid", "music.wav"]


@pytest.mark.slow
def test_flask_check_prints_a_line_for_each_service_and_model(tmp_path):
    done = run(CHECK, tmp_path, SPEECH_ENGINES="", SUMMARY_ENGINES="", VIDEO_SOURCES="")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(re.search(r": (?:ready|not configured\. .+)$", line) for line in lines), lines
    assert {line.split(":")[0] for line in lines} >= {"videos from library", "speech by google", "summary by llama"}


@pytest.mark.slow
def test_flask_prune_says_how_much_it_removed(tmp_path):
    done = run(PRUNE, tmp_path)
    assert (done.returncode, done.stdout) == (0, "Removed 0 searches.\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", MODELS)
def test_with_no_network_init_says_so_and_the_built_in_engines_stay_in_use(command, tmp_path):
    nowhere = {"HF_HOME": tmp_path / "hub", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = run(command, tmp_path, **nowhere)
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("The built-in engine stays in use.") == 2, done.stderr
    assert "Traceback" not in done.stderr
