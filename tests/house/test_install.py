"""Installing by uv as pip would, and by pip where uv cannot."""

import re
import sys

import pytest

from settings import ROOT
from tools import install


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A uv and a pip that note what they were told; the exit status of uv is in `uv-status`."""
    for name in ("uv", "pip"):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho {name} "$UV_FIND_LINKS" "$@" >> {tmp_path}/told\n'
                        f"exit $(cat {tmp_path}/{name}-status)\n")  # fmt: skip
        path.chmod(0o755)
        (tmp_path / f"{name}-status").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(install, "PIP", (str(tmp_path / "pip"),))
    monkeypatch.setattr(install, "pip_settings", lambda: {"find-links": "/wheels /more"})
    monkeypatch.setattr(sys, "argv", ["install", "-r", "a.txt"])
    return tmp_path


def told(programs):
    return (programs / "told").read_text().splitlines()


def test_uv_installs_from_where_pip_would(programs):
    install.main()
    (line,) = told(programs)
    assert line == f"uv /wheels,/more pip install --quiet --python {sys.executable} -r a.txt"


def test_where_every_version_is_pinned_uv_is_told_no_constraint(programs, monkeypatch):
    (programs / "uv").write_text(f'#!/bin/sh\necho "constraint:$UV_CONSTRAINT" >> {programs}/told\n')
    monkeypatch.setattr(install, "pip_settings", lambda: {"constraint": "/c.txt"})
    install.main()
    monkeypatch.setattr(sys, "argv", ["install", "--require-hashes", "-r", "a.txt"])
    install.main()
    assert told(programs) == ["constraint:/c.txt", "constraint:"]


def test_pip_installs_what_uv_could_not(programs):
    (programs / "uv-status").write_text("2")
    with pytest.raises(SystemExit) as ended:
        install.main()
    assert ended.value.code == 0
    assert [line.split()[0] for line in told(programs)] == ["uv", "pip"]


def test_a_failure_of_both_is_a_failure(programs):
    for name in ("uv", "pip"):
        (programs / f"{name}-status").write_text("1")
    with pytest.raises(SystemExit) as ended:
        install.main()
    assert ended.value.code == 1


def test_pip_installs_where_its_settings_say_what_uv_has_no_word_for(programs, monkeypatch):
    monkeypatch.setattr(install, "pip_settings", lambda: {"index-url": "https://own/simple", "client-cert": "/a.pem"})
    with pytest.raises(SystemExit):
        install.main()
    assert [line.split()[0] for line in told(programs)] == ["pip"]


def test_where_pip_gets_packages_is_said_in_uvs_words():
    settings = {
        "index-url": "https://own/simple",
        "extra-index-url": "file:///one/simple file:///two/simple",
        "constraint": "/c.txt",
        "cert": "/ca.pem",
        "default-timeout": "60",
        "disable-pip-version-check": "1",
    }
    assert install.uv_variables(settings) == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_DEFAULT_INDEX": "https://own/simple",
        "UV_INDEX": "file:///one/simple file:///two/simple",
        "UV_CONSTRAINT": "/c.txt",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_HTTP_TIMEOUT": "60",
    }


def test_pips_own_files_and_environment_are_what_counts(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://file/simple\n[install]\nfind-links = /wheels\n")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment/simple")
    found = install.pip_settings()
    assert (found["index-url"], found["find-links"].split()[-1]) == ("https://environment/simple", "/wheels")


def test_the_uv_that_is_brought_in_is_the_one_that_makes_the_lock():
    brought = re.search(r"^uv==(\S+)", install.UV.read_text(), re.MULTILINE)
    locking = re.search(r"^uv==(\S+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert brought[1] == locking[1]
