"""Zeros chosen on data: those that cost a layer's outputs least, when the weights that are left make up for them.

Frantar and Alistarh, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot", 2023, after the optimal
brain surgeon (Hassibi and Stork 1992).
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Mask, bake, constrain
from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.pruning.masks import latent, lowest_to_zero, set_masks
from exporter.compression.pruning.patterns import nm_mask
from exporter.compression.rounding.gptq import Snap, compensated
from exporter.compression.rounding.layers import Problem, damped, set_float
from exporter.compression.rounding.solving import solve

_PART = 128
"""Inputs whose zeros are chosen together, after those before were made up for."""


def prune_on_data(module: nn.Module, wanted: Sequence[tuple[Layer, float]], context: Context) -> dict[str, Any]:
    """Give each layer its share of zeros, first layer to last; layers that data say nothing of are pruned by magnitude.

    Args:
        module: changed in place.
        wanted: layers of it and their sparsities.
        context: of the step.

    Returns:
        Figures.
    """
    shares = {layer.name: sparsity for layer, sparsity in wanted}

    def by_magnitude(layer: Layer) -> None:
        set_masks([layer], [lowest_to_zero(latent(layer.module).abs(), shares[layer.name])])

    layers = [layer for layer, _ in wanted]
    done = solve(module, layers, lambda layer: partial(_put, sparsity=shares[layer.name]), by_magnitude, context)
    return _figures(done, layers)


def prune_pattern_on_data(
    module: nn.Module, layers: Sequence[Layer], zeros: int, of: int, context: Context
) -> dict[str, Any]:
    """Zero `zeros` of every `of` neighbouring input channels at each place of the kernel; gives figures."""

    def by_magnitude(layer: Layer) -> None:
        set_masks([layer], [nm_mask(latent(layer.module), zeros, of)])

    done = solve(module, layers, lambda _: partial(_put_pattern, zeros=zeros, of=of), by_magnitude, context)
    return _figures(done, layers)


def _figures(done: int, layers: Sequence[Layer]) -> dict[str, Any]:
    return {"layers_pruned_on_data": done, "layers_pruned_by_magnitude": len(layers) - done}


def _put(problem: Problem, sparsity: float) -> None:
    """The cost of each zero alone says how many a part of the inputs gets; which, the costs when it is its turn."""
    weight, hessian = problem.weight, problem.hessian
    order = hessian.diagonal(dim1=1, dim2=2).argsort(dim=1, descending=True)
    cost = torch.cholesky_inverse(torch.linalg.cholesky(damped(hessian.double()))).diagonal(dim1=1, dim2=2) ** -1
    first = lowest_to_zero(weight**2 * cost[:, None], sparsity).gather(2, order[:, None].expand_as(weight))
    counts = iter([int((part == 0).sum()) for part in first.split(_PART, 2)])

    def begin(left: Tensor, cost: Tensor, index: Tensor) -> Snap:
        return _zeroing(lowest_to_zero(left**2 * cost[:, None], next(counts) / left.numel()))

    _mask(problem.layer, compensated(weight, hessian, order, _PART, begin))


def _put_pattern(problem: Problem, zeros: int, of: int) -> None:
    """Neighbouring channels at one place of the kernel are chosen from together, those that weigh most first."""
    weight, hessian = problem.weight, problem.hessian
    kernel = math.prod(getattr(problem.layer, "kernel_size", (1,)))
    patterns = torch.arange(weight.shape[2]).view(-1, of, kernel).transpose(1, 2).reshape(-1, of)
    weights = hessian.diagonal(dim1=1, dim2=2)[:, patterns].sum(2)
    order = patterns[weights.argsort(dim=1, descending=True)].flatten(1)

    def begin(left: Tensor, cost: Tensor, index: Tensor) -> Snap:
        dead = (left**2 * cost[:, None]).argsort(dim=2, stable=True)[:, :, :zeros]
        return _zeroing(torch.ones_like(left).scatter_(2, dead, 0))

    _mask(problem.layer, compensated(weight, hessian, order, of, begin))


def _zeroing(alive: Tensor) -> Snap:
    """Keeps weights, or makes them zero; `alive` is of inputs in the order in which they come."""
    columns = iter(alive.unbind(2))
    return lambda column, _: column * next(columns)


def _mask(layer: nn.Module, weight: Tensor) -> None:
    bake(layer)
    set_float(layer, weight)
    constrain(layer, Mask((weight != 0).reshape(layer.get_parameter("weight").shape)))
