"""What the tests of reading a clip have in common."""

import json
import re

import imageio_ffmpeg

import tiktok_to_text
from core.engines import no_report

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


PICTURE = "testsrc2=size=270x480:rate=25"


def read(path, settings, report=no_report):
    return tiktok_to_text.read(path, "en-US", settings, report)


def truth(clip):
    return json.loads(clip.with_suffix(".json").read_text())


def lines(text):
    return [line.casefold() for line in text.on_screen]


def words(text):
    return re.sub(r"[^\w' ]+", " ", text.casefold().replace("-", " ")).split()
