"""GPTQ: weights are rounded one input after the other, and those that are still free make up for the error.

Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2023, after optimal
brain quantization (Frantar and Alistarh, 2022). Whatever can round the weights of one input can be made up for: grids,
and tables as well.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Grid, Half, constrain
from exporter.compression.forms.nearest import Chosen
from exporter.compression.forms.precision import Precision
from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.rounding.layers import Problem, Put, damped, set_float
from exporter.compression.rounding.snaps import grid_snap
from exporter.compression.rounding.solving import Rounded, nearest, solve
from exporter.compression.rounding.tables import put_table

Snap = Callable[[Tensor, Tensor], Tensor]
"""Weights (groups, outputs) of one input of each group, and the inputs' indices (groups,) -> what may be stored."""

_BLOCK = 128
"""Inputs after which the error is handed on to all that are left, at once: one product of matrices in place of many."""


Begin = Callable[[Tensor, Tensor, Tensor], Snap]
"""Some inputs' weights (groups, outputs, inputs), how much each may cost to change (groups, inputs), and their indices
(groups, inputs) -> how they are rounded."""


def round_on_data(module: nn.Module, chosen: Sequence[Chosen], context: Context, seconds: float) -> Rounded:
    """Round layer by layer; whatever the time, because it is short."""
    wanted = {layer.name: precision for layer, precision in chosen}

    def put_on(layer: Layer) -> Put:
        return partial(put, precision=wanted[layer.name])

    return Rounded(solve(module, [layer for layer, _ in chosen], put_on, nearest(chosen, context), context))


def put(problem: Problem, precision: Precision) -> None:
    """Give the layer its form, with values that make up for one another."""
    if precision.form == "table":
        put_table(problem, precision, rounded)
        return
    found = problem.weight
    if precision.form == "grid":
        found = rescaled(rounded(found, problem.hessian, grid_snap(problem, precision)), problem)
    set_float(problem.layer, found)
    constrain(problem.layer, Half() if precision.form == "float16" else Grid(precision.bits, precision.block_size))


def rounded(weight: Tensor, hessian: Tensor, snap: Snap) -> Tensor:
    """The weight with every value on its grid, with a small error of the layer's outputs.

    Args:
        weight: (groups, outputs, inputs), float32.
        hessian: (groups, inputs, inputs): mean of the outer products of what the layer reads.
        snap: rounds the weights of one input.
    """
    order = hessian.diagonal(dim1=1, dim2=2).argsort(dim=1, descending=True)
    return compensated(weight, hessian, order, _BLOCK, lambda *_: snap)


def compensated(weight: Tensor, hessian: Tensor, order: Tensor, part: int, begin: Begin) -> Tensor:
    """The weight with every value rounded, in this order of the inputs, where those that are left make up for it.

    Args:
        weight: (groups, outputs, inputs), float32.
        hessian: (groups, inputs, inputs).
        order: (groups, inputs).
        part: inputs that `begin` sees at once.
        begin: says before each part how its inputs are rounded; the cost is the least error of the outputs that a
            change by one leaves, when all that come after make up for it.
    """
    left = weight.gather(2, order[:, None].expand_as(weight))
    upper = inverse_factor(permuted(hessian, order))
    found = torch.empty_like(left)
    size = max(_BLOCK // part, 1) * part
    for first in range(0, left.shape[2], size):
        block = slice(first, first + size)
        own = left[:, :, block].clone()
        found[:, :, block], errors = _block(own, upper[:, block, block], order[:, block], part, begin)
        left[:, :, first + size :] -= errors @ upper[:, block, first + size :]
    return torch.empty_like(found).scatter_(2, order[:, None].expand_as(found), found)


def _block(left: Tensor, upper: Tensor, order: Tensor, part: int, begin: Begin) -> tuple[Tensor, Tensor]:
    """Rounded weights of a block's inputs, and their errors for what comes after it; `left` is used up."""
    found, errors = torch.empty_like(left), torch.empty_like(left)
    diagonal = upper.diagonal(dim1=1, dim2=2)
    for place in range(left.shape[2]):
        if place % part == 0:
            own = slice(place, place + part)
            snap = begin(left[:, :, own], diagonal[:, own] ** -2, order[:, own])
        column = left[:, :, place]
        found[:, :, place] = snap(column, order[:, place])
        errors[:, :, place] = (column - found[:, :, place]) / diagonal[:, place, None]
        left[:, :, place + 1 :] -= errors[:, :, place, None] * upper[:, None, place, place + 1 :]
    return found, errors


def permuted(hessian: Tensor, order: Tensor) -> Tensor:
    """The Hessian of the inputs in this order, (groups, inputs)."""
    rows = hessian.gather(1, order[:, :, None].expand_as(hessian))
    return rows.gather(2, order[:, None, :].expand_as(hessian))


def inverse_factor(hessian: Tensor) -> Tensor:
    """The upper triangular U of the damped Hessian's inverse, U^T U; computed in double precision."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped(hessian.double())))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor.to(hessian.dtype)


def rescaled(weight: Tensor, problem: Problem) -> Tensor:
    """Each channel times the number that is best for the wanted outputs: its integers stay, its scale is moved."""
    wanted = (weight * problem.moment).sum(2, keepdim=True)
    given = (weight * (weight @ problem.hessian)).sum(2, keepdim=True)
    return weight * torch.where(given > 0, wanted / given, 1).clamp(0.5, 2)
