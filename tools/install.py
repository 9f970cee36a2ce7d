"""Install packages into this environment, as `pip install` would: by uv, which is several times as fast, else by pip.

    python -m tools.install --require-hashes -r requirements.lock

It needs nothing but Python and pip. Where pip's settings (its files and PIP_…) say where packages come from, uv is told
the same; where they say what uv has no word for, or uv cannot be had or fails, pip does it.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / "requirements-installer.txt"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")

# What pip calls it, what uv does, and what stands between several values there.
SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "proxy": ("ALL_PROXY", " "),
}
NOT_FOR_UV = {"cache-dir", "config-file", "disable-pip-version-check", "log", "no-cache-dir", "no-color", "no-input",
              "progress-bar", "quiet", "require-virtualenv", "retries", "root-user-action", "verbose"}  # fmt: skip


def main() -> None:
    wanted = sys.argv[1:]
    variables = uv_variables(pip_settings())
    if variables is not None and (uv := found_uv()) and _by_uv(uv, wanted, variables):
        return
    sys.exit(subprocess.run([*PIP, "install", *wanted], check=False).returncode)


def pip_settings() -> dict[str, str]:
    """The settings of pip for all commands, from its files and the environment; the environment wins."""
    pip = [sys.executable, "-m", "pip", "config", "list"]
    found = {}
    for line in subprocess.run(pip, capture_output=True, text=True, check=True).stdout.splitlines():
        key, _, value = line.partition("=")
        place, _, name = key.rpartition(".")
        if place == ":env:" or (place in ("global", "install") and name not in found):
            found[name] = ast.literal_eval(value)  # ":env:" comes first in pip's list
    return found


def uv_variables(settings: Mapping[str, str]) -> dict[str, str] | None:
    """The environment variables that tell uv what `settings` tell pip; None where there are none for one of them."""
    if not settings.keys() <= SETTINGS.keys() | NOT_FOR_UV:
        return None
    told = {
        SETTINGS[name][0]: SETTINGS[name][1].join(value.split()) for name, value in settings.items() if name in SETTINGS
    }
    # Of all places the best version, as pip does it.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **told}


def found_uv() -> str | None:
    """The path of a uv: on PATH, in this environment, or brought into it; None where none can be had."""
    here = Path(sys.executable).parent / "uv"
    if known := shutil.which("uv") or (str(here) if here.is_file() else None):
        return known
    done = subprocess.run([*PIP, "install", "--require-hashes", "--only-binary=:all:", "-r", str(UV)], check=False)
    return str(here) if done.returncode == 0 and here.is_file() else None


def _by_uv(uv: str, wanted: list[str], variables: Mapping[str, str]) -> bool:
    """Whether uv installed what is wanted. What the environment says to uv itself overrules `variables`."""
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, *wanted]
    if "--require-hashes" in wanted:  # then every version is pinned, and uv takes no constraint that is a range
        variables = {name: value for name, value in variables.items() if name != "UV_CONSTRAINT"}
    try:
        done = subprocess.run(command, check=False, env={**variables, **os.environ})
    except OSError:
        return False
    if done.returncode:
        print("uv could not install it; pip tries it now.", file=sys.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
