"""Unstructured pruning: single weights become zero, those of smallest magnitude first (Han et al. 2015)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Mask, bake, constrain, constraints_of
from exporter.compression.layers import Layer, select, weight_of
from exporter.compression.methods.distillation import Teaching, notes
from exporter.compression.model import Context, Outcome
from exporter.compression.training.loop import TrainingReport, train
from exporter.data.recipe import MagnitudePruning


def prune_magnitude(module: nn.Module, step: MagnitudePruning, context: Context) -> Outcome:
    """Put masks on the layers' weights, at once or along the AGP curve."""
    layers, excluded = select(module, step.rules)
    if not layers:
        return Outcome(module, tuple(excluded))
    found: dict[str, object] = {}
    sparsities: list[Any] = [layer.options.get("sparsity", step.sparsity) for layer in layers]
    if step.snr_db is not None:
        from exporter.compression.sensitivity import sparsities_for_snr

        chosen = sparsities_for_snr(module, [layer.name for layer in layers], step.snr_db, context)
        sparsities = [layer.options.get("sparsity", chosen[layer.name]) for layer in layers]
        found["sparsity_by_layer"] = chosen
    scores = _scorer(step.criterion, context.seed)
    if step.training is None:
        set_masks(layers, masks(layers, sparsities, step.scope, scores))
    else:
        report = _gradually(module, layers, sparsities, step, context)
        found |= notes(report)
    return Outcome(module, tuple(excluded), found)


def masks(
    layers: Sequence[Layer], sparsities: Sequence[float], scope: str, scores: Callable[[Tensor], Tensor]
) -> list[Tensor]:
    """One mask a layer: zeros where the scores are lowest, exactly as many as asked for.

    Args:
        layers: whose weights are ranked.
        sparsities: share of zeros of each; a global ranking takes the first one's for all.
        scope: ``local`` or ``global``.
        scores: importance of each element.
    """
    ranked = [scores(latent(layer.module)) for layer in layers]
    if scope == "local":
        return [lowest_to_zero(score, sparsity) for score, sparsity in zip(ranked, sparsities, strict=True)]
    flat = lowest_to_zero(torch.cat([score.flatten() for score in ranked]), sparsities[0])
    parts = torch.split(flat, [score.numel() for score in ranked])
    return [part.view_as(score) for part, score in zip(parts, ranked, strict=True)]


def lowest_to_zero(scores: Tensor, sparsity: float) -> Tensor:
    """1 everywhere but at the `sparsity` share of lowest scores; ties are broken by position."""
    mask = torch.ones_like(scores, dtype=torch.float32).flatten()
    dead = torch.argsort(scores.flatten(), stable=True)[: round(sparsity * scores.numel())]
    mask[dead] = 0
    return mask.view_as(scores)


def set_masks(layers: Sequence[Layer], wanted: Sequence[Tensor]) -> None:
    """Put a mask on each layer; a mask that is there is replaced."""
    for layer, mask in zip(layers, wanted, strict=True):
        bake(layer.module)
        constrain(layer.module, Mask(mask))


def latent(layer: nn.Module) -> Tensor:
    """The trained weight behind a mask, so that a weight that was taken early can come back."""
    if not constraints_of(layer):
        return weight_of(layer).detach()
    parametrized: Any = layer
    original: Tensor = parametrized.parametrizations["weight"].original
    return original.detach()


def _scorer(criterion: str, seed: int) -> Callable[[Tensor], Tensor]:
    if criterion == "magnitude":
        return torch.abs
    generator = torch.Generator().manual_seed(seed)
    return lambda weight: torch.rand(weight.shape, generator=generator)


def _gradually(
    module: nn.Module, layers: Sequence[Layer], sparsities: Sequence[float], step: MagnitudePruning, context: Context
) -> TrainingReport:
    """Raise the sparsity by the cubic AGP curve while the original model teaches."""
    assert step.training is not None
    set_masks(layers, [torch.ones_like(latent(layer.module)) for layer in layers])

    def on_step(number: int, total: int) -> None:
        # Tied to the step's number, so that a resumed training updates where an uninterrupted one does.
        interval = max(1, int(total * step.ramp) // step.updates)
        reached = number // interval + 1
        if number % interval or reached > step.updates:
            return
        share = agp(reached / step.updates)
        current = masks(
            layers, [sparsity * share for sparsity in sparsities], step.scope, _scorer(step.criterion, context.seed)
        )
        for layer, mask in zip(layers, current, strict=True):
            mask_of(layer.module).mask.copy_(mask)

    return train(
        module, Teaching(context.original, context, step.training, 4.0, 0.9), step.training, context,
        "gradual pruning", on_step=on_step,
    )  # fmt: skip


def mask_of(layer: nn.Module) -> Mask:
    """The layer's mask."""
    return next(item for item in constraints_of(layer) if isinstance(item, Mask))


def agp(progress: float) -> float:
    """Share of the final sparsity at `progress` in [0, 1] (Zhu & Gupta 2017, eq. 1, from zero)."""
    return 1 - (1 - progress) ** 3
