"""How alike two pictures are, on pictures whose answer is known."""

import numpy as np
import pytest

from core import picture_quality

PICTURE = np.random.default_rng(0).uniform(60, 190, (64, 48)).astype(np.float32)


def test_a_picture_is_like_itself():
    assert picture_quality.ssim(PICTURE, PICTURE) == pytest.approx(1)
    assert picture_quality.psnr(PICTURE, PICTURE) == 100


def test_psnr_is_that_of_a_known_difference():
    assert picture_quality.psnr(PICTURE, PICTURE + 10) == pytest.approx(20 * np.log10(255 / 10))


def test_ssim_of_flat_pictures_is_what_their_brightness_says():
    one, two = np.full((32, 32), 100.0), np.full((32, 32), 120.0)
    small = (0.01 * 255) ** 2
    assert picture_quality.ssim(one, two) == pytest.approx((2 * 100 * 120 + small) / (100**2 + 120**2 + small))


def test_more_noise_is_less_alike_and_another_picture_is_nothing_alike():
    noise = np.random.default_rng(1).normal(size=PICTURE.shape)
    near, far = (picture_quality.ssim(PICTURE, PICTURE + size * noise) for size in (5, 40))
    assert 0.9 < near < 1
    assert far < near
    assert abs(picture_quality.ssim(PICTURE, PICTURE[::-1])) < 0.1
