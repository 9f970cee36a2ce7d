"""Draw a cover from stills of the videos: the best of them, graded to their own colours, under a title."""

import hashlib
import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import engines
from animate_text import lettering
from animate_text.colour import Palette, from_oklab, palette_from, palette_of, to_oklab
from settings import Settings

MOST_STILLS = 40  # that are looked at
GLANCE = (270, 480)  # pixels: enough to judge a still by
LARGEST = 40_000_000  # pixels: a still that claims more is not decoded
SMALLEST = 32  # pixels to a side
FLATTEST = 6  # grey levels (standard deviation): a still with less is a black or empty one
GOOD_ENOUGH = 0.85  # of the best score: the seed chooses among these stills

CAPTIONED = 0.15  # what remains of the score of a still with captions, which would vie with the title
TURNS = 14  # from dark to bright or back, in a row of 270 pixels; five letters have about 18
LETTER_HEIGHTS = (10, 70)  # rows of 480
DEAD_ZONE = 0.15  # of the range of a row, to each side of its middle: what stays inside is no turn
FAINTEST = 14  # grey levels: letters of less contrast do not count

TINT = 0.42  # how far the hues of a still move to those of its palette
CONTRAST = 0.10
LATTICE = 25  # points to a side of the table that holds the grade


def draw(
    prompt: str,
    title: str,
    hashtags: Sequence[str],
    stills: Sequence[bytes],
    seed: int,
    settings: Settings,
    report: engines.Report = engines.silent,
) -> bytes:
    """Draw the cover and return its PNG file, 1080x1920.

    Stills that cannot be used are passed over; where none is left the prompt and the seed give a background.
    """
    del settings  # nothing about a poster can be set
    report(0, 3, "Choosing a still")
    spread = stills[:: -(-len(stills) // MOST_STILLS) or 1]
    glances = [(glance, data) for data in spread if (glance := _open(data, GLANCE))]
    report(1, 3, "Grading the picture")
    if glances:
        seen = [glance for glance, _ in glances]
        best = _choose(seen, seed)
        palette = palette_of(seen[best], seen, seed)
        picture = grade(_open(glances[best][1], (lettering.WIDTH, lettering.HEIGHT)), palette)
    else:
        palette = _palette_for(prompt, seed)
        picture = backdrop(palette, seed)
    report(2, 3, "Setting the title")
    cover = lettering.cover(picture, title, hashtags, palette, seed)
    report(3, 3, "The picture is done")
    return cover


def _open(data, size):
    """Decode a still, no larger than it must be to cover `size`; None where it is broken, huge, tiny or empty."""
    try:
        with warnings.catch_warnings(action="ignore"):
            still = Image.open(io.BytesIO(data), formats=["JPEG"])
            if still.width * still.height > LARGEST or min(still.size) < SMALLEST:
                return None
            still.draft("RGB", size)
            still = ImageOps.exif_transpose(still).convert("RGB")
    except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError):
        return None
    return still if np.asarray(still.convert("L").resize((32, 32))).std() > FLATTEST else None


def _choose(stills, seed):
    """The number of one of the best stills."""
    scores = np.array([_score(still) for still in stills])
    good = np.flatnonzero(scores >= GOOD_ENOUGH * scores.max())
    return int(good[seed % len(good)])


def _score(still):
    """Sharp and well exposed: the detail in most parts of a still, less what is lost in black and white.

    Detail is the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy",
    2000), by tiles, so that a crisp caption on a blurred picture does not count.
    """
    grey = np.asarray(still.convert("L").resize((270, 480), Image.Resampling.BOX), dtype=np.float32)
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    tiles = edges[:476, :266].reshape(14, 34, 7, 38).var(axis=(1, 3))
    lost = np.mean((grey < 12) | (grey > 246))
    exposure = np.exp(-(((grey.mean() - 118) / 70) ** 2))
    old_words = CAPTIONED if _has_captions(grey) else 1
    return float(np.log1p(np.percentile(tiles, 65)) * exposure * (1 - lost) * old_words + 1e-6)


def _has_captions(grey):
    """Whether some rows after each other go to and fro between dark and bright as often as a line of letters does."""
    low, high = grey.min(axis=1, keepdims=True), grey.max(axis=1, keepdims=True)
    side = np.where(np.abs(grey - (low + high) / 2) < DEAD_ZONE * (high - low), 0, np.sign(grey - (low + high) / 2))
    last = np.maximum.accumulate(np.where(side != 0, np.arange(grey.shape[1]), 0), axis=1)
    turns = np.count_nonzero(np.diff(np.take_along_axis(side, last, axis=1), axis=1), axis=1)
    lettered = (turns >= TURNS) & (np.ptp(grey, axis=1) > FAINTEST)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lettered, [0]])))
    heights = edges[1::2] - edges[::2]
    return bool(((heights >= LETTER_HEIGHTS[0]) & (heights <= LETTER_HEIGHTS[1])).any())


def grade(still: Image.Image, palette: Palette) -> Image.Image:
    """Grade a still: levels stretched a little, the hues of shadows and lights drawn to those of the palette.

    Lightness keeps its order, so the picture stays what it is. Works in Oklab by a table of colours.
    """
    low, high = np.percentile(np.asarray(still.convert("L").resize((64, 64))), (1, 99)) / 255
    low, high = min(low, 0.08), max(high, 0.88)
    steps = np.linspace(0, 1, LATTICE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    lab = to_oklab(np.clip((np.stack([red, green, blue], axis=-1) - low) / (high - low), 0, 1))
    lightness = lab[..., :1]
    shadows, lights = to_oklab(np.array(palette.cool))[1:], to_oklab(np.array(palette.warm))[1:]
    duotone = (shadows * (1 - lightness) + lights * lightness) * 4 * lightness * (1 - lightness)
    lab[..., 1:] = (1 - TINT) * 1.1 * lab[..., 1:] + TINT * duotone
    lab[..., :1] = lightness - CONTRAST * np.sin(2 * np.pi * lightness) / 2
    table = ImageFilter.Color3DLUT(LATTICE, from_oklab(lab).reshape(-1, 3).ravel().tolist())
    return still.filter(table)


def _palette_for(prompt, seed):
    digest = hashlib.sha256(prompt.encode("utf-8", "replace")).digest()
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
    return _with_sun(soft.resize((lettering.WIDTH, lettering.HEIGHT), Image.Resampling.BICUBIC), palette, random)


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
