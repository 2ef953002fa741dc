"""Arrays: scatter, gather, shapes, slices, padding, order."""

import operator
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import pytest
import torch

from exporter.formats.coreml.reference.family import Bools
from exporter.formats.coreml.reference.ops import (
    scatter_gather,
    shapes,
    tensors,
)
from tests.exporter.formats.coreml.reference.ops.operands import ints

T = torch.tensor


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


def test_concat_joins_scalars_as_converters_write_shapes() -> None:
    assert shapes.concat([torch.tensor(1), torch.tensor(7)], 0).tolist() == [1, 7]


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
