"""Pruning in patterns that hardware and formats can skip: n zeros in every m, and whole blocks."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from exporter.compression.layers import Layer, left_alone, select
from exporter.compression.methods.magnitude import latent, lowest_to_zero, set_masks
from exporter.compression.model import Context, Outcome
from exporter.data.compression import LeftAlone
from exporter.data.recipe import BlockPruning, NmPruning


def prune_nm(module: nn.Module, step: NmPruning, context: Context) -> Outcome:
    """Zero the n smallest of every m neighbouring input channels at each kernel position."""
    layers, skipped = select(module, step.rules)
    fitting = _fitting(
        layers, skipped, lambda weight: weight.shape[1] % step.of == 0,
        f"its input channels are no multiple of {step.of}",
    )  # fmt: skip
    set_masks(fitting, [nm_mask(latent(layer.module), step.zeros, step.of) for layer in fitting])
    return Outcome(module, tuple(skipped))


def prune_blocks(module: nn.Module, step: BlockPruning, context: Context) -> Outcome:
    """Zero the blocks of the weight matrix that have the smallest L2 norm."""
    rows, columns = step.block
    layers, skipped = select(module, step.rules)
    fitting = _fitting(
        layers, skipped, lambda weight: weight.shape[0] % rows == 0 and weight[0].numel() % columns == 0,
        f"its weight matrix does not divide into blocks of {rows} x {columns}",
    )  # fmt: skip
    wanted = [block_mask(latent(layer.module), layer.options.get("sparsity", step.sparsity), step.block)
              for layer in fitting]  # fmt: skip
    set_masks(fitting, wanted)
    return Outcome(module, tuple(skipped))


def nm_mask(weight: Tensor, zeros: int, of: int) -> Tensor:
    """Mask of a weight (outputs, inputs, ...) with exactly `zeros` zeros in every `of` neighbouring inputs."""
    groups = torch.unflatten(weight.abs().movedim(1, -1), -1, (-1, of))
    dead = groups.argsort(dim=-1, stable=True)[..., :zeros]
    mask = torch.ones_like(groups).scatter(-1, dead, 0.0)
    return mask.flatten(-2).movedim(-1, 1)


def block_mask(weight: Tensor, sparsity: float, block: tuple[int, int]) -> Tensor:
    """Mask of a weight seen as a matrix (outputs, everything else), a `sparsity` share of its blocks zero."""
    rows, columns = block
    tiles = torch.unflatten(torch.unflatten(weight.flatten(1), 0, (-1, rows)), 2, (-1, columns))
    keep = lowest_to_zero(tiles.square().sum((1, 3)), sparsity)
    return keep[:, None, :, None].expand(tiles.shape).reshape(weight.shape)


def _fitting(layers: list[Layer], skipped: list[LeftAlone], fits: Callable[[Tensor], bool], reason: str) -> list[Layer]:
    for layer in layers:
        if not fits(latent(layer.module)):
            skipped.append(left_alone(layer, reason))
    return [layer for layer in layers if fits(latent(layer.module))]
