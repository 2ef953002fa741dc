"""The examples of the operations' own documentation, and what it leaves to torch."""

import operator
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import pytest
import torch

from exporter.formats.coreml.reference.family import Bools, Ints
from exporter.formats.coreml.reference.ops import (
    constexpr,
    convolution,
    elementwise,
    pooling,
    recurrent,
    resizing,
    sampling,
    scatter_gather,
    shapes,
    tensors,
)

T = torch.tensor


def ints(*values: int) -> Ints:
    """A constant operand, as the loader gives it."""
    return Ints(values)


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


def test_grouped_table_of_the_documentation() -> None:
    indices = T([2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3], dtype=torch.uint8).reshape(6, 2)
    lut = T([1.0, 5.0, 9.0, 13.0, 2.0, 10.0, 18.0, 26.0]).reshape(2, 1, 4, 1)
    wanted = [[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]]
    assert constexpr.lut_to_dense(indices, lut).tolist() == wanted


@pytest.mark.parametrize(
    ("axis", "wanted"),
    [
        (1, [[[1, 1], [2, 2], [3, 3], [4, 1], [5, 2], [6, 3]], [[4, 4], [5, 5], [6, 6], [1, 1], [2, 2], [3, 3]]]),
        (2, [[[1, 2, 3, 1, 2, 3], [4, 5, 6, 1, 2, 3]], [[4, 5, 6, 4, 5, 6], [1, 2, 3, 1, 2, 3]]]),
    ],
)
def test_vector_table_of_the_documentation(axis: int, wanted: list[object]) -> None:
    indices = T([[[0, 0], [1, 0]], [[1, 1], [0, 0]]], dtype=torch.uint8)
    lut = T([[1, 2, 3], [4, 5, 6]], dtype=torch.int8).reshape(1, 1, 1, 2, 3)
    assert constexpr.lut_to_dense(indices, lut, None, axis).tolist() == wanted


def test_sparse_table_of_the_documentation() -> None:
    mask = T([[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 1], [0, 1, 1, 0, 1, 0], [0, 0, 0, 1, 0, 0]], dtype=torch.uint8)
    data = T([0, 1, 1, 0, 1, 1, 0, 0, 1], dtype=torch.uint8)
    same, values = constexpr.lut_to_sparse(mask, data, T([2.0, 3.0]).reshape(1, 1, 2, 1))
    assert torch.equal(same, mask)
    assert values.tolist() == [2, 3, 3, 2, 3, 3, 2, 2, 3]
    wide, vectors = constexpr.lut_to_sparse(mask, data, T([[2.0, 2.0], [3.0, 3.0]]).reshape(1, 1, 2, 2), 0)
    assert wide.shape == (8, 6)
    dense = constexpr.sparse_to_dense(vectors, wide)
    assert dense[:2].tolist() == [[2, 3, 0, 0, 0, 0]] * 2


def test_sparse_scales_of_the_documentation() -> None:
    mask = T([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=torch.uint8)
    data = T([10, 11, 3, 4, 5, 6, 7, 8, 9], dtype=torch.int8)
    _, values = constexpr.sparse_blockwise_shift_scale(
        mask, data, T([[0.1, 0.2, 0.3, 0.4]]), T([[1, 2, 3, 4]], dtype=torch.int8)
    )
    np.testing.assert_allclose(values, [0.9, 1.8, 0.2, 0.4, 0.6, 0.9, 1.2, 0.7, 1.4], atol=1e-6)


def test_packed_bits_start_with_the_least_significant() -> None:
    """2-bit indices of iOS 16: the byte 01 10 11 00 holds 0, 3, 2, 1."""
    packed = T([0b01101100, 0b00000011], dtype=torch.uint8)
    table = T([10.0, 20.0, 30.0, 40.0])
    assert constexpr.lut_to_dense(packed, table, ints(5)).tolist() == [10, 40, 30, 20, 40]
    mask = T([0b00001100], dtype=torch.uint8)
    assert constexpr.sparse_to_dense(T([7.0, 8.0]), mask, ints(5)).tolist() == [0, 0, 7, 8, 0]


def test_blocks_share_a_scale() -> None:
    data = torch.arange(8, dtype=torch.int8).reshape(2, 4)
    scale = T([[1.0, 10.0], [100.0, 1000.0]])
    assert constexpr.blockwise_shift_scale(data, scale).tolist() == [[0, 1, 20, 30], [400, 500, 6000, 7000]]


def test_quantize_rounds_halves_to_even_and_saturates() -> None:
    values = constexpr.quantize(T([0.5, 1.5, -300.0, 300.0]), T(1.0), "int8")
    assert values.tolist() == [0, 2, -128, 127]
    assert constexpr.dequantize(values, T(2.0), T(2, dtype=torch.int8)).tolist() == [-4, 0, -260, 250]


def test_scatter_of_the_documentation() -> None:
    data = T([[1, 2, 3], [4, 5, 6]])
    updates = T([[5, 6, 7], [8, 9, 10]])
    assert scatter_gather.scatter(data, T([1, 0]), updates, 0, "add").tolist() == [[9, 11, 13], [9, 11, 13]]


@pytest.mark.parametrize("mode", ["update", "add", "sub", "mul", "div", "max", "min"])
def test_scatter_along_axis_is_a_loop(mode: str) -> None:
    data, updates = torch.rand(3, 4) + 1, torch.rand(3, 2) + 1
    indices = torch.stack([torch.randperm(4)[:2] for _ in range(3)])
    combine: dict[str, Callable[[Any, Any], Any]] = {
        "update": lambda a, b: b,
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "div": operator.truediv,
        "max": max,
        "min": min,
    }
    wanted = data.clone()
    for i in range(3):
        for j in range(2):
            at = int(indices[i, j])
            wanted[i, at] = combine[mode](wanted[i, at], updates[i, j])
    assert torch.allclose(scatter_gather.scatter_along_axis(data, indices, updates, 1, mode), wanted)


def test_gather_with_batches_is_a_loop_and_indices_out_of_range_are_an_error() -> None:
    x, indices = torch.rand(2, 5, 3), torch.randint(-5, 5, (2, 4))
    wanted = torch.stack([x[i][indices[i]] for i in range(2)])
    assert torch.equal(scatter_gather.gather(x, indices, 1, 1), wanted)
    pairs = torch.randint(0, 3, (2, 4, 1))
    assert torch.equal(scatter_gather.gather_nd(x, pairs, 1), torch.stack([x[i][pairs[i, :, 0]] for i in range(2)]))
    with pytest.raises(IndexError, match="outside of length 5"):
        scatter_gather.gather(x, T([5]), 1)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [([0, -1], (2, 50)), ([1, 0, -1, 0], (1, 1, 2, 50)), ([-1], (100,)), ([4, 25], (4, 25))],
)
def test_reshape_counts_zeros_from_the_right(shape: list[int], wanted: tuple[int, ...]) -> None:
    assert shapes.reshape(torch.zeros(2, 50), ints(*shape)).shape == wanted


@pytest.mark.parametrize(
    ("shape", "axis", "wanted"),
    [((3,), -1, (1, 3)), ((3,), 1, (3, 1)), ((4, 3), -1, (4, 3)), ((2, 3, 2), -1, (6, 2)), ((5, 5, 2), 1, (5, 10))],
)
def test_flatten2d_of_the_documentation(shape: tuple[int, ...], axis: int, wanted: tuple[int, ...]) -> None:
    assert shapes.flatten2d(torch.zeros(shape), axis).shape == wanted


def test_concat_interleaves_and_reshape_like_joins_shapes() -> None:
    one, two = T([[1, 2], [3, 4], [5, 6]]), T([[7, 8], [9, 10], [11, 12]])
    assert shapes.concat([one, two], 0, True).tolist() == [[1, 2], [7, 8], [3, 4], [9, 10], [5, 6], [11, 12]]
    references = [torch.zeros(2, 3, 4), torch.zeros(1, 5, 6)]
    ends = Bools([False, True])
    assert shapes.reshape_like(torch.zeros(180), references, ints(0, 1), ints(2, 0), ends).shape == (2, 3, 5, 6)


@pytest.mark.parametrize("stride", [[1, 2], [1, -1], [-1, -2]])
def test_slices_are_numpys(stride: list[int]) -> None:
    x = torch.arange(30).reshape(5, 6)
    wanted = x.numpy()[:: stride[0], 5 if stride[1] < 0 else 1 : 0 if stride[1] < 0 else 6 : stride[1]]
    begin, end = ints(0, 5 if stride[1] < 0 else 1), ints(5, 0 if stride[1] < 0 else 6)
    steps, masks = ints(*stride), Bools([True, False])
    assert np.array_equal(shapes.slice_by_index(x, begin, end, steps, masks, masks), wanted)
    updated = shapes.slice_update(x, torch.full(wanted.shape, -1), begin, end, steps, masks, masks)
    assert int((updated == -1).sum()) == wanted.size
    assert int((x == -1).sum()) == 0, "the operand must not change"


def test_block_rearrangements_are_inverse() -> None:
    x = torch.rand(2, 8, 4, 6)
    assert torch.equal(shapes.space_to_depth(shapes.depth_to_space(x, 2), 2), x)
    batches = shapes.space_to_batch(x, ints(2, 3), T([[0, 0], [0, 0]]))
    assert batches.shape == (12, 8, 2, 2)
    assert torch.equal(shapes.batch_to_space(batches, ints(2, 3), T([[0, 0], [0, 0]])), x)


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


def test_suppression_keeps_the_best_of_overlapping_boxes() -> None:
    boxes = T([[[1.0, 1.0, 2.0, 2.0], [1.1, 1.0, 2.0, 2.0], [5.0, 5.0, 2.0, 2.0], [9.0, 9.0, 1.0, 1.0]]])
    scores = T([[[0.5, 0.0], [0.0, 0.9], [0.4, 0.0], [0.01, 0.0]]])
    _, _, kept, count = tensors.non_maximum_suppression(boxes, scores, 0.5, 3, 0.1)
    assert kept.tolist() == [[1, 2, -1]]
    assert count.tolist() == [2]
    *_, by_class = tensors.non_maximum_suppression(boxes.mT, scores.mT, 0.5, 4, per_class_suppression=True)
    assert by_class.tolist() == [[1, 0, 2, 3]]


def test_sorting_keeps_the_order_of_equals() -> None:
    x = T([1, 3, 1, 3])
    values, places = tensors.topk(x, 3)
    assert values.tolist() == [3, 3, 1]
    assert places.tolist() == [1, 3, 0]
    assert tensors.argsort(x, ascending=True).tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_padding_is_numpys(mode: str) -> None:
    x = torch.rand(2, 4, 5)
    numpys = cast(Literal["constant", "reflect", "edge"], {"replicate": "edge"}.get(mode, mode))
    wanted = np.pad(x.numpy(), ((0, 0), (1, 2), (3, 0)), numpys)
    assert np.array_equal(tensors.pad(x, ints(1, 2, 3, 0), mode), wanted)
