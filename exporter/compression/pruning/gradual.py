"""Gradual pruning: the sparsity rises along a cubic curve while the original model teaches (Zhu & Gupta 2017)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from exporter.compression.layers import Layer
from exporter.compression.model import Context
from exporter.compression.pruning.masks import latent, mask_of, masks, scorer, set_masks
from exporter.compression.training.report import TrainingReport
from exporter.compression.training.teaching import recovered
from exporter.data.settings.recipe import Training


class Gradual(NamedTuple):
    """How zeros come about.

    Attributes:
        scope: ``local`` or ``global`` ranking.
        criterion: ``magnitude`` or ``random``.
        updates: how often the sparsity is raised.
        ramp: share of the training in which it reaches its end.
    """

    scope: str
    criterion: str
    updates: int
    ramp: float


def agp(progress: float) -> float:
    """Share of the final sparsity at `progress` in [0, 1] (Zhu & Gupta 2017, eq. 1, from zero)."""
    return 1 - (1 - progress) ** 3


def prune_gradually(
    module: nn.Module,
    layers: Sequence[Layer],
    sparsities: Sequence[float],
    how: Gradual,
    training: Training,
    context: Context,
) -> TrainingReport:
    """Train `module` while masks on `layers` grow to `sparsities`."""
    set_masks(layers, [torch.ones_like(latent(layer.module)) for layer in layers])

    def on_step(number: int, total: int) -> None:
        # Tied to the step's number, so that a resumed training updates where an uninterrupted one does.
        interval = max(1, int(total * how.ramp) // how.updates)
        reached = number // interval + 1
        if number % interval == 0 and reached <= how.updates:
            share = agp(reached / how.updates)
            _move(layers, [sparsity * share for sparsity in sparsities], how, context.seed)

    return recovered(module, training, context, "gradual pruning", on_step=on_step)


def _move(layers: Sequence[Layer], sparsities: Sequence[float], how: Gradual, seed: int) -> None:
    current = masks(layers, sparsities, how.scope, scorer(how.criterion, seed))
    for layer, mask in zip(layers, current, strict=True):
        mask_of(layer.module).mask.copy_(mask)
