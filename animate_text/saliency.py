"""Where a picture shows most: faces, detail, and what stands out in colour from its surroundings and from the rim."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from animate_text import faces
from animate_text.colour import to_oklab

ROWS, COLUMNS = 96, 54  # fields of the map, 20 pixels of a cover each way; of a wide picture the other way round
RIM = 3  # fields at each edge that tell what the background is; the lower edge does not count, where subjects stand
ALIKE = 0.10  # distance in Oklab at which a colour of the rim counts as half another's
SURROUNDINGS = (5, 12)  # fields: how far what is around a point reaches, small and large
SOFT = 2.0  # fields over which the map is evened out
MIDDLE = 0.5  # of the weight of the middle: what the corners have, since people film what matters in the middle
STANDS_OUT = 1.5  # of the mean: what counts as the subject
NEARLY = 0.97  # of the interest of the best part: others that hold as much lose to the one nearest to the middle
FACE = 2.0  # times the most that anything else has: a face is what one looks at first


def heat(picture: Image.Image, heads: Sequence[faces.Box] | None = None) -> np.ndarray:
    """How much each part of a picture draws the eye: float, from 0 to 1; 0 where all is alike.

    The shape is (ROWS, COLUMNS), that of a picture that is wider than tall (COLUMNS, ROWS).

    The sum of the contrast to the surroundings, by colour, at two scales (centre and surround: Itti, Koch and Niebur,
    "A Model of Saliency-Based Visual Attention", 1998), the distance from the mean colour (Achanta et al.,
    "Frequency-tuned Salient Region Detection", 2009), that from the colours along the rim, which is background as a
    rule (Zhu et al., "Saliency Optimization from Robust Background Detection", 2014), and of fine detail. Faces count
    more than any of it: those in `heads`, or where it is None those that are found now.
    """
    from scipy.ndimage import gaussian_filter

    rows, columns = (ROWS, COLUMNS) if picture.width <= picture.height else (COLUMNS, ROWS)
    large = picture.convert("RGB").resize((4 * columns, 4 * rows), Image.Resampling.BOX)
    lab = to_oklab(np.asarray(large.resize((columns, rows), Image.Resampling.BOX)) / 255)
    around = [_distance(lab, gaussian_filter(lab, (reach, reach, 0), mode="nearest")) for reach in SURROUNDINGS]
    measures = [sum(around), _distance(lab, lab.mean(axis=(0, 1))), _unlike_rim(lab), _detail(large)]
    found = gaussian_filter(sum(_scaled(measure) for measure in measures), SOFT, mode="nearest")
    heads = faces.find_in_any_shape(picture) if heads is None else heads
    plain = _scaled(np.maximum(0, found - np.percentile(found, 10)) * _middle(rows, columns))
    return _scaled(np.maximum(plain, FACE * gaussian_filter(_faces(heads, rows, columns), 1.0)))


def subject(heat: np.ndarray) -> np.ndarray:
    """The fields that stand out most: bool, of the shape of `heat`; none where all is alike."""
    return heat > STANDS_OUT * heat.mean()


def interest(heats: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """How much there is to see of the subjects in each column (`axis` 0) or row (1) of pictures of one shape."""
    return np.asarray(sum(np.where(subject(heat), heat, 0).sum(axis=axis) for heat in heats))


def window(interest: np.ndarray, kept: float) -> tuple[float, float]:
    """Where along its room the part with most interest begins, of which `kept` is the share; and how much it holds.

    Both from 0 to 1. Of parts that hold nearly as much it is the one nearest to the middle.
    """
    total = interest.sum()
    if total == 0:
        return 0.5, 1.0
    held = np.convolve(interest, np.ones(max(1, round(len(interest) * min(1.0, kept)))), "valid") / total
    room = len(held) - 1
    good = np.flatnonzero(held >= NEARLY * held.max())
    return (float(good[np.abs(good - room / 2).argmin()] / room) if room else 0.5), float(held.max())


def _distance(lab, other):
    return np.linalg.norm(lab - other, axis=-1)


def _unlike_rim(lab):
    """How few of the fields along the upper and the side edges are of a colour like each field's."""
    rim = np.concatenate([lab[:RIM].reshape(-1, 3), lab[:, :RIM].reshape(-1, 3), lab[:, -RIM:].reshape(-1, 3)])[::4]
    apart = np.linalg.norm(lab[:, :, None] - rim, axis=-1)
    unlike = 1 - np.exp2(-((apart / ALIKE) ** 2)).mean(axis=-1)
    return unlike - unlike.min()


def _detail(picture):
    """How much the lightness changes within each field."""
    grey = np.asarray(picture.convert("L"), dtype=np.float32) / 255
    return grey.reshape(grey.shape[0] // 4, 4, -1, 4).std(axis=(1, 3))


def _faces(found, rows, columns):
    """1 where there is a face, an ellipse a little larger than what was found, else 0."""
    y, x = (np.arange(rows)[:, None] + 0.5) / rows, (np.arange(columns) + 0.5) / columns
    total = np.zeros((rows, columns))
    for left, top, right, bottom in found:
        across, down = (2 * x - left - right) / (right - left), (2 * y - top - bottom) / (bottom - top)
        total = np.maximum(total, across**2 + down**2 < 1.3)
    return total


def _middle(rows, columns):
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)
    return MIDDLE + (1 - MIDDLE) * np.exp(-(x**2 + y**2))


def _scaled(values):
    """From 0 to 1, where the values differ by more than what nobody sees."""
    return values / values.max() if values.max() > 1e-2 else np.zeros_like(values)
