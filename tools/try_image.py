"""Tries the container image that `tools/image.py` built, without a container engine, as root: `make image`.

Runs it as `docker run --read-only --cap-drop ALL --security-opt no-new-privileges` would: its own process, mount, IPC
and host name space; the root file system read-only, with not even a /tmp to write to; two volumes. This script and the
container share a network that has nothing but a loopback device: start it under `unshare --net`.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

from tools.image import DECOYS, IMAGE, ROOT, files_of_the_tree
from tools.services.llama import ABOUT_AI, ANSWER_ABOUT_AI, Llama

PORT = 8888
STUDIO = f"http://127.0.0.1:{PORT}"
START_SECONDS = 120
SEARCH_SECONDS = 300
STOP_SECONDS = 10  # what `docker stop` waits for by default
STOPPED_MIDWAY = {"tags": ["Foodie"], "seconds": 60, "seed": 3}
BUILD_TOOLS = ("gcc", "cc", "g++", "ld", "make", "pip", "git")
CACHES = ("root/.cache", "data/.cache", "var/lib/apt/lists/*_*", "var/cache/apt/*.bin", "var/cache/apt/archives/*.deb")
# Mounts as Docker makes them, then: no capability, no way to one, the image's own user and nothing of this environment.
ENTER = """
set -e
root=$1 volumes=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir -m 1777 "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount --bind "$volumes/data" "$root/data"
mount --bind "$volumes/models" "$root/models"
mount -t tmpfs -o remount,ro,mode=755 tmpfs "$root/dev"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups \\
  --bounding-set=-all --inh-caps=-all --no-new-privs env -i "$@"
"""
IMPORTS = """
import ctranslate2, cv2, diffusers, faster_whisper, googleapiclient.discovery, midirenderer, onnxruntime, pretty_midi
import rapidocr_onnxruntime, scipy, speech_recognition, torch, transformers
import imageio_ffmpeg, subprocess
from huggingface_hub.constants import HF_HUB_CACHE
subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-version"], check=True, capture_output=True)
googleapiclient.discovery.build("drive", "v3", static_discovery=True, developerKey="none")
assert HF_HUB_CACHE == "/models/hub", HF_HUB_CACHE
open("/models/x", "w"), open("/data/x", "w")
print("PyTorch", torch.__version__, "OpenCV", cv2.__version__)
"""
TRESPASS = """
import os
for place in ("/", "/studio", "/studio/static", "/opt/studio", "/tmp", "/etc"):
    try:
        open(os.path.join(place, "x"), "w")
    except OSError as error:
        print(place, error.strerror, end="; ")
    else:
        raise SystemExit(place + " can be written to")
"""


@dataclass(frozen=True)
class Image:
    root: Path  # where its file system is mounted
    config: dict  # Docker's: Env, User, Entrypoint, Cmd, Healthcheck, Volumes, WorkingDir


@dataclass(frozen=True)
class Container:
    image: Image
    pid: int  # of its first process, as seen from here
    outer: subprocess.Popen
    log: Path  # what it has written to its output


def main():
    _raise_loopback()
    with mounted() as image, tempfile.TemporaryDirectory(prefix="trendtok-volumes-") as folder:
        look_into(image)
        live(image, _volumes(Path(folder, "one"), image))
        live_with_env_file(image, _volumes(Path(folder, "two"), image))
        weigh(image)


@contextmanager
def mounted() -> Iterator[Image]:
    """The image, mounted for the length of a `with`."""
    config = json.loads(_output("buildah", "inspect", "--type", "image", IMAGE))["Docker"]["config"]
    container = _output("buildah", "from", "--pull-never", IMAGE)
    try:
        yield Image(Path(_output("buildah", "mount", container)), config)
    finally:
        _output("buildah", "rm", container)


def look_into(image: Image) -> None:
    """Check what is in the image and what it is told to do."""
    _check("it has a user that is not root", image.config["User"].split(":")[0] not in ("", "0", "root"))
    _check("it has a HEALTHCHECK", image.config["Healthcheck"]["Test"][0] == "CMD")
    _check("its volumes are /data and /models", set(image.config["Volumes"]) == {"/data", "/models"})
    inside = {str(path.relative_to(image.root / "studio")) for path in (image.root / "studio").rglob("*")}
    strange = {name for name in inside if (image.root / "studio" / name).is_file()} - set(files_of_the_tree())
    _check(f"no .env, key or cache came along, nor any other of {len(DECOYS)} decoys", not strange, strange)
    tools = [tool for tool in BUILD_TOOLS for folder in ("usr/bin", "opt/studio/bin") if _there(image, folder, tool)]
    _check("it has no compiler and no pip", not tools, tools)
    caches = [path for pattern in CACHES for path in image.root.glob(pattern)]
    _check("it has no caches of apt and pip", not caches, caches)


def live(image: Image, volumes: Path) -> None:
    """Start it with nothing set, search, stop it during another search, start it again, and look for both."""
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with running(image, volumes) as container:
        _look_at_rights(container)
        _check_inside(container, "every library loads", IMPORTS)
        first = _search_twice(visitor)
        files = {kind: _get(visitor, first[kind]) for kind in ("music_url", "image_url")}
        _check("the music is a WAV file", files["music_url"][:4] == b"RIFF")
        _check("the picture is a PNG file", files["image_url"][:4] == b"\x89PNG")
        pages = ["/", "/openapi.json", "/metrics", f"/jobs/{first['id']}", first["videos"][0]["url"]]
        _check("pages, API description, metrics and clips are served", all(_get(visitor, page) for page in pages))
        second = _post(visitor, STOPPED_MIDWAY, Prefer="respond-async")
        _wait(lambda: _job(visitor, second["id"])["state"] == "running", 30, "the second search begins")
        _stop(container)
    with running(image, volumes):
        _check("the first search is still there", _job(visitor, first["id"])["result"] == _shown(first))
        _check("so are its files", all(_get(visitor, first[kind]) == content for kind, content in files.items()))
        in_history = {one["id"] for one in json.loads(_get(visitor, "/history"))}
        _check("both are in the visitor's history", in_history >= {first["id"], second["id"]}, in_history)
        _wait(lambda: _job(visitor, second["id"])["state"] == "done", SEARCH_SECONDS, "the second search goes on")


def live_with_env_file(image: Image, volumes: Path) -> None:
    """Start it with the settings of .env.example, meant for the machine outside, and a service that is set up."""
    visitor = urllib.request.build_opener()
    with Llama(lambda _: ANSWER_ABOUT_AI, key="a key") as llama:
        lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line]
        env = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        env |= {"HOST": "127.0.0.1", "DATA_DIR": "instance", "LLAMA_API_KEY": "a key", "LLAMA_API_URL": llama.url}
        with running(image, volumes, env):
            found = _post(visitor, {"tags": ["AI"]})
            _check("with an .env the service answers", found["engines"]["summary"] == "llama", found["engines"])
            _check("the result is the service's", found["summary"] == ABOUT_AI, found["summary"])


def weigh(image: Image) -> None:
    """Print the image's size and what it is made of, in MB."""
    packages = sorted(_sizes(*(image.root / "opt/studio/lib/python3.11/site-packages").iterdir()), reverse=True)
    parts = _sizes(image.root, image.root / "opt/studio", image.root / "studio")
    whole, environment, studio = (size for size, _ in parts)
    print(
        f"The image has {whole:.0f} MB: Debian and Python {whole - environment - studio:.0f}, the studio {studio:.0f},"
    )
    print(f"Python packages {environment:.0f}: " + ", ".join(f"{path.name} {size:.0f}" for size, path in packages[:14]))


@contextmanager
def running(image: Image, volumes: Path, env: Mapping[str, str] | None = None) -> Iterator[Container]:
    """A container of the image that its HEALTHCHECK calls healthy. `env` is what `--env-file` would give it."""
    with tempfile.NamedTemporaryFile("ab") as output:
        container = _start(image, volumes, env, output)
        try:
            _wait_for_health(container)
            yield container
        except BaseException:
            print(container.log.read_text(errors="replace"), file=sys.stderr)
            raise
        finally:
            with suppress(ProcessLookupError):
                os.kill(container.pid, signal.SIGKILL)
            container.outer.wait()


def _start(image, volumes, env, output):
    user = image.config["User"].split(":")[0]
    command = _environment(image, env) + image.config["Entrypoint"] + image.config["Cmd"]
    spaces = ["--mount", "--pid", "--ipc", "--uts", "--propagation", "private", "--fork"]
    entered = ["sh", "-c", ENTER, "sh", image.root, volumes, user, *command]
    outer = subprocess.Popen(["unshare", *spaces, *entered], stdout=output, stderr=output)
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    _wait(lambda: children.read_text().split(), 10, "a process starts", quiet=True)
    return Container(image, int(children.read_text().split()[0]), outer, Path(output.name))


def _wait_for_health(container):
    began = time.monotonic()
    health = container.image.config["Healthcheck"]["Test"][1:]
    ended = container.outer.poll
    _wait(
        lambda: ended() is not None or _inside(container, *health).returncode == 0,
        START_SECONDS,
        "its HEALTHCHECK passes",
        quiet=True,
    )
    _check(f"its HEALTHCHECK passes after {time.monotonic() - began:.1f} s", ended() is None, f"it ended: {ended()}")


def _look_at_rights(container):
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{container.pid}/status").read_text().splitlines())
    user = container.image.config["User"].split(":")[0]
    _check(f"it runs as user {user}", set(status["Uid"].split()) == {user})
    _check("it has no capability", all(int(status[kind], 16) == 0 for kind in ("CapEff", "CapPrm", "CapBnd", "CapInh")))
    _check("it can gain none", status["NoNewPrivs"] == "1")
    _check_inside(container, "it can write nowhere but to its volumes", TRESPASS)
    _check("its log goes to its output", "TrendTok Studio is ready" in container.log.read_text())


def _search_twice(visitor):
    """Search, print how long it took, and once more with the models loaded; return the first result."""
    results = []
    for what, tag in (("first search", "AI"), ("another search", "OOTD")):
        began = time.monotonic()
        results.append(_post(visitor, {"tags": [tag]}))
        engines = ", ".join(f"{stage} by {engine}" for stage, engine in results[-1]["engines"].items())
        print(f"     {what}: {time.monotonic() - began:.1f} s ({engines})")
        _check("it has no warnings", not results[-1]["warnings"], results[-1]["warnings"])
        _check("it has a summary", bool(results[-1]["summary"]))
    return results[0]


def _stop(container):
    began = time.monotonic()
    os.kill(container.pid, signal.SIGTERM)
    try:
        code = container.outer.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    _check(f"SIGTERM stopped it in {time.monotonic() - began:.1f} s, during a search", code == 0, f"exit status {code}")


def _environment(image, env=None):
    """The options of `env` that give a process of the image its folder and its variables."""
    pairs = dict(pair.split("=", 1) for pair in image.config["Env"]) | {"HOME": "/data"} | dict(env or {})
    return [f"--chdir={image.config['WorkingDir']}", *(f"{name}={value}" for name, value in pairs.items())]


def _inside(container, *command):
    """Run a command in a container as its user, like `docker exec`."""
    user = container.image.config["User"].split(":")[0]
    spaces = ["nsenter", f"--target={container.pid}", "--mount", "--pid", "--ipc", "--uts", "--root"]
    rights = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
    whole = [*spaces, *rights, "env", "-i", *_environment(container.image), *command]
    return subprocess.run(whole, check=False, capture_output=True, text=True, timeout=START_SECONDS)


def _check_inside(container, what, code):
    done = _inside(container, "python", "-c", code)
    _check(f"{what} ({done.stdout.strip()})", done.returncode == 0, done.stderr)


def _volumes(folder, image):
    """Two new volumes, owned as the image's own folders are: so does Docker make them."""
    for name in ("data", "models"):
        owner = (image.root / name).stat()
        (folder / name).mkdir(parents=True)
        os.chown(folder / name, owner.st_uid, owner.st_gid)
    return folder


def _post(visitor, asked, **headers):
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    request = urllib.request.Request(f"{STUDIO}/search", json.dumps(asked).encode(), headers)  # noqa: S310 http
    with visitor.open(request, timeout=SEARCH_SECONDS) as response:
        return json.load(response)


def _get(visitor, path):
    request = urllib.request.Request(STUDIO + path, headers={"Accept": "application/json"})  # noqa: S310 http
    with visitor.open(request, timeout=30) as response:
        return response.read()


def _job(visitor, job_id):
    return json.loads(_get(visitor, f"/jobs/{job_id}"))


def _there(image, folder, name):
    return os.path.lexists(image.root / folder / name)


def _sizes(*paths: Path) -> Sequence[tuple[float, Path]]:
    """What each path takes on disk, in MB."""
    lines = [_output("du", "--summarize", "--block-size=1000", path).split() for path in paths]
    return [(int(line[0]) / 1000, path) for line, path in zip(lines, paths, strict=True)]


def _wait(reached, seconds, what, quiet=False):
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            _check(f"{what} within {seconds} s", False)
        time.sleep(0.2)
    if not quiet:
        _check(what, True)


def _shown(answer):
    """A search's answer without the token that only its maker is told."""
    return {name: value for name, value in answer.items() if name != "token"}


def _check(what, holds, otherwise=""):
    print(f"{'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": {otherwise}"), flush=True)
    if not holds:
        sys.exit(1)


def _raise_loopback():
    """A new network has its loopback device down (netdevice(7): SIOCSIFFLAGS, IFF_UP)."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 1))


def _output(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
