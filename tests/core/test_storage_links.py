"""When a link ends, which moto does not look at; s3rver, to be installed by npm, does. Neither looks at signatures."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from core import objects, storage
from core.storage import Unreachable
from tools.waiting import free_port, until

PROGRAM = shutil.which("s3rver")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="s3rver is not installed: npm install --global s3rver@3.7.1")
KEY = "S3RVER"  # both the key and the secret that it knows


@pytest.fixture
def stored(settings, tmp_path):
    """Settings of a studio that keeps its files in s3rver."""
    port = free_port()
    folders = ["--directory", str(tmp_path / "store"), "--configure-bucket", "studio"]
    server = subprocess.Popen([PROGRAM, "--address", "127.0.0.1", "--port", str(port), "--silent", *folders])
    chosen = {
        "storage_url": "s3://studio/prefix",
        "storage_endpoint": f"http://127.0.0.1:{port}",
        "storage_links": True,
        "storage_timeout": 5,
        "aws_access_key_id": KEY,
        "aws_secret_access_key": KEY,
    }
    there = replace(settings, **chosen)
    until(lambda: _answers(there))
    yield there
    server.kill()
    server.wait()


def _answers(settings):
    try:
        storage.reach(replace(settings, storage_timeout=1))
    except Unreachable:
        return False
    return True


def status(address):
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_link_ends(stored):
    storage.put("generated/1/music.wav", b"made", stored)
    link = objects.link("generated/1/music.wav", 2, stored)
    assert status(link) == 200
    time.sleep(3)
    assert status(link) == 403
