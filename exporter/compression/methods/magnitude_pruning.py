"""Unstructured pruning: single weights become zero, those of smallest magnitude first (Han et al. 2015)."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, Need, Ratio, SparsityRule, Step, Training

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.layers import Layer
    from exporter.compression.model import Context, Outcome


DEFAULTS = ("local", "magnitude", "one_shot")


class MagnitudePruning(Step):
    """Sets single weights to zero.

    Attributes:
        sparsity: share of zeros.
        snr_db: instead: each layer takes the highest sparsity that keeps the outputs' SNR at least so high when it
            alone is pruned (the sensitivity analysis); needs calibration data.
        scope: ``local`` prunes each layer to the same share, ``global`` ranks all weights together.
        criterion: the smallest magnitudes, or chance (the control).
        reconstruction: ``sparsegpt`` takes the zeros that cost each layer's outputs least on calibration data and has
            the other weights make up for them (Frantar and Alistarh 2023); batch norms are folded before.
        schedule: all at once, or along the AGP curve (Zhu & Gupta 2017) during `training`.
        updates: how often the AGP schedule raises the sparsity.
        ramp: share of `training` in which an AGP schedule reaches the final sparsity; the rest recovers from it.
        training: recovery while an AGP schedule runs.
        rules: layers to leave alone, or another sparsity for them.
    """

    stage: ClassVar[int | None] = 1
    sparsity: Ratio | None = None
    snr_db: float | None = None
    scope: Literal["local", "global"] = "local"
    criterion: Literal["magnitude", "random"] = "magnitude"
    reconstruction: Literal["none", "sparsegpt"] = "none"
    schedule: Literal["one_shot", "agp"] = "one_shot"
    updates: Count = 10
    ramp: Ratio = 0.5
    training: Training | None = None
    rules: tuple[SparsityRule, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.sparsity is None) == (self.snr_db is None):
            raise ValueError("give exactly one of sparsity and snr_db")
        if (self.schedule == "agp") != (self.training is not None):
            raise ValueError("schedule 'agp' and training belong together")
        if self.scope == "global" and (self.snr_db is not None or any(rule.sparsity for rule in self.rules)):
            raise ValueError("a global ranking has one sparsity: give neither snr_db nor sparsity by rule")
        if self.reconstruction != "none" and (self.scope, self.criterion, self.schedule) != DEFAULTS:
            raise ValueError(
                "reconstruction has a criterion of its own, layer by layer and at once: leave out the others"
            )
        return self

    def needs(self) -> tuple[Need, ...]:
        """Examples for the sensitivity analysis, for a reconstruction, and for a gradual pruning."""
        on_data = self.snr_db is not None or self.reconstruction != "none"
        calibration = (Need.CALIBRATION,) if on_data else ()
        return calibration if self.training is None else (*calibration, Need.TRAINING)


def prune(module: "nn.Module", step: MagnitudePruning, context: "Context") -> "Outcome":
    """Put masks on the layers' weights, at once or along the AGP curve."""
    from exporter.compression.forms.folding import fold_batch_norms
    from exporter.compression.layers import select
    from exporter.compression.model import Outcome
    from exporter.compression.pruning.gradual import Gradual, prune_gradually
    from exporter.compression.pruning.masks import masks, scorer, set_masks
    from exporter.compression.rounding.sparsegpt import prune_on_data

    if step.reconstruction == "sparsegpt":
        fold_batch_norms(module)
    layers, excluded = select(module, step.rules)
    if not layers:
        return Outcome(module, tuple(excluded))
    sparsities, notes = _sparsities(module, layers, step, context)
    if step.reconstruction == "sparsegpt":
        notes |= prune_on_data(module, list(zip(layers, sparsities, strict=True)), context)
    elif step.training is None:
        set_masks(layers, masks(layers, sparsities, step.scope, scorer(step.criterion, context.seed)))
    else:
        how = Gradual(step.scope, step.criterion, step.updates, step.ramp)
        notes |= prune_gradually(module, layers, sparsities, how, step.training, context).notes()
    return Outcome(module, tuple(excluded), notes)


def _sparsities(
    module: "nn.Module", layers: "list[Layer]", step: MagnitudePruning, context: "Context"
) -> tuple[list[float], dict[str, Any]]:
    """The sparsity of each layer, and what was found out to choose it."""
    if step.sparsity is not None:
        return [layer.options.get("sparsity", step.sparsity) for layer in layers], {}
    from exporter.compression.sensitivity import sparsities_for_snr

    assert step.snr_db is not None
    chosen = sparsities_for_snr(module, [layer.name for layer in layers], step.snr_db, context)
    sparsities = [layer.options.get("sparsity", chosen[layer.name]) for layer in layers]
    return sparsities, {"sparsity_by_layer": chosen}


METHOD = Method(MagnitudePruning, prune, example={"sparsity": 0.5})
