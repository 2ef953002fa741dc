"""AdaRound: whether each weight of a grid is rounded up or down is learned from the layer's outputs.

Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020. What a layer gets wrong is a
quadratic form of its weights, whose gradient needs no examples once its matrix is known: every step sees all of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Grid, constrain
from exporter.compression.forms.nearest import Chosen
from exporter.compression.forms.precision import Precision
from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.rounding import gptq
from exporter.compression.rounding.budget import Budget, Share
from exporter.compression.rounding.layers import Problem, Put, set_float
from exporter.compression.rounding.snaps import grid_snap
from exporter.compression.rounding.soft import WARM, SoftGrid
from exporter.compression.rounding.solving import Rounded, nearest, solve

STEPS = 400
RATE = 0.02


def round_on_data(module: nn.Module, chosen: Sequence[Chosen], context: Context, seconds: float) -> Rounded:
    """Learn the integers of grids; what is no grid goes by GPTQ."""
    budget = Budget(seconds, len(chosen))
    wanted = {layer.name: precision for layer, precision in chosen}

    def put(layer: Layer) -> Put:
        return lambda problem: _put(problem, wanted[layer.name], budget.share())

    done = solve(module, [layer for layer, _ in chosen], put, nearest(chosen, context), context)
    return Rounded(done, budget.cut)


def _put(problem: Problem, precision: Precision, share: Share) -> None:
    """Each channel takes what is better, the learned integers or those of GPTQ."""
    if precision.form != "grid":
        gptq.put(problem, precision)
        return
    weight, snap = problem.weight, grid_snap(problem, precision)
    ends = snap.top * weight.sign() * snap.pinned
    soft = SoftGrid(weight, snap.scale, snap.top, snap.pinned | ~snap.alive, ends)
    _train(soft, problem, share)
    by_gptq = gptq.rescaled(gptq.rounded(weight, problem.hessian, snap), problem)
    learned = gptq.rescaled(soft.hard(), problem)
    learns = _losses(learned, problem) < _losses(by_gptq, problem)
    set_float(problem.layer, torch.where(learns[:, :, None], learned, by_gptq))
    constrain(problem.layer, Grid(precision.bits, precision.block_size))


def _losses(weight: Tensor, problem: Problem) -> Tensor:
    """Square errors of the outputs, but for what no weight takes away, (groups, outputs)."""
    return (weight * (weight @ problem.hessian - 2 * problem.moment)).sum(2)


def _train(soft: SoftGrid, problem: Problem, share: Share) -> None:
    """Train until the weights are on their steps, or time runs out."""
    optimizer = torch.optim.Adam(soft.parameters(), RATE)
    missing = soft.hard() - problem.weight
    first = (missing * (missing @ problem.hessian)).sum().detach().clamp_min(1e-30)
    for step in range(STEPS):
        progress = share.progress(step, STEPS)
        if progress is None:
            return
        with torch.enable_grad():
            missing = soft(problem.weight) - problem.weight
            loss = (missing * (missing @ problem.hessian)).sum() / first
            if progress > WARM:
                loss = loss + soft.penalty(progress)
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
