"""Colours: Oklab, contrast, and palettes out of pictures."""

import numpy as np
import pytest
from PIL import Image

from animate_text.colour import contrast, from_oklab, palette_of, to_oklab


def test_oklab_is_ottossons():
    # The pairs that his article gives for XYZ, and white, black and red in sRGB.
    assert to_oklab(np.ones(3)) == pytest.approx([1, 0, 0], abs=1e-4)
    assert to_oklab(np.zeros(3)) == pytest.approx([0, 0, 0], abs=1e-6)
    assert to_oklab(np.array([1.0, 0, 0])) == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-4)
    colours = np.random.default_rng(0).random((50, 3))
    assert from_oklab(to_oklab(colours)) == pytest.approx(colours, abs=1e-5)


def test_contrast_is_that_of_wcag():
    assert contrast(np.ones(3), np.zeros(3)) == pytest.approx(21)
    assert contrast(np.full(3, 0x76 / 255), np.ones(3)) == pytest.approx(4.54, abs=0.01)


def test_the_palette_is_taken_from_the_picture():
    half = Image.new("RGB", (100, 100), (30, 60, 200))
    half.paste((240, 120, 20), (0, 60, 100, 100))
    palette = palette_of(half, [], 0)
    hue = [np.arctan2(*to_oklab(np.array(part))[:0:-1]) for part in (palette.cool, palette.accent)]
    wanted = [np.arctan2(*to_oklab(np.array(part) / 255)[:0:-1]) for part in ((30, 60, 200), (240, 120, 20))]
    assert np.cos(np.subtract(hue, wanted)).min() > 0.9


def test_a_picture_without_colour_has_a_palette_all_the_same():
    assert palette_of(Image.new("RGB", (50, 50), "grey"), [], 1) != palette_of(
        Image.new("RGB", (50, 50), "grey"), [], 2
    )
