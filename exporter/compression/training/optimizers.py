"""The optimizer that a training names, and its learning rate over the steps."""

from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Training
from exporter.data.spelling import did_you_mean


def make_optimizer(model: nn.Module, settings: Training) -> torch.optim.Optimizer:
    """The optimizer that `settings` names.

    Raises:
        UsageProblem: torch.optim has no such class, or it does not take the options.
    """
    kinds = _optimizers()
    kind = kinds.get(settings.optimizer)
    if kind is None:
        hint = did_you_mean(settings.optimizer, kinds, otherwise=f"there are {', '.join(sorted(kinds))}")
        raise UsageProblem(f"training.optimizer: torch.optim has no {settings.optimizer!r}; {hint}")
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        made: torch.optim.Optimizer = kind(trainable, lr=settings.learning_rate, **_options(settings))
    except TypeError as error:
        raise UsageProblem(f"training.optimizer_options: {settings.optimizer}: {error}") from error
    return made


def make_schedule(optimizer: torch.optim.Optimizer, settings: Training, steps_per_epoch: int) -> LRScheduler:
    """The learning rate of every step: a linear rise where one is set, then the schedule."""
    total = settings.epochs * steps_per_epoch
    warmup = min(round(settings.warmup_epochs * steps_per_epoch), total - 1)
    main: LRScheduler = (
        CosineAnnealingLR(optimizer, total - warmup)
        if settings.schedule == "cosine"
        else ConstantLR(optimizer, factor=1.0, total_iters=0)
    )
    if warmup == 0:
        return main
    rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [rise, main], milestones=[warmup])


def _optimizers() -> dict[str, Any]:
    base = torch.optim.Optimizer
    found = vars(torch.optim).items()
    return {name: kind for name, kind in found if isinstance(kind, type) and issubclass(kind, base) and kind != base}


def _options(settings: Training) -> dict[str, Any]:
    untouched = settings.optimizer_options == Training().optimizer_options
    return {} if untouched and settings.optimizer != "SGD" else settings.optimizer_options  # the default is SGD's
