"""Layers: where resizing, convolution, pooling, recurrence and sampling take their values from."""

from typing import Any

import numpy as np
import pytest
import torch

from exporter.formats.coreml.reference.ops import (
    convolution,
    elementwise,
    pooling,
    recurrent,
    resizing,
    sampling,
)
from tests.exporter.formats.coreml.reference.ops.operands import ints

T = torch.tensor


@pytest.mark.parametrize(
    ("mode", "count", "points"),
    [
        ("UNALIGN_CORNERS", 5, [0, 0.1, 0.5, 0.9, 1]),
        ("STRICT_ALIGN_CORNERS", 5, [0, 0.25, 0.5, 0.75, 1]),
        ("ALIGN_CORNERS", 5, [0, 0.25, 0.5, 0.75, 1]),
        ("DEFAULT", 5, [0, 0.4, 0.8, 1, 1]),
        ("OFFSET_CORNERS", 5, [0.1, 0.3, 0.5, 0.7, 0.9]),
        ("UNALIGN_CORNERS", 6, [0, 0, 1 / 3, 2 / 3, 1, 1]),
        ("STRICT_ALIGN_CORNERS", 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ("DEFAULT", 6, [0, 1 / 3, 2 / 3, 1, 1, 1]),
        ("OFFSET_CORNERS", 6, [1 / 12, 0.25, 5 / 12, 7 / 12, 0.75, 11 / 12]),
        ("ALIGN_CORNERS", 1, [0.5]),
        ("STRICT_ALIGN_CORNERS", 1, [0]),
    ],
)
def test_resize_bilinear_samples_where_its_documentation_says(mode: str, count: int, points: list[float]) -> None:
    line = T([0.0, 1.0]).reshape(1, 1, 2)
    resized = resizing.resize_bilinear(line, 1, count, mode)
    np.testing.assert_allclose(resized.flatten(), points, atol=1e-6)


@pytest.mark.parametrize("corners", [True, False])
def test_upsample_bilinear_is_torchs(corners: bool) -> None:
    x = torch.rand(1, 2, 5, 7)
    wanted = torch.nn.functional.interpolate(x, (10, 14), mode="bilinear", align_corners=corners)
    assert torch.allclose(resizing.upsample_bilinear(x, 2, 2, corners), wanted, atol=1e-6)


def test_same_padding_puts_the_odd_element_where_its_name_says() -> None:
    x, weight = torch.arange(4.0).reshape(1, 1, 4), T([1.0, 0.0]).reshape(1, 1, 2)
    assert convolution.conv(x, weight, pad_type="same").flatten().tolist() == [0, 1, 2, 3]
    assert convolution.conv(x, weight, pad_type="same_lower").flatten().tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed_convolution_crops_as_torch_pads(rank: int) -> None:
    x, weight = torch.rand(2, 4, *[5] * rank), torch.rand(4, 3, *[3] * rank)
    bias = torch.rand(3 * 2)
    weight = torch.rand(4, 3, *[3] * rank)
    wanted = getattr(torch.nn.functional, f"conv_transpose{rank}d")(
        x, weight, bias, stride=2, padding=1, output_padding=1, groups=2
    )
    padding, strides, dilations = ints(*[1] * 2 * rank), ints(*[2] * rank), ints(*[1] * rank)
    found = convolution.conv_transpose(x, weight, bias, padding, ints(*wanted.shape), "custom", strides, dilations, 2)
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("ceil", [True, False])
def test_average_pooling_counts_as_torch(exclude: bool, ceil: bool) -> None:
    x = torch.rand(1, 2, 8, 9)
    wanted = torch.nn.functional.avg_pool2d(x, 3, 2, 1, ceil_mode=ceil, count_include_pad=not exclude)
    size, strides, padding = ints(3, 3), ints(2, 2), ints(1, 1, 1, 1)
    found = pooling.avg_pool(x, size, "custom", strides, padding, ceil, exclude)
    assert torch.allclose(found, wanted, atol=1e-6)
    peak = torch.nn.functional.max_pool2d(x, 3, 2, 1, ceil_mode=ceil)
    assert torch.equal(pooling.max_pool(x, size, "custom", strides, padding, ceil), peak)


def test_division_and_remainder_follow_the_divisor() -> None:
    x, y = T([-7, 7]), T([2, -2])
    binary = elementwise.FAMILY.operations
    assert binary["floor_div"].function(x=x, y=y).tolist() == [-4, -4]
    assert binary["mod"].function(x=x, y=y).tolist() == [1, -1]


def test_lstm_is_torchs_in_both_directions() -> None:
    torch.manual_seed(0)
    layer = torch.nn.LSTM(3, 5, bidirectional=True)
    x = torch.rand(4, 2, 3)

    def gates(name: str) -> torch.Tensor:
        i, f, z, o = getattr(layer, name).detach().split(5)
        return torch.cat([i, f, o, z])

    def side(suffix: str, end: str) -> dict[str, torch.Tensor]:
        return {
            f"weight_ih{suffix}": gates(f"weight_ih_l0{end}"),
            f"weight_hh{suffix}": gates(f"weight_hh_l0{end}"),
            f"bias{suffix}": gates(f"bias_ih_l0{end}") + gates(f"bias_hh_l0{end}"),
        }

    weights: dict[str, Any] = side("", "") | side("_back", "_reverse")
    zeros = torch.zeros(2, 10)
    y, h, c = recurrent.lstm(x, zeros, zeros, **weights, direction="bidirectional", output_sequence=True)
    with torch.no_grad():
        wanted, (last_h, last_c) = layer(x)
    assert torch.allclose(y, wanted, atol=1e-6)
    assert torch.allclose(h, torch.cat([*last_h], -1), atol=1e-6)
    assert torch.allclose(c, torch.cat([*last_c], -1), atol=1e-6)


def test_roi_align_of_one_sample_is_offset_corners() -> None:
    """A box from (1, 1) to (3, 3), two by two: samples at 1.5 and 2.5."""
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    found = sampling.crop_resize(
        x,
        boxes=T([[1.0, 1.0, 3.0, 3.0]]),
        box_indices=T([0]),
        target_height=2,
        target_width=2,
        sampling_mode="OFFSET_CORNERS",
    )
    assert found.flatten().tolist() == [9, 10, 14, 15]


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("constant", [9, 9, 1, 2, 3, 9, 9]),
        ("border", [1, 1, 1, 2, 3, 3, 3]),
        ("reflection", [3, 2, 1, 2, 3, 2, 1]),
        ("symmetric", [2, 1, 1, 2, 3, 3, 2]),
    ],
)
def test_resample_pads_as_its_documentation_says(mode: str, wanted: list[float]) -> None:
    x = T([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    places = torch.stack([torch.arange(-2.0, 5.0), torch.zeros(7)], -1).reshape(1, 1, 7, 2)
    found = sampling.resample(x, places, "nearest", mode, 9.0, "unnormalized", True)
    np.testing.assert_allclose(found.flatten(), wanted, atol=1e-5)
