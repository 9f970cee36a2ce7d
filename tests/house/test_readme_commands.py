"""The commands of the README do what it says. A new one fails here until it is run, or it is said who runs it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core import provenance
from core.provenance import Maker, Origin
from settings import ROOT
from tests import readme, shared, videos
from tests.core.test_xmp import wav
from tests.servers import environment, serving

PROGRAMS = Path(sys.executable).parent
SERVE, ELSEWHERE = "make run", "PORT=8890 make run"
CLEAN = "make clean"
CHECK, PRUNE = ".venv/bin/flask check", ".venv/bin/flask prune"
PROVENANCE = ".venv/bin/flask provenance FILE"
SEARCHES = (
    'make search TAGS="AI MachineLearning"',
    ".venv/bin/flask search TAGS --seconds 10 --seed 7 --language en-US --video",
)
MODELS = (".venv/bin/python init.py", ".venv/bin/python init.py --check")
ASK = """curl -s -X POST localhost:8888/search -H 'content-type: application/json' -d '{"tags":["AI"]}'"""
RUN_HERE = {SERVE, ELSEWHERE, CLEAN, CHECK, PRUNE, PROVENANCE, *SEARCHES, *MODELS, ASK}
# Where, and the line that does it.
RUN_ELSEWHERE = {
    "make help": ("tests/house/test_documentation.py", '["make", "help"]'),
    "make test": (".ci/run", "make test"),
    "make attack ROUND=short": (".ci/run", "make attack ROUND=short"),
    "make image": (".ci/run", "make image"),
    "apt-get install buildah mmdebstrap": (".ci/run", "install buildah mmdebstrap"),
    ".venv/bin/flask check --public": ("tests/web/test_exposure.py", '["check", "--public"]'),
    ".venv/bin/flask key add NAME": ("tests/web/test_exposure.py", '["key", "add", '),
    ".venv/bin/flask key list": ("tests/web/test_exposure.py", '["key", "list"]'),
    ".venv/bin/flask key revoke NAME": ("tests/web/test_exposure.py", '["key", "revoke", '),
    # `make image` does without Docker what Docker is told here: it builds the Dockerfile, runs what is built, stops it.
    "docker build -t trendtok-studio .": ("tools/image.py", '"buildah", "bud"'),
    "docker run -p 8888:8888 trendtok-studio": ("tools/try_image.py", "live(image, "),
    "docker run -p 8888:8888 --env-file .env -v trendtok-data:/data -v trendtok-models:/models trendtok-studio": (
        "tools/try_image.py",
        "live_with_env_file(image, ",
    ),
    "docker stop": ("tools/try_image.py", "os.kill(container.pid, signal.SIGTERM)"),
}
# Nobody but a person. What is said to Docker is compared with the Dockerfile by tests/house/test_container_files.py.
NOT_RUN = {
    "make quick": "is a part of make test",
    "make attack": "takes an hour; its parts are in make test and in the short round",
    "make lock": "asks a package index; the test of the container's files checks the lock",
    "make bench": "needs a quiet machine",
    "make bench-models": "needs a quiet machine and 19 GB",
    "make bench-cluster": "needs a quiet machine",
    ".venv/bin/pip install -r requirements-openvino.txt": "installed from requirements-dev.txt, which names the same",
    "make cluster": "runs until it is stopped; tests/cluster/test_make_cluster.py runs what it runs",
    ".venv/bin/flask worker --name NAME --memory-mb 16000 --no-device --cold": "by its options in tests/clusters.py",
    "make run PYTHON=python3.11": "makes another environment",
    "chown 10001 my-data": "needs root",
    "docker compose up": "needs Docker",
    "docker run --rm -v trendtok-models:/models trendtok-studio python init.py": "downloads 9 GB",
    'docker run -p 8888:8888 -v "$PWD/my-videos:/videos:ro" -e VIDEO_LIBRARY=/videos trendtok-studio': "needs Docker",
    "docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 -t trendtok-studio:cuda .": "a GPU",
    "docker run --gpus all …": "needs a GPU",
}


def here(command):
    """A command of the README with the programs of this environment, which must not be installed again."""
    command = re.sub(r"\bmake\b", f"make -o .venv/installed BIN='{PROGRAMS}'", command)
    return command.replace(".venv/bin/", f"'{PROGRAMS}'/")


def run(command, folder, **chosen):
    shared.readings(folder / "data")
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
    """The address of a studio that the README's command serves, on a port that is free."""
    command = ["sh", "-c", f"exec env {here(ELSEWHERE).replace('8890', '$PORT')}"]
    with serving(tmp_path_factory.mktemp("studio"), command, VIDEO_LIBRARY=small_library) as address:
        yield address


def test_every_command_of_the_readme_is_run_or_it_is_said_why_not():
    assert set(readme.commands()) == RUN_HERE | RUN_ELSEWHERE.keys() | NOT_RUN.keys()


@pytest.mark.parametrize("command", RUN_ELSEWHERE)
def test_what_is_said_to_be_run_elsewhere_is_run_there(command):
    file, line = RUN_ELSEWHERE[command]
    assert line in (ROOT / file).read_text()


def test_make_clean_leaves_what_the_studio_made(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (".venv/bin/python", ".mypy_cache/one", "instance/studio.db", "static/generated/one/music.wav"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    subprocess.run(CLEAN.split(), cwd=tmp_path, check=True, capture_output=True)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"Makefile", "instance/studio.db", "static/generated/one/music.wav"}


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
    draft = [f"draft.{kind}" for kind in ("jpg", "json", "mp4", "srt", "vtt")] if "--video" in command else []
    assert [name for name in made if name != "script.txt"] == [*draft, "image.png", "music.mid", "music.wav"]
    if draft:
        assert videos.facts(tmp_path / "generated" / result["id"] / "draft.mp4").size == (1080, 1920)


@pytest.mark.slow
def test_flask_check_prints_a_line_for_each_service_and_model(tmp_path):
    done = run(CHECK, tmp_path, SPEECH_ENGINES="", SUMMARY_ENGINES="", VIDEO_SOURCES="")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(re.search(r": (?:ready|not configured\. .+)$", line) for line in lines), lines
    assert {line.split(":")[0] for line in lines} >= {"videos from library", "speech by google", "summary by llama"}


@pytest.mark.slow
def test_flask_provenance_says_what_a_file_claims(tmp_path, settings):
    marked = provenance.mark(wav(), "music.wav", Origin((Maker("MusicGen", True),), 7), settings)
    (tmp_path / "music.wav").write_bytes(marked.data)
    done = run(PROVENANCE.replace("FILE", f"'{tmp_path}/music.wav'"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "content credentials: valid, signer unknown"
    assert "source type: trainedAlgorithmicMedia" in done.stdout
    missing = run(PROVENANCE.replace("FILE", "none.wav"), tmp_path)
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr


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
    assert done.stderr.count("The built-in engine stays in use.") == 3, done.stderr
    assert "Traceback" not in done.stderr
