"""What makes a channel important."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from exporter.compression.model import Context, first_tensor
from exporter.compression.training.batches import as_batch
from exporter.compression.training.teaching import labels_loss

LABELLED_BATCH, LABELLED_BATCHES = 32, 8


def importance(criterion: str) -> Any:
    """torch-pruning's measure that is called `criterion` in a recipe."""
    known = torch_pruning.importance
    made = {
        "l1": lambda: known.GroupMagnitudeImportance(p=1),
        "l2": lambda: known.GroupMagnitudeImportance(p=2),
        "fpgm": lambda: known.FPGMImportance(),
        "taylor": lambda: known.GroupTaylorImportance(),
        "bn_scale": lambda: known.BNScaleImportance(),
        "random": lambda: known.RandomImportance(),
    }
    return made[criterion]()


def gradients(module: nn.Module, context: Context) -> dict[str, Tensor]:
    """Gradients of the loss (with labels) or of the outputs' mean square (without) over the data, by parameter."""
    twin = copy.deepcopy(module).eval().requires_grad_(True)
    for loss in _losses(twin, context):
        loss.backward()
    return {name: parameter.grad for name, parameter in twin.named_parameters() if parameter.grad is not None}


def _losses(module: nn.Module, context: Context) -> Iterator[Tensor]:
    data = context.data
    if not data.labelled or data.training is None:
        yield from (first_tensor(module(*inputs)).square().mean() for inputs in data.calibration)
        return
    loss = labels_loss(context)
    loader = torch.utils.data.DataLoader(data.training, LABELLED_BATCH)
    for item, _ in zip(loader, range(LABELLED_BATCHES), strict=False):
        yield loss(module, as_batch(item, labelled=True))
