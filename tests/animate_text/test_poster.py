"""The poster: a cover drawn from stills of the videos."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import animate_text
from animate_text import PictureRequest, lettering, poster, typefaces
from core import engines
from settings import Settings
from tests.pictures import TAGS, jpeg, opened, pixels, scene

# The picture


def test_a_cover_is_a_portrait_png_of_moderate_size(make):
    png = make("Crispy potatoes, every time")
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size, picture.mode) == ("PNG", (1080, 1920), "RGB")
    assert len(png) < 3_000_000


def test_the_poster_needs_nothing_set_up_and_says_its_name(settings, stills):
    answer = animate_text.generate(PictureRequest("", "Title", TAGS, stills, 1), settings)
    assert (answer.engine, answer.warnings) == ("poster", ())


def test_the_same_arguments_give_the_same_bytes(make):
    assert make("Twice", seed=5) == make("Twice", seed=5)
    assert make("Twice", seed=5, stills=[]) == make("Twice", seed=5, stills=[])


@pytest.mark.parametrize("used", ["stills", "none"])
def test_seeds_differ(make, stills, used):
    covers = {make("Once", seed=seed, stills=stills[:2] if used == "stills" else []) for seed in (-3, 0, 1, 2, 10**30)}
    assert len(covers) == 5


def test_without_stills_the_prompt_decides_the_colours(make):
    first, second = (pixels(make("", [], stills=[], prompt=prompt)) for prompt in ("a calm beach", "a neon city"))
    assert np.abs(first.mean((0, 1)) - second.mean((0, 1))).max() > 8
    assert first.std() > 15


def test_a_still_keeps_its_own_colours(make):
    still = jpeg(scene(seed=4))
    cover = np.asarray(opened(make("", [], stills=[still], seed=2)), dtype=int)
    zoom = 1 + lettering.ZOOM * np.random.default_rng(2).random()
    assert np.abs(cover - np.asarray(lettering.fill(opened(still), zoom), dtype=int)).max() <= 1


def test_a_still_as_large_as_the_cover_is_filled_without_a_rounding_above_it():
    for size in ((512, 512), (451, 300), (417, 417), (1080, 1920), (999, 1776)):
        assert lettering.fill(scene(size)).size == (1080, 1920)


def test_a_sharp_and_well_exposed_still_is_chosen():
    sharp = scene(seed=1)
    blurred = sharp.resize((40, 70)).resize(sharp.size)
    dark, burnt = scene(seed=1, brightness=12, spread=12), scene(seed=1, brightness=250, spread=12)
    for order in ([blurred, dark, sharp, burnt], [burnt, sharp, blurred, dark]):
        assert order[poster._choose(order, 0)] is sharp


def test_a_still_without_old_captions_is_preferred():
    plain, captioned = scene(seed=2, spread=20), scene(seed=2, spread=20)
    pen = ImageDraw.Draw(captioned)
    pen.rectangle((60, 180, 480, 260), fill="black")
    pen.text((80, 190), "STYLE MATH IN USE", fill="white", font=ImageFont.truetype(str(typefaces.display_face()), 40))
    assert [poster._choose([plain, captioned], 0), poster._choose([captioned, plain], 0)] == [0, 1]


def test_a_still_that_fits_the_title_is_preferred_unless_it_is_poor():
    fits, other = scene(seed=1), scene(seed=2)
    for order in ([fits, other], [other, fits]):
        assert all(order[poster._choose(order, seed, [one is fits for one in order])] is fits for seed in range(4))
    blurred = fits.resize((40, 70)).resize(fits.size)
    assert poster._choose([blurred, other], 0, [True, False]) == 1


@pytest.mark.parametrize("size", [(540, 960), (960, 540), (720, 720), (64, 1200), (1200, 64), (33, 33), (1620, 2880)])
def test_stills_of_any_shape_cover_the_picture(make, size):
    cover = pixels(make("", [], stills=[jpeg(scene().resize(size))]))
    assert cover.shape == (1920, 1080, 3)
    assert min(edge.std() for edge in (cover[0], cover[-1], cover[:, 0], cover[:, -1])) > 0.5


def test_the_part_of_a_wide_still_with_the_most_detail_is_kept():
    still = Image.new("RGB", (1600, 900), "grey")
    still.paste(scene((400, 900)), (1100, 0))
    assert np.asarray(lettering.fill(still).resize((9, 16))).std(axis=(0, 1)).min() > 3


def test_a_turned_still_is_set_upright(make):
    upright = scene(seed=3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    turned = jpeg(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    small = [opened(make("", [], stills=[still])).convert("L").resize((54, 96)) for still in (jpeg(upright), turned)]
    assert np.corrcoef(*(np.asarray(picture).ravel() for picture in small))[0, 1] > 0.97


# Stills nobody should trust


def enormous():
    """A JPEG of a few hundred bytes that claims to be 65,000 x 65,000 pixels."""
    data = bytearray(jpeg(Image.new("RGB", (16, 16))))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = (65000).to_bytes(2) * 2
    return bytes(data)


def as_png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


BROKEN = {
    "nothing": b"",
    "no picture": b"not a picture",
    "zeros": bytes(2000),
    "the first half": jpeg(scene())[: len(jpeg(scene())) // 2],
    "noise behind a header": jpeg(scene())[:700] + np.random.default_rng(0).bytes(5000),
    "another format": as_png(scene((90, 160))),
    "enormous": enormous(),
    "one pixel": jpeg(Image.new("RGB", (1, 1))),
    "black": jpeg(Image.new("RGB", (540, 960))),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_still_that_cannot_be_used_is_passed_over(make, kind):
    good = jpeg(scene(seed=6))
    assert make(stills=[BROKEN[kind], good]) == make(stills=[good])


def test_with_broken_stills_only_there_is_a_cover_all_the_same(make):
    assert make(stills=list(BROKEN.values())) == make(stills=[])


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_print_colours_work(make, mode):
    assert pixels(make(stills=[jpeg(scene().convert(mode))])).shape == (1920, 1080, 3)


def test_of_a_great_many_stills_a_part_is_looked_at(make):
    many = [jpeg(Image.new("RGB", (48, 80), (n % 256, 90, 40))) for n in range(1000)]
    assert pixels(make(stills=[*many, jpeg(scene())])).shape == (1920, 1080, 3)


# Progress


def test_progress_is_reported_to_the_end(make):
    seen = []
    make(report=lambda done, total, what: seen.append((done, total, bool(what))))
    assert seen == [(done, 3, True) for done in range(4)]


@pytest.mark.parametrize("step", range(4))
def test_a_cancelled_search_stops_at_the_next_step(make, step):
    def report(done, total, what):
        if done == step:
            raise engines.Cancelled

    with pytest.raises(engines.Cancelled):
        make(report=report)


def test_no_engine_is_no_picture(stills, monkeypatch):
    monkeypatch.delitem(animate_text.ENGINES, "stable-diffusion", raising=False)
    only = Settings.read({"IMAGE_ENGINES": "stable-diffusion"})
    with pytest.raises(engines.AllEnginesFailed):
        animate_text.generate(PictureRequest("", "T", (), stills, 1), only)
