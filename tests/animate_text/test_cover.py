"""What a cover leaves to see: its subject, in its own colours, and never a title on a face."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from animate_text import faces, layouts, lettering, saliency
from animate_text.colour import hues_of, palette_of, to_oklab
from settings import ROOT
from tests.pictures import TAGS, TITLES, jpeg, opened, scene

ENOUGH = 0.4  # of the subject
SAME = 0.05  # in Oklab: about what one sees side by side, and no longer one after the other
FACE = Path(__file__).with_name("face.jpg")  # Eileen Collins, NASA S93-31420, in the public domain
SAMPLES = sorted((ROOT / "tiktok_videos" / "samples").glob("*/*.mp4"))
USUAL_TITLES = [title for title in TITLES if len(title) < 60]


def framed(picture, seed):
    """The picture as the cover of a seed shows it."""
    return lettering.fill(picture, 1 + lettering.ZOOM * np.random.default_rng(seed).random())


def made(make, still, seed, title):
    """A still as a cover frames it, and the cover."""
    data = jpeg(still)
    return framed(opened(data), seed), opened(make(title, stills=[data], seed=seed))


def seen(plain, cover, subject=None):
    """The share of the subject of a still that a cover shows in its own colours."""
    subject = saliency.subject(saliency.heat(plain)) if subject is None else subject(plain)
    small = [np.asarray(picture.resize((270, 480), Image.Resampling.BOX)) / 255 for picture in (plain, cover)]
    alike = np.linalg.norm(to_oklab(small[0]) - to_oklab(small[1]), axis=-1) < SAME
    return alike[np.kron(subject, np.ones((5, 5), bool))].mean()


def spectral_residual(picture):
    """Another measure of what stands out: Hou and Zhang, "Saliency Detection: A Spectral Residual Approach" (2007)."""
    from scipy.ndimage import gaussian_filter, uniform_filter

    grey = np.asarray(picture.convert("L").resize((54, 96), Image.Resampling.BOX), dtype=float)
    spectrum = np.fft.fft2(grey)
    strength = np.log(np.abs(spectrum) + 1e-9)
    residual = np.exp(strength - uniform_filter(strength, 3, mode="wrap") + 1j * np.angle(spectrum))
    heat = gaussian_filter(np.abs(np.fft.ifft2(residual)) ** 2, 2.0)
    return heat > 1.5 * heat.mean()


@pytest.fixture(scope="module")
def frames(stills_of):
    return [still for path in SAMPLES for still in stills_of(path)]


@pytest.fixture(scope="session")
def stills_of():
    """Two frames of a clip."""
    import subprocess

    from imageio_ffmpeg import get_ffmpeg_exe

    def stills_of(path):
        for second in ("3", "8"):
            command = [get_ffmpeg_exe(), "-v", "error", "-ss", second, "-i", str(path), "-frames:v", "1"]
            done = subprocess.run([*command, "-f", "mjpeg", "-q:v", "3", "-"], check=True, capture_output=True)
            yield opened(done.stdout)

    return stills_of


@pytest.mark.slow
def test_of_thirty_stills_the_subject_stays_to_be_seen_by_either_measure(make, frames):
    assert len(frames) == 30
    for seed, still in enumerate(frames):
        covered = made(make, still, seed, USUAL_TITLES[seed % len(USUAL_TITLES)])
        assert min(seen(*covered), seen(*covered, spectral_residual)) >= ENOUGH


def blob(centre, colour="red", ground=(225, 225, 220), size=300):
    """A disc of one colour before a calm ground."""
    picture = Image.new("RGB", (1080, 1920), ground)
    x, y = centre
    ImageDraw.Draw(picture).ellipse((x - size, y - size, x + size, y + size), fill=colour)
    return picture.filter(ImageFilter.GaussianBlur(3))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("centre", [(540, 500), (540, 860), (540, 1250), (300, 700), (800, 1000)])
def test_a_title_makes_way_for_what_there_is_to_see(make, centre, seed):
    subject = lambda plain: np.asarray(plain.resize((54, 96)))[..., 1] < 120  # noqa: E731
    assert seen(*made(make, blob(centre), seed, TITLES[1 + seed]), subject) > 0.75


@pytest.mark.parametrize("seed", range(3))
def test_the_subject_of_a_busy_picture_stays_to_be_seen(make, seed):
    for brightness in (60, 120, 190):
        assert seen(*made(make, scene((540, 960), seed, brightness), seed, TITLES[3])) >= ENOUGH


def test_what_stands_out_is_found():
    heat = saliency.heat(blob((300, 700)))
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(x * 20 - 300) < 320 and abs(y * 20 - 700) < 320
    subject = saliency.subject(heat)
    assert subject[25:45, 5:25].mean() > 0.5 > 0.05 > subject[60:].mean()


@pytest.mark.parametrize("colour", ["black", "white", "grey", "#2277cc"])
def test_where_all_is_alike_nothing_stands_out(colour):
    heat = saliency.heat(Image.new("RGB", (1080, 1920), colour))
    assert heat.max() == 0 and not saliency.subject(heat).any()


# Faces


def test_a_face_is_found_where_it_is():
    ((left, top, right, bottom),) = faces.find(Image.open(FACE))
    assert left < 0.67 < right and top < 0.22 < bottom
    assert right - left < 0.6 and bottom - top < 0.4


def test_of_pictures_without_a_face_none_is_found(frames):
    assert [faces.find(frame) for frame in frames[::3]] == [[]] * 10


@pytest.mark.parametrize("seed", range(8))
def test_no_title_stands_on_a_face(seed):
    picture = framed(Image.open(FACE), seed)
    ((left, top, right, bottom),) = faces.find(picture)
    layout = layouts.arrange(USUAL_TITLES[seed % 5], TAGS, picture, np.random.default_rng(seed))
    for box in layouts.covered(layout):
        wide = max(0, min(box[2], right * 1080) - max(box[0], left * 1080))
        high = max(0, min(box[3], bottom * 1920) - max(box[1], top * 1920))
        assert wide * high < 0.1 * (right - left) * (bottom - top) * 1080 * 1920


def test_without_the_network_there_are_covers_all_the_same(make, monkeypatch):
    monkeypatch.setattr(faces, "_network", lambda: None)
    assert faces.find(Image.open(FACE)) == []
    assert make("A title", stills=[FACE.read_bytes()])


# The trend


def rows(*usual):
    """A map of 16 rows and 9 columns with text in some rows."""
    return tuple(tuple(0.8 if row in usual else 0.0 for _ in range(9)) for row in range(16))


@pytest.mark.parametrize(("usual", "upper"), [((3, 4), True), ((9, 10, 11), False)])
def test_the_title_stands_where_the_trend_has_its_text(usual, upper):
    calm = Image.new("RGB", (1080, 1920), "#99aabb")
    places = [
        layouts.arrange("Five hidden gems", TAGS, calm, np.random.default_rng(seed), rows(*usual)) for seed in range(6)
    ]
    assert all((place.top + place.bottom < 1920 * 0.75) == upper for place in places)


def test_what_there_is_to_see_goes_before_the_trend_s_place(make):
    picture = blob((540, 520), size=330)
    for seed in range(4):
        layout = layouts.arrange("Five hidden gems", TAGS, picture, np.random.default_rng(seed), rows(3, 4, 5))
        lost = layouts._Lost(saliency.heat(picture)).by(layouts.covered(layout))
        assert lost < 0.35


@pytest.mark.parametrize("seed", range(4))
def test_the_palette_is_that_of_the_trend(seed):
    trend = ("#c8203a", "#eeeeee", "#1f5fd0")
    red, blue = hues_of(trend)
    palette = palette_of(scene(seed=seed), [], seed, trend)
    ground, accent = (np.arctan2(*to_oklab(np.array(colour))[:0:-1]) for colour in (palette.dark, palette.accent))
    assert np.cos(ground - red) > 0.9
    assert seed % 2 or np.cos(accent - blue) > 0.9


def test_without_stills_the_trend_s_colours_are_those_of_the_picture(settings):
    import animate_text

    def hue(palette):
        request = animate_text.PictureRequest("a calm beach", "", (), (), 1, palette)
        lab = to_oklab(np.asarray(opened(animate_text.generate(request, settings).value.png).resize((27, 48))) / 255)
        return np.arctan2(*lab.mean(axis=(0, 1))[:0:-1])

    assert np.cos(hue(("#1f5fd0",)) - hues_of(["#1f5fd0"])[0]) > 0.7
    assert np.cos(hue(("#c8203a",)) - hues_of(["#c8203a"])[0]) > 0.7


def test_greys_have_no_hue():
    assert hues_of(["#000000", "#ffffff", "#7f7f80"]) == [] and len(hues_of(["#ff0000", "#888888"])) == 1
