"""Draw a cover from stills of the videos: the best of them, in its own colours, under a title."""

import hashlib
import io
import warnings

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from animate_text import lettering
from animate_text.colour import Palette, from_oklab, hues_of, palette_from, palette_of, to_oklab
from animate_text.layouts import HEIGHT, WIDTH
from animate_text.picture import PictureRequest
from core import engines
from core.picture_quality import clipped_share, laplacian
from core.text import replace_surrogates
from settings import Settings

MAX_STILLS = 40  # that are looked at
GLANCE = (270, 480)  # pixels: enough to judge a still by
MAX_PIXELS = 40_000_000  # a still that claims more is not decoded
MIN_SIDE = 32  # pixels
MIN_DEVIATION = 6  # grey levels (standard deviation): a still with less is a black or empty one
GOOD_ENOUGH = 0.85  # of the best score: the seed chooses among these stills

FITTING = 2.0  # times the score of a still that fits the title: one that is much better goes before it
CAPTIONED = 0.15  # what remains of the score of a still with captions, which would vie with the title
MIN_TURNS = 14  # from dark to bright or back, in a row of 270 pixels; five letters have about 18
LETTER_HEIGHTS = (10, 70)  # rows of 480
DEAD_ZONE = 0.15  # of the range of a row, to each side of its middle: what stays inside is no turn
MIN_LETTER_CONTRAST = 14  # grey levels: fainter letters do not count


def draw(request: PictureRequest, _settings: Settings, report: engines.Report = engines.no_report) -> bytes:
    """Draw the cover and return its PNG file, 1080x1920.

    Stills that cannot be used are passed over; where none is left the prompt and the seed give a background.
    """
    stills, seed = request.stills, request.seed
    report(0, 3, "Choosing a still")
    spread = stills[:: -(-len(stills) // MAX_STILLS) or 1]
    glances = [(glance, data) for data in spread if (glance := _open(data, GLANCE))]
    report(1, 3, "Preparing the picture")
    if glances:
        seen = [glance for glance, _ in glances]
        best = _choose(seen, seed, [data in request.fitting for _, data in glances])
        palette = palette_of(seen[best], seen, seed, request.palette)
        picture = _open(glances[best][1], (WIDTH, HEIGHT))
    else:
        palette = _palette_for(request.prompt, seed, request.palette)
        picture = backdrop(palette, seed)
    report(2, 3, "Setting the title")
    cover = lettering.cover(picture, request.title, request.hashtags, palette, seed, request.text_places)
    report(3, 3, "The picture is done")
    return cover


def _open(data, size):
    """Decode a still, no larger than it must be to cover `size`; None where it is broken, huge, tiny or empty."""
    try:
        with warnings.catch_warnings(action="ignore"):
            still = Image.open(io.BytesIO(data), formats=["JPEG"])
            if still.width * still.height > MAX_PIXELS or min(still.size) < MIN_SIDE:
                return None
            still.draft("RGB", size)
            upright = ImageOps.exif_transpose(still).convert("RGB")
    except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError):
        return None
    return upright if np.asarray(upright.convert("L").resize((32, 32))).std() > MIN_DEVIATION else None


def _choose(stills, seed, fitting=False):
    """The number of one of the best stills, those first that fit the title."""
    scores = np.array([_score(still) for still in stills]) * np.where(fitting, FITTING, 1.0)
    good = np.flatnonzero(scores >= GOOD_ENOUGH * scores.max())
    return int(good[seed % len(good)])


def _score(still):
    """Sharp and well exposed: the detail in most parts of a still, less what is lost in black and white.

    Detail is the variance of the Laplacian, by tiles, so that a crisp caption on a blurred picture does not count.
    """
    grey = np.asarray(still.convert("L").resize((270, 480), Image.Resampling.BOX), dtype=np.float32)
    tiles = laplacian(grey)[1:477, 1:267].reshape(14, 34, 7, 38).var(axis=(1, 3))
    exposure = np.exp(-(((grey.mean() - 118) / 70) ** 2))
    old_words = CAPTIONED if has_captions(grey) else 1
    return float(np.log1p(np.percentile(tiles, 65)) * exposure * (1 - clipped_share(grey, 12, 246)) * old_words + 1e-6)


def has_captions(grey):
    """Whether some rows after each other go to and fro between dark and bright as often as a line of letters does.

    `grey` has 270 columns and 480 rows, from 0 to 255.
    """
    low, high = grey.min(axis=1, keepdims=True), grey.max(axis=1, keepdims=True)
    side = np.where(np.abs(grey - (low + high) / 2) < DEAD_ZONE * (high - low), 0, np.sign(grey - (low + high) / 2))
    last = np.maximum.accumulate(np.where(side != 0, np.arange(grey.shape[1]), 0), axis=1)
    turns = np.count_nonzero(np.diff(np.take_along_axis(side, last, axis=1), axis=1), axis=1)
    lettered = (turns >= MIN_TURNS) & (np.ptp(grey, axis=1) > MIN_LETTER_CONTRAST)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lettered, [0]])))
    heights = edges[1::2] - edges[::2]
    return bool(((heights >= LETTER_HEIGHTS[0]) & (heights <= LETTER_HEIGHTS[1])).any())


def _palette_for(prompt, seed, trend):
    """A palette in the colours of the trend, else by the prompt and the seed."""
    hues = hues_of(trend)
    if hues:
        return palette_from(hues[0], hues[seed % len(hues)])
    digest = hashlib.sha256(replace_surrogates(prompt).encode()).digest()
    random = np.random.default_rng([digest[0] * 256 + digest[1], seed % 2**63])
    ground = random.uniform(2.6, 2 * np.pi + 0.9)  # from green over blue and violet to red: dark yellows look like mud
    return palette_from(ground, ground + random.choice([-1.3, -1.0, 1.0, 1.3]))


def backdrop(palette: Palette, seed: int) -> Image.Image:
    """A picture of soft light and a few large shapes, for when there is no still."""
    random = np.random.default_rng([seed % 2**63, 1])
    y, x = np.mgrid[0:480, 0:270] / 270
    cool, warm, accent, deep = to_oklab(np.array([palette.cool, palette.warm, palette.accent, palette.deep]))
    slant = np.clip((y + random.uniform(-0.5, 0.5) * x) / 1.6, 0, 1)[..., None]
    field = cool * slant + (0.55 * accent + 0.45 * deep) * (1 - slant)
    for colour in (warm, cool, accent):
        cx, cy = random.uniform((-0.1, 0), (1.1, 1.7))
        glow = 0.7 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / random.uniform(0.08, 0.25))[..., None]
        field = field * (1 - glow) + colour * glow
    soft = Image.fromarray(np.uint8(255 * from_oklab(field) + 0.5))
    return _with_sun(soft.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), palette, random)


def _with_sun(picture, palette, random):
    """A disc that fades downwards, and rings around it."""
    cx, cy = random.uniform(300, 780), random.choice([random.uniform(420, 560), random.uniform(1180, 1350)])
    radius = random.uniform(230, 320)
    mask = Image.new("L", picture.size)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=255)
    fading = np.clip(1.1 - (np.arange(picture.height) - cy + radius) / (2 * radius), 0, 1) ** 0.7
    mask = Image.fromarray(np.uint8(np.asarray(mask) * fading[:, None]))
    pen = ImageDraw.Draw(mask)
    for step in range(1, 9):
        reach = radius + 70 * step
        pen.ellipse((cx - reach, cy - reach, cx + reach, cy + reach), outline=130 - 14 * step, width=3)
    picture.paste(tuple(round(255 * part) for part in palette.light), mask=mask)
    return picture
