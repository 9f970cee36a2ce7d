"""The studio's own process with small frames: `python -m tests.small_studio` in the place of `python app.py`."""

import app
from tests.small_frames import shrink

if __name__ == "__main__":
    shrink()
    app.serve()
