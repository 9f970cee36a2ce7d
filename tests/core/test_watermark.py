"""The watermark is found after what platforms do to a file, in no file that has none, and is below what is noticed."""

import io
import stat
import subprocess
import wave
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

import animate_text
import music_gen
from animate_text import PictureRequest
from core import picture_watermark, provenance, sound_watermark, watermark
from music_gen import MusicRequest
from tests.core.provenance.support import RULES, stored

RATE = sound_watermark.RATE


@pytest.fixture(scope="module")
def music():
    from settings import Settings

    chosen = replace(Settings.read({}), music_engines=("composer",))
    return music_gen.generate(MusicRequest("upbeat electronic dance music", 5, 1), chosen).value.wav


@pytest.fixture(scope="module")
def cover():
    from settings import Settings

    chosen = replace(Settings.read({}), image_engines=("poster",))
    return animate_text.generate(PictureRequest("a city", "Three prompts", ("AI",), (), 1), chosen).value.png


def sound_of(wav):
    with wave.open(io.BytesIO(wav)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()) / 32768


def picture_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def converted(data, folder, name, *options):
    """A file as ffmpeg writes it."""
    from imageio_ffmpeg import get_ffmpeg_exe

    (folder / "source.wav").write_bytes(data)
    command = [get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(folder / "source.wav"), *options, str(folder / name)]
    subprocess.run(command, check=True)
    return folder / name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("same.wav", ()),
        ("aac.m4a", ("-c:a", "aac", "-b:a", "128k")),
        ("rate.m4a", ("-ar", "44100", "-c:a", "aac", "-b:a", "128k")),
        ("later.m4a", ("-ss", "0.777", "-c:a", "aac", "-b:a", "128k")),
        ("quiet.m4a", ("-af", "volume=0.3", "-c:a", "aac", "-b:a", "128k")),
        ("rate.wav", ("-ar", "48000")),
    ],
)
def test_it_is_found_in_sound_after_what_platforms_do(music, name, options, settings, tmp_path):
    path = converted(watermark.embed(music, settings), tmp_path, name, *options)
    assert watermark.find(path, settings) is True
    assert watermark.find(converted(music, tmp_path, name, *options), settings) is False


@pytest.mark.parametrize(("width", "quality"), [(1080, 75), (1080, 50), (720, 75), (540, 75)])
def test_it_is_found_in_pictures_after_what_platforms_do(cover, width, quality, settings, tmp_path):
    path = tmp_path / "cover.jpg"
    for picture, there in ((watermark.embed(cover, settings), True), (cover, False)):
        Image.fromarray(picture_of(picture)).resize((width, width * 16 // 9)).save(path, quality=quality)
        assert watermark.find(path, settings) is there


def test_it_is_not_found_with_another_key(music, settings, tmp_path):
    path = converted(watermark.embed(music, settings), tmp_path, "music.wav")
    other = replace(settings, data_dir=tmp_path / "other")
    assert watermark.find(path, other) is None
    watermark.key_of(other)
    assert watermark.find(path, other) is False


def test_it_lies_below_what_the_music_masks(music, settings):
    """The noise-to-mask ratio by Johnston's model (1988), in each frame and critical band, of each channel."""
    used = sound_watermark._in_band()
    below_tone, below_noise = 14.5 + sound_watermark._bark()[used], 5.5  # dB
    for plain, marked in zip(sound_of(music).T, sound_of(watermark.embed(music, settings)).T, strict=True):
        lines = np.abs(sound_watermark._analyse(plain)) ** 2 + 1e-12
        noise = np.abs(sound_watermark._analyse(marked - plain)) ** 2 + 1e-12
        flatness = 10 * np.log10(np.exp(np.log(lines).mean(1)) / lines.mean(1))
        tonal = np.minimum(flatness / -60, 1)[:, None]
        masked = tonal * below_tone + (1 - tonal) * below_noise
        power, noise = (each @ sound_watermark._spread() for each in (lines, noise))
        ratio = (10 * np.log10(noise / power)[:, used] + masked)[power[:, used] > 1e-3]
        assert (ratio < 0).mean() > 0.98
        assert 10 * np.log10((10 ** (ratio / 10)).mean()) < -8


def test_it_is_fainter_in_a_picture_than_two_levels_of_255(cover, settings):
    plain = picture_of(cover).astype(float)
    marked = picture_of(watermark.embed(cover, settings)).astype(float)
    assert 10 * np.log10(255**2 / ((plain - marked) ** 2).mean()) > 48
    assert np.abs(plain - marked).max() <= 4


def test_the_same_file_and_key_give_the_same_bytes(cover, music, settings):
    for file in (cover, music):
        assert watermark.embed(file, settings) == watermark.embed(file, settings)


def test_the_key_is_made_once_and_only_the_owner_may_read_it(settings):
    assert watermark.key_of(settings) == watermark.key_of(settings)
    assert stat.S_IMODE((settings.data_dir / "watermark_key").stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == ["watermark_key"]


def unmarked(seed):
    """Sound and a picture of many sorts: noise of a colour, chords, beats; gradients, stripes, texture."""
    draw = np.random.default_rng(seed)
    time = np.arange(2 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) for f in draw.uniform(100, 4000, draw.integers(1, 6)))
    noise = np.cumsum(draw.normal(size=time.size)) if seed % 2 else draw.normal(size=time.size)
    beat = np.exp(-draw.uniform(2, 20) * (time * draw.uniform(1, 4) % 1))
    sound = (tones * draw.uniform() + noise * draw.uniform() / np.abs(noise).max()) * beat
    rows, columns = np.mgrid[:320, :180] / 180
    picture = 128 + 90 * np.sin(2 * np.pi * (rows * draw.uniform(0, 30) + columns * draw.uniform(0, 30)))
    picture = picture + draw.normal(size=picture.shape) * draw.uniform(0, 60)
    return sound / np.abs(sound).max() / 2, np.repeat(picture.clip(0, 255).astype(np.uint8)[:, :, None], 3, 2)


def strongest(numbers, key):
    pattern = partial(watermark.signs, key)
    found = []
    for sound, picture in map(unmarked, numbers):
        found.append(watermark.strength(*sound_watermark.correlate(sound, pattern)))
        found.append(watermark.strength(*picture_watermark.correlate(picture, pattern)))
    return max(found)


def test_it_is_found_in_none_of_fifty_files_that_have_none():
    assert strongest(range(25), b"k" * 32) < 1


@pytest.mark.slow
def test_it_is_found_in_none_of_a_thousand_files_that_have_none():
    assert strongest(range(500), b"another key, of thirty-two bytes") < 1


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(10), np.zeros(RATE), np.full(RATE, 0.5)])
def test_silence_and_next_to_nothing_have_none(sound, settings):
    pattern = partial(watermark.signs, watermark.key_of(settings))
    assert watermark.strength(*sound_watermark.correlate(sound, pattern)) < 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (64, 64, 3)])
def test_a_picture_of_any_shape_can_be_looked_at(shape, settings):
    pattern = partial(watermark.signs, watermark.key_of(settings))
    flat = np.full(shape, 120, np.uint8)
    assert watermark.strength(*picture_watermark.correlate(flat, pattern)) < 1
    assert picture_watermark.embed(flat, pattern).shape == shape


def test_a_published_file_has_it_beneath_a_signature_that_holds(music, settings, tmp_path):
    result = provenance.mark(music, "music.wav", RULES, replace(settings, watermark=True))
    path = tmp_path / "music.wav"
    path.write_bytes(result.data)
    assert result.claim["watermark"] is True
    assert stored(result.data)["validation_state"] == "Valid"
    assert provenance.read(path, settings).watermark is True
    assert "watermark: this studio's" in provenance.lines(provenance.read(path, settings))


@pytest.mark.parametrize("file", [b"", b"no media", b"\x89PNG\r\n\x1a\nno", b"RIFF\0\0\0\0WAVE"])
def test_a_file_that_cannot_be_marked_is_a_warning(file, settings):
    result = provenance.mark(file, "music.wav", RULES, replace(settings, watermark=True))
    assert any("no watermark" in line for line in result.warnings)
    assert result.claim["watermark"] is False
