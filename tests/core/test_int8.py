"""Linear layers with 8-bit weights: as the layers they replace, within the error of 8 bits."""

import pytest
import torch

from core import int8

pytestmark = pytest.mark.skipif(not int8.is_fast("cpu"), reason="torch has no such kernels for this processor")


def error(ours, theirs):
    return ((ours - theirs).norm() / theirs.norm()).item()


def test_layers_of_one_input_become_one_matrix():
    torch.manual_seed(0)
    first, second = torch.nn.Linear(64, 32), torch.nn.Linear(64, 16, bias=False)
    inputs = torch.randn(3, 5, 64)
    both = torch.cat([first(inputs), second(inputs)], -1)
    assert error(int8.linear(first, second)(inputs), both) < 0.02


def test_a_feature_that_is_far_larger_than_the_rest_leaves_something_of_those():
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(256, 256, bias=False))
    inputs = torch.randn(40, 256)
    inputs[:, 7] *= 300
    with torch.inference_mode():
        plain[0].weight[:, 7] *= 0.01
        expected = plain(inputs)
        unaware = int8.linear(plain[0])(inputs)
        int8.replace_linears(plain, lambda: plain(inputs[:20]))
        assert error(plain(inputs), expected) < 0.3 * error(unaware, expected)


def test_what_no_calibration_reaches_is_replaced_as_well():
    torch.manual_seed(0)
    model = torch.nn.ModuleDict({"used": torch.nn.Linear(16, 8), "unused": torch.nn.Linear(16, 8)})
    inputs = torch.randn(4, 16)
    with torch.inference_mode():
        expected = model["unused"](inputs)
        int8.replace_linears(model, lambda: model["used"](inputs))
        assert error(model["unused"](inputs), expected) < 0.02
        assert model["unused"].weight is None
