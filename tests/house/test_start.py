"""What the studio imports before its first page."""

import subprocess
import sys

from settings import ROOT


def test_the_first_page_waits_for_no_stage_and_no_large_library():
    late = ("summariser", "music_gen", "animate_text", "trend_insights", "numpy", "scipy", "cv2", "torch", "requests",
            "cryptography", "transformers", "moviepy")  # fmt: skip
    code = f"""
import sys, threading, app
client = app.create_app().test_client()
assert client.get("/").status_code == 200
print([name for name in {late} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
