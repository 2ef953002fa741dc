"""How the forms of weights round: grids whose scales are found here, tables as they are, zeros that stay."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import LEAST_PEAK, Mask, constraints_of
from exporter.compression.forms.precision import Precision
from exporter.compression.rounding.layers import Problem
from exporter.compression.rounding.patches import weight_rows

SHRINKS = torch.linspace(0.4, 1.0, 31)
"""Shares of the largest magnitude of which the best becomes the end of a grid."""


@dataclass(frozen=True)
class GridSnap:
    """Rounds to multiples of a scale; (groups, outputs, inputs) all.

    The constraint finds the scale again by the largest value, so the weight of the largest magnitude takes the end of
    the grid, whatever is to be made up for.
    """

    scale: Tensor
    alive: Tensor
    pinned: Tensor
    top: int

    def __call__(self, column: Tensor, index: Tensor) -> Tensor:
        """See `exporter.compression.rounding.gptq.Snap`."""
        scale, alive, pinned = (_at(one, index) for one in (self.scale, self.alive, self.pinned))
        steps = (column / scale).round().clamp(-self.top, self.top)
        return torch.where(pinned, self.top * column.sign(), steps) * scale * alive


def grid_snap(problem: Problem, grid: Precision) -> GridSnap:
    """The grid of each channel, or block of one, with the least error of outputs that rounding to nearest gives.

    Args:
        problem: of the layer.
        grid: its bits and blocks.
    """
    layer, weight, hessian, _ = problem
    top = 2 ** (grid.bits - 1) - 1
    kernel = math.prod(getattr(layer, "kernel_size", (1,)))
    size = grid.block_size * kernel if grid.block_size else weight.shape[2]
    alive = living(layer, weight)
    blocks = torch.unflatten((weight * alive).double(), 2, (-1, size))
    importance = torch.unflatten(hessian.double().diagonal(dim1=1, dim2=2), 1, (-1, size))[:, None]
    peak = blocks.abs().amax(3, keepdim=True)
    best, least = peak / top, torch.full_like(peak, torch.inf)
    for shrink in SHRINKS.tolist():
        scale = peak * shrink / top
        steps = (blocks / scale.clamp_min(1e-30)).round().clamp(-top, top)
        error = ((blocks - steps * scale) ** 2 * importance).sum(3, keepdim=True)
        best, least = torch.where(error <= least, scale, best), torch.minimum(error, least)
    best = best.clamp_min(LEAST_PEAK / top).to(weight.dtype)
    pinned = torch.zeros_like(blocks, dtype=torch.bool).scatter_(3, blocks.abs().argmax(3, keepdim=True), value=True)
    alive = torch.unflatten(alive, 2, (-1, size)) & (peak >= LEAST_PEAK)
    return GridSnap(best.expand_as(blocks).flatten(2), alive.flatten(2), (pinned & alive).flatten(2), top)


def living(layer: nn.Module, weight: Tensor) -> Tensor:
    """Where weights are not kept at zero."""
    alive = torch.ones_like(weight, dtype=torch.bool)
    for one in constraints_of(layer):
        if isinstance(one, Mask):
            alive &= weight_rows(layer, one.mask) != 0
    return alive


def _at(value: Tensor, index: Tensor) -> Tensor:
    return value.gather(2, index[:, None, None].expand(-1, value.shape[1], 1))[:, :, 0]
