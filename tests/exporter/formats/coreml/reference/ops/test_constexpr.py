"""Compressed weights: the tables, scales and masks of the operations' own documentation."""

import numpy as np
import pytest
import torch

from exporter.formats.coreml.reference.ops import constexpr
from tests.exporter.formats.coreml.reference.ops.operands import ints

T = torch.tensor


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
