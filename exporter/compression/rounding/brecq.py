"""Block reconstruction: the integers of all layers of a block are learned together, from what the block gives.

Li et al., "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction", 2021. Each block begins
with what GPTQ finds for its layers, and keeps it where training finds nothing better. Beside the integers, biases and
the values of tables are trained.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from exporter.compression.forms.batches import spread
from exporter.compression.forms.constraints import Grid, SharedTable, constraints_of
from exporter.compression.forms.folding import traced
from exporter.compression.forms.nearest import Chosen
from exporter.compression.layers import weight_of
from exporter.compression.model import Context, unwatched
from exporter.compression.rounding import gptq
from exporter.compression.rounding.blocks import Part, Values, difference, parts
from exporter.compression.rounding.budget import Budget, Share
from exporter.compression.rounding.layers import float_copy, round_layers
from exporter.compression.rounding.soft import WARM, SoftGrid
from exporter.compression.rounding.solving import Rounded, nearest, solvable
from exporter.data.errors import UsageProblem

STEPS = 400
BATCH = 16
RATE = 0.02
TOWARDS = 0.35
"""Of the way to the float weight, but for one step at most, that weights begin from GPTQ's step: less than half."""
SLOW = 0.003
"""Rate of biases and tables, as a share of their mean magnitude."""


class Block(NamedTuple):
    """A block that is learned: as it is to be rounded, in float, and its inputs in the model that is rounded."""

    rounded: Part
    reference: Part
    given: Values
    wanted: Values


def round_on_data(module: nn.Module, chosen: Sequence[Chosen], context: Context, seconds: float) -> Rounded:
    """Round block by block, first to last.

    Raises:
        UsageProblem: the model cannot be traced, so that its blocks are not known.
    """
    graph = module if isinstance(module, fx.GraphModule) else traced(module)
    if graph is None:
        raise UsageProblem(
            "rounding 'brecq' must see the model's blocks, and torch.fx cannot trace this model (its Python code "
            "branches on values). Round it by 'gptq' or 'adaround'."
        )
    without_data = nearest(chosen, context)
    reference = float_copy(graph)
    assert isinstance(reference, fx.GraphModule)
    layers = {layer.name: layer for layer in solvable([layer for layer, _ in chosen], without_data)}
    precisions = {layer.name: precision for layer, precision in chosen}
    puts = {name: partial(gptq.put, precision=precisions[name]) for name in layers}
    pairs = list(zip(parts(graph, module, layers), parts(reference, module, layers), strict=True))
    budget = Budget(seconds, len(pairs))
    done = set[str]()
    given: Values = dict(zip(pairs[0][0].sources, spread(context.data.calibration), strict=True))
    wanted = given
    for number, (whole, original) in enumerate(pairs):
        # A layer that is called again has its form from the block that called it first.
        part = whole._replace(layers=tuple(name for name in whole.layers if name not in done))
        done |= _begin(part, original, given, wanted, puts, context)
        with torch.no_grad():
            goal = original.run(wanted)
            _learn(Block(part, original, given, goal), budget.share(), context.seed + number)
            given, wanted = part.run(given), goal
        context.advance(number + 1, len(pairs))
    for name in layers.keys() - done:
        without_data(layers[name])
    return Rounded(len(done), budget.cut)


def _begin(
    part: Part, original: Part, given: Values, wanted: Values, puts: Mapping[str, Any], context: Context
) -> set[str]:
    """Give the part's layers their forms by GPTQ."""
    own = {name: puts[name] for name in part.layers}
    quiet = Context(context.original, context.example_inputs, context.data, context.seed, advance=unwatched)
    inputs = [tuple(values[name].clone() for name in part.sources) for values in (given, wanted)]
    return round_layers(part.module, original.module, own, inputs[0], inputs[1], quiet)


def _learn(block: Block, share: Share, seed: int) -> None:
    """Train the block, and keep what it learned where it is better on all examples."""
    layers = [block.rounded.module.get_submodule(name) for name in block.rounded.layers]
    if not layers:
        return
    before = {name: value.clone() for name, value in block.rounded.module.state_dict().items()}
    first = difference(block.rounded.run(block.given), block.wanted)
    originals = [block.reference.module.get_submodule(name) for name in block.rounded.layers]
    with _softened(layers, originals) as soft:
        _train(block, soft, layers, float(first), share, torch.Generator().manual_seed(seed))
    if not difference(block.rounded.run(block.given), block.wanted) < first:
        block.rounded.module.load_state_dict(before)


def _train(
    block: Block,
    soft: Sequence[SoftGrid],
    layers: Sequence[nn.Module],
    first: float,
    share: Share,
    generator: torch.Generator,
) -> None:
    """Adam on the error of the block's outputs; being off the grid comes to cost as much as GPTQ's error."""
    groups = [{"params": [one.above], "lr": RATE} for one in soft]
    slow = [value for layer in layers for value in _slow(layer)]
    groups += [{"params": [value], "lr": SLOW * float(value.abs().mean())} for value in slow]
    optimizer = torch.optim.Adam(groups)
    count = len(next(iter(block.given.values())))
    for step in range(STEPS):
        progress = share.progress(step, STEPS)
        if progress is None:
            break
        chosen = torch.randperm(count, generator=generator)[:BATCH]
        with torch.enable_grad():
            loss = difference(block.rounded.run(_at(block.given, chosen)), _at(block.wanted, chosen))
            if progress > WARM and soft:
                loss = loss + first * torch.stack([one.penalty(progress) for one in soft]).mean()
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
    block.rounded.module.zero_grad()


def _slow(layer: Any) -> Iterator[Tensor]:
    """What is trained beside integers: the bias, and the values of a table."""
    if layer.bias is not None:
        yield layer.bias
    if isinstance(constraints_of(layer)[-1], SharedTable):
        yield layer.parametrizations["weight"].original


def _at(values: Values, chosen: Tensor) -> Values:
    return {name: value[chosen] for name, value in values.items()}


@contextmanager
def _softened(layers: Sequence[Any], originals: Sequence[nn.Module]) -> Iterator[list[SoftGrid]]:
    """The layers with soft steps between the float weights' neighbours; in the end, with the steps that they took."""
    soft = list[SoftGrid]()
    grids = [(layer, constraints_of(layer)[-1]) for layer in layers]
    for (layer, grid), original in zip(grids, originals, strict=True):
        if isinstance(grid, Grid):
            soft.append(_soft(layer, grid, weight_of(original).detach()))
            layer.parametrizations["weight"][-1] = soft[-1]
    try:
        yield soft
    finally:
        taken = iter(soft)
        for layer, grid in grids:
            if isinstance(grid, Grid):
                layer.parametrizations["weight"][-1] = grid
                layer.parametrizations["weight"].original.copy_(next(taken).hard())


def _soft(layer: Any, grid: Grid, wanted: Tensor) -> SoftGrid:
    """The steps that GPTQ took, drawn to the float weight; the grid's own end stays, as its scale is found by that."""
    now = weight_of(layer).detach()
    scale = grid.scales(now)
    steps = (now / scale).round()
    top = 2 ** (grid.bits - 1) - 1
    drawn = now + TOWARDS * (wanted - now).clamp(-scale, scale)
    return SoftGrid(drawn, scale, top, (steps.abs() == top) | (wanted == 0), steps)
