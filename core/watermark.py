"""A watermark in sound and pictures that is neither heard nor seen, and that only who has its key can look for.

Keyed spread spectrum (Cox, Kilian, Leighton and Shamoon, 1997): a key gives a pattern of +1 and -1, which is added far
below what covers it, and is found again by its correlation. It says "published by this studio", and nothing else.
`sound_watermark` and `picture_watermark` say how a pattern is hidden.
"""

import hashlib
import io
import math
import os
import secrets
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from core import ffmpeg, picture_watermark, sound_watermark, xmp
from core.engines import EngineError
from settings import Settings

SUFFIXES = (".png", ".wav")  # of files that are marked
CHANCE = 1e-6  # that a file without the mark is taken for one with it, over the choice of the key
MAX_PIXELS = 50_000_000
COMPRESSION = 2  # zlib's level for PNG: as the covers are saved
KEY_FILE = "watermark_key"


def embed(data: bytes, settings: Settings) -> bytes:
    """A WAV (16 bits) or PNG file with the watermark of this studio. The same file and key give the same bytes.

    Raises ValueError for any other file, and OSError where the key cannot be kept.
    """
    key = key_of(settings)
    match xmp.kind(data):
        case "audio/wav":
            return _embed_wav(data, partial(signs, key))
        case "image/png":
            picture = _open(data)
            marked = picture_watermark.embed(np.asarray(picture.convert("RGB")), partial(signs, key))
            file = io.BytesIO()
            Image.fromarray(marked).save(file, "PNG", compress_level=COMPRESSION)
            return file.getvalue()
    raise ValueError("only WAV and PNG files can have one.")


def find(path: Path, settings: Settings) -> bool | None:
    """Whether a file of sound, or else a picture, has this studio's watermark; None where it is neither.

    A film is listened to. Without a key, nothing was ever marked.
    """
    place = settings.data_dir / KEY_FILE
    if not place.is_file():
        return None
    pattern = partial(signs, bytes.fromhex(place.read_text()))
    try:
        picture = _open(path.read_bytes())
        return strength(*picture_watermark.correlate(np.asarray(picture.convert("RGB")), pattern)) > 1
    except (ValueError, OSError):
        pass
    try:
        sound = listen(path)
    except (EngineError, OSError):
        return None
    return strength(*sound_watermark.correlate(sound, pattern)) > 1 if len(sound) else None


def strength(correlation: np.ndarray, norm: float) -> float:
    """How strong the mark is, as a multiple of what is enough to say that it is there.

    For a pattern r and random signs s, Hoeffding's inequality bounds the chance that the sum of r·s exceeds t times the
    norm of r by exp(-t²/2), whatever r is; as many shifts as are tried make it so many times as likely.
    """
    if norm <= 0:
        return 0.0
    enough = math.sqrt(2 * math.log(correlation.size / CHANCE))
    return float(correlation.max()) / norm / enough


def signs(key: bytes, purpose: str, size: int) -> np.ndarray:
    """So many of +1 and -1, drawn by the key (SHAKE-256): nobody without it can tell them from random ones."""
    drawn = hashlib.shake_256(key + purpose.encode()).digest(-(-size // 8))
    return np.unpackbits(np.frombuffer(drawn, np.uint8))[:size].astype(np.float32) * 2 - 1


def key_of(settings: Settings) -> bytes:
    """The key of this studio, made once and kept in `DATA_DIR` with mode 0600."""
    path = settings.data_dir / KEY_FILE
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        new = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(new, path)  # complete or not there; of several processes that start, one is first
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return bytes.fromhex(path.read_text())


def _embed_wav(data: bytes, pattern: Callable[[str, int], np.ndarray]) -> bytes:
    try:
        with wave.open(io.BytesIO(data)) as source:
            about, frames = source.getparams(), source.readframes(source.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"the WAV file cannot be read ({error}).") from error
    if about.sampwidth != 2 or about.framerate != sound_watermark.RATE:
        raise ValueError(f"only sound of 16 bits at {sound_watermark.RATE} Hz can have one.")
    sound = np.frombuffer(frames, "<i2").reshape(-1, about.nchannels).astype(np.float32) / 32768
    marked = sound_watermark.embed(sound, pattern)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams(about)
        output.writeframes((marked * 32768).round().clip(-32768, 32767).astype("<i2").tobytes())
    return file.getvalue()


def listen(path: Path) -> np.ndarray:
    """Any file's sound in mono at the mark's rate, in -1 to 1."""
    if xmp.kind(path.read_bytes()[:12]) == "audio/wav":  # which ffmpeg is not let read, for clips are no WAV files
        with wave.open(str(path)) as source:
            frames = np.frombuffer(source.readframes(source.getnframes()), "<i2")
            sound = frames.reshape(-1, source.getnchannels()).mean(1) / 32768
            return sound_watermark.resample(sound, source.getframerate())
    after = ("-vn", "-ac", "1", "-ar", str(sound_watermark.RATE), "-f", "s16le", "-")
    with ffmpeg.pipe(path, (), after) as stream:
        content = stream.read()
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768


def _open(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError("the picture is too large.")
    return picture
