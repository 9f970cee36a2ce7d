"""What marking costs a file, and how well the watermark is found: 10 s of music, a cover, a film."""

import io
import subprocess
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

import animate_text
import music_gen
from animate_text import PictureRequest
from core import picture_watermark, provenance, sound_watermark, watermark
from core.provenance import Maker, Origin
from music_gen import MusicRequest
from settings import ROOT, Settings

ORIGIN = Origin((Maker("Bench", True, "a model", "a revision"),), 1)
PIECES = 100  # of 5 s of music, and so many covers, in which the watermark is looked for
STYLES = ("calm piano", "electronic dance", "lofi hip hop", "epic strings", "acoustic guitar", "dark ambient")


def provenance_rows(rounds: int = 3) -> list[tuple[str, float, str]]:
    """Milliseconds to mark a file of each kind, without and with the watermark."""
    with tempfile.TemporaryDirectory() as folder:
        plain = replace(
            Settings.read({}), data_dir=Path(folder), music_engines=("composer",), image_engines=("poster",)
        )
        rows = []
        for name, data in _files(plain).items():
            for settings, what in ((plain, "signed"), (replace(plain, watermark=True), "signed, watermark")):
                if what == "signed" or name.endswith(watermark.SUFFIXES):
                    taken = min(_timed(data, name, settings) for _ in range(rounds))
                    rows.append((f"{name} of {len(data) / 1e6:.1f} MB {what}", taken * 1000, "ms"))
        return rows


def _timed(data, name, settings):
    start = time.perf_counter()
    marked = provenance.mark(data, name, ORIGIN, settings)
    if marked.warnings:
        raise SystemExit(f"The file was not marked: {marked.warnings}")
    return time.perf_counter() - start


def _files(settings):
    return {
        "music.wav": music_gen.generate(MusicRequest("calm piano", 10, 1), settings).value.wav,
        "image.png": _cover(1, settings),
        "draft.mp4": min((ROOT / "tiktok_videos" / "samples").rglob("*.mp4")).read_bytes(),
    }


def _cover(seed, settings):
    request = PictureRequest("a city at night", "Three prompts that save an hour", ("AI",), (), seed)
    return animate_text.generate(request, settings).value.png


def watermark_rows() -> list[tuple[str, float, str]]:
    """In how many pieces and covers the watermark is found after AAC at 128 kbit/s and JPEG at quality 75."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(
            Settings.read({}), data_dir=Path(folder), music_engines=("composer",), image_engines=("poster",)
        )
        pattern = partial(watermark.signs, watermark.key_of(settings))
        sound, picture = [], []
        for seed in range(PIECES):
            request = MusicRequest(STYLES[seed % len(STYLES)], 5, seed)
            heard = _as_aac(watermark.embed(music_gen.generate(request, settings).value.wav, settings), Path(folder))
            sound.append(watermark.strength(*sound_watermark.correlate(heard, pattern)))
            seen = _as_jpeg(watermark.embed(_cover(seed, settings), settings))
            picture.append(watermark.strength(*picture_watermark.correlate(seen, pattern)))
        found = (("AAC 128 kbit/s", sound), ("JPEG quality 75", picture))
        return [
            (f"watermark after {how}, of {PIECES}", float(sum(s > 1 for s in each)), f"found (weakest {min(each):.2f})")
            for how, each in found
        ]


def _as_aac(wav, folder):
    (folder / "plain.wav").write_bytes(wav)
    command = [get_ffmpeg_exe(), "-v", "error", "-y", "-i", folder / "plain.wav", "-b:a", "128k", folder / "sound.m4a"]
    subprocess.run(command, check=True)
    return watermark.listen(folder / "sound.m4a")


def _as_jpeg(png):
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


if __name__ == "__main__":
    for what, number, unit in [*provenance_rows(), *watermark_rows()]:
        print(f"{what:<58}{number:8.2f} {unit}", flush=True)
