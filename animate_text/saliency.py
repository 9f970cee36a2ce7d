"""Where a picture shows most: faces, detail, and what stands out in colour from its surroundings and from the rim."""

import numpy as np
from PIL import Image

from animate_text import faces
from animate_text.colour import to_oklab

ROWS, COLUMNS = 96, 54  # fields of the map, 20 pixels of a cover each way
RIM = 3  # fields at each edge that tell what the background is; the lower edge does not count, where subjects stand
ALIKE = 0.10  # distance in Oklab at which a colour of the rim counts as half another's
SURROUNDINGS = (5, 12)  # fields: how far what is around a point reaches, small and large
SOFT = 2.0  # fields over which the map is evened out
MIDDLE = 0.5  # of the weight of the middle: what the corners have, since people film what matters in the middle
STANDS_OUT = 1.5  # of the mean: what counts as the subject
FACE = 2.0  # times the most that anything else has: a face is what one looks at first


def heat(picture: Image.Image) -> np.ndarray:
    """How much each part of a picture draws the eye: float, from 0 to 1, shape (ROWS, COLUMNS); 0 where all is alike.

    The sum of the contrast to the surroundings, by colour, at two scales (centre and surround: Itti, Koch and Niebur,
    "A Model of Saliency-Based Visual Attention", 1998), the distance from the mean colour (Achanta et al.,
    "Frequency-tuned Salient Region Detection", 2009), that from the colours along the rim, which is background as a
    rule (Zhu et al., "Saliency Optimization from Robust Background Detection", 2014), and of fine detail. Faces count
    more than any of it.
    """
    from scipy.ndimage import gaussian_filter

    large = picture.convert("RGB").resize((4 * COLUMNS, 4 * ROWS), Image.Resampling.BOX)
    lab = to_oklab(np.asarray(large.resize((COLUMNS, ROWS), Image.Resampling.BOX)) / 255)
    around = [_distance(lab, gaussian_filter(lab, (reach, reach, 0), mode="nearest")) for reach in SURROUNDINGS]
    measures = [sum(around), _distance(lab, lab.mean(axis=(0, 1))), _unlike_rim(lab), _detail(large)]
    found = gaussian_filter(sum(_scaled(measure) for measure in measures), SOFT, mode="nearest")
    plain = _scaled(np.maximum(0, found - np.percentile(found, 10)) * _middle())
    return _scaled(np.maximum(plain, FACE * gaussian_filter(_faces(picture), 1.0)))


def subject(heat: np.ndarray) -> np.ndarray:
    """The fields that stand out most: bool, of the shape of `heat`; none where all is alike."""
    return heat > STANDS_OUT * heat.mean()


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
    return grey.reshape(ROWS, 4, COLUMNS, 4).std(axis=(1, 3))


def _faces(picture):
    """1 where there is a face, an ellipse a little larger than what was found, else 0."""
    y, x = (np.arange(ROWS)[:, None] + 0.5) / ROWS, (np.arange(COLUMNS) + 0.5) / COLUMNS
    total = np.zeros((ROWS, COLUMNS))
    for left, top, right, bottom in faces.find(picture):
        across, down = (2 * x - left - right) / (right - left), (2 * y - top - bottom) / (bottom - top)
        total = np.maximum(total, across**2 + down**2 < 1.3)
    return total


def _middle():
    y, x = np.linspace(-1, 1, ROWS)[:, None], np.linspace(-1, 1, COLUMNS)
    return MIDDLE + (1 - MIDDLE) * np.exp(-(x**2 + y**2))


def _scaled(values):
    """From 0 to 1, where the values differ by more than what nobody sees."""
    return values / values.max() if values.max() > 1e-2 else np.zeros_like(values)
