"""GPTQ: weights are rounded one input after the other, and those that are still free make up for the error.

Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2023, after optimal
brain quantization (Frantar and Alistarh, 2022); with zeros given, SparseGPT (Frantar and Alistarh, 2023).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from exporter.compression.forms.nearest import to_nearest
from exporter.compression.rounding.layers import Problem, damped, set_float
from exporter.compression.rounding.snaps import grid_snap

Snap = Callable[[Tensor, Tensor], Tensor]
"""Weights (groups, outputs) of one input of each group, and the inputs' indices (groups,) -> what may be stored."""


def put(problem: Problem) -> None:
    """Give the layer its form, with values that make up for one another."""
    layer, precision = problem.layer, problem.precision
    found = problem.weight
    if precision.form == "grid":
        found = rounded(found, problem.hessian, grid_snap(layer, precision, found, problem.hessian))
    set_float(layer, found)
    to_nearest(layer, precision, problem.seed)


def rounded(weight: Tensor, hessian: Tensor, snap: Snap) -> Tensor:
    """The weight with every value on its grid, with a small error of the layer's outputs.

    Args:
        weight: (groups, outputs, inputs), float32.
        hessian: (groups, inputs, inputs): mean of the outer products of what the layer reads.
        snap: rounds the weights of one input.
    """
    order = hessian.diagonal(dim1=1, dim2=2).argsort(dim=1, descending=True)
    left = weight.double().gather(2, order[:, None].expand_as(weight)).clone()
    upper = _inverse_factor(_permuted(hessian.double(), order))
    found = torch.empty_like(left)
    for place in range(left.shape[2]):
        column = left[:, :, place]
        chosen = snap(column, order[:, place])
        found[:, :, place] = chosen
        error = (column - chosen) / upper[:, place, place, None]
        left[:, :, place + 1 :] -= error[:, :, None] * upper[:, None, place, place + 1 :]
    result = torch.empty_like(found).scatter_(2, order[:, None].expand_as(found), found)
    return result.to(weight.dtype)


def _permuted(hessian: Tensor, order: Tensor) -> Tensor:
    rows = hessian.gather(1, order[:, :, None].expand_as(hessian))
    return rows.gather(2, order[:, None, :].expand_as(hessian))


def _inverse_factor(hessian: Tensor) -> Tensor:
    """The upper triangular U of the inverse, U^T U."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped(hessian)))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor
