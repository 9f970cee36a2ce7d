"""Builds the container image on a Linux machine without a container engine, as root: `make image`.

Needs mmdebstrap, which makes the base out of Debian's packages, and buildah. The settings that pip has on this machine
hold for the build too; they go in as volumes, so that none of them stays in the image.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from tools.install import pip_settings

ROOT = Path(__file__).resolve().parent.parent
BASE = "localhost/trendtok-base"
IMAGE = "localhost/trendtok-studio"
BASE_PACKAGES = "python3,python3-venv,ca-certificates"  # what python:3.11-slim has of use to the studio
APT_NETWORK = re.compile(r"Acquire::(https?|Check-|Retries)", re.IGNORECASE)
NOT_FOR_THE_BUILD = {"config-file", "cache-dir", "log"}  # settings of pip
# None of these may get into the image. They are laid into the copy of the tree that it is built from.
DECOYS = (
    ".env",
    ".env.local",
    ".git/config",
    "instance/studio.db",
    "static/generated/0/image.png",
    "templates/.env",
    "tiktok_videos/service-account.json",
    "app/__pycache__/app.pyc",
    "music_gen/__pycache__/composer.pyc",
)


def main():
    missing = [program for program in ("buildah", "mmdebstrap") if not shutil.which(program)]
    if missing or os.geteuid():
        sys.exit("make image needs root, buildah and mmdebstrap: apt-get install buildah mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="trendtok-image-") as scratch:
        folder = Path(scratch)
        if subprocess.run(["buildah", "inspect", BASE], capture_output=True, check=False).returncode:
            _timed(f"{BASE} out of Debian's packages", lambda: make_base(folder))
        _timed(f"{IMAGE} on it", lambda: build(folder))


def make_base(scratch: Path) -> None:
    """Make the base image: Debian bookworm with Python 3.11 and nothing else."""
    (scratch / "base").mkdir()
    options = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout.splitlines()
    apt = [f"--aptopt={option}" for option in options if APT_NETWORK.match(option)]
    apt.append('--aptopt=APT::Install-Recommends "false"')
    target = ["bookworm", scratch / "base/base.tar"]
    _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={BASE_PACKAGES}", *apt, *target)
    (scratch / "base/Dockerfile").write_text('FROM scratch\nADD base.tar /\nCMD ["python3"]\n')
    _run("buildah", "bud", "--quiet", "--isolation", "chroot", "--tag", BASE, scratch / "base")


def build(scratch: Path) -> None:
    """Build the Dockerfile of this tree, with what a careless user has lying in it."""
    context = scratch / "context"
    for name in files_of_the_tree():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, context / name)
    for name in DECOYS:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text("SECRET=this must not be in the image\n")
    volumes = [f"--volume={outside}:{inside}:ro" for outside, inside in pip_volumes(scratch)]
    # HEALTHCHECK is in Docker's format of an image only.
    how = ["--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={BASE}", *volumes]
    _run("buildah", "bud", *how, "--tag", IMAGE, context)


def files_of_the_tree() -> list[str]:
    """The paths of all files in this working tree that git does not ignore."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def pip_volumes(scratch: Path) -> list[tuple[Path, str]]:
    """What to mount where for pip to work in the build as it works here: (path here, path in the build).

    Local indexes, folders of wheels and certificates get other paths in there, and a `pip.conf` that names those.
    """
    volumes, lines = [], ["[global]"]
    for name, value in pip_settings().items():
        if name in NOT_FOR_THE_BUILD:
            continue
        words = [_inside(word, volumes) for word in value.split()]
        lines.append(f"{name} = {' '.join(words)}")
    config = scratch / "pip.conf"
    config.write_text("\n".join(lines) + "\n")
    return [*volumes, (config, "/etc/pip.conf")]


def _inside(word, volumes):
    """Note the local path that a word of pip's settings names, and return the word as it is to be in the build."""
    is_index = word.startswith("file://")
    path = Path(urlsplit(word).path if is_index else word)
    if not path.is_absolute() or not path.exists():
        return word
    shared = path.parent if is_index else path  # the pages of an index name files beside it
    place = f"/mnt/{len(volumes)}"
    volumes.append((shared.resolve(), place))
    return f"file://{place}/{path.name}" if is_index else place


def _timed(what, work):
    print(f"Making {what}", flush=True)
    start = time.monotonic()
    work()
    print(f"Made {what} in {time.monotonic() - start:.0f} s", flush=True)


def _run(*command):
    subprocess.run([str(word) for word in command], check=True)


if __name__ == "__main__":
    main()
