"""What the tests of Google's speech service have in common."""

import re
import subprocess
import threading
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from core.engines import EngineError, no_report
from tiktok_to_text import google
from tiktok_to_text.video_text import SpeechRequest

RATE = 16_000  # samples a second


KEY = "AIza-very-secret-0123456789"


GRACE = 1.5  # seconds that a busy machine may add to a time-out


def ffmpeg(source, target, *options):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-i", source, *options, target]
    subprocess.run(command, check=True, timeout=60)
    return target


def samples_of(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def words(text):
    return re.findall(r"[\w'’-]+", text.casefold())


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("google")]


def sockets():
    """The sockets that this process holds, by the names of their file descriptors."""
    return {file.name for file in Path("/dev/fd").iterdir() if file.is_socket()}


def listen(wav, settings, report=no_report, language="en-US"):
    return google.listen(SpeechRequest(wav, language), settings, report)


def error_of(wav, settings):
    with pytest.raises(EngineError) as failed:
        listen(wav, settings)
    return str(failed.value)
