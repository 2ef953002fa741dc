"""Structured pruning: whole channels are removed, with everything that depends on them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from exporter.compression.method import Method
from exporter.data.settings.recipe import Count, LayerRule, Need, Ratio, Step, Training

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome
    from exporter.compression.structure.channels import ChannelPruner


class ChannelRule(LayerRule):
    """Another share of removed channels for the layers it matches.

    Attributes:
        ratio: share of their channels that goes.
    """

    ratio: Ratio | None = None


class ChannelPruning(Step):
    """Removes whole channels, through residuals, depthwise convolutions and concatenations (torch-pruning).

    Attributes:
        ratio: share of the channels to remove.
        macs: share of the multiply-accumulates to keep.
        parameters: share of the parameters to keep.
        criterion: what makes a channel important: norm of its weights, distance from the geometric median (FPGM),
            first-order Taylor expansion of the loss, batch-norm scale, or chance (the control).
        scope: ``local`` removes the same share everywhere, ``global`` ranks the channels of all layers together.
        round_to: channel counts stay multiples of this.
        max_ratio: most of a layer's channels that a global ranking may take.
        iterations: remove in so many rounds, following the AGP curve, with `training` (recovery) after each.
        training: recovery between the rounds.
        rules: layers to leave alone, or another ratio for them.
    """

    stage: ClassVar[int | None] = 0
    ratio: Ratio | None = None
    macs: Ratio | None = None
    parameters: Ratio | None = None
    criterion: Literal["l1", "l2", "fpgm", "taylor", "bn_scale", "random"] = "l2"
    scope: Literal["local", "global"] = "local"
    round_to: Count = 1
    max_ratio: Ratio = 0.9
    iterations: Count = 1
    training: Training | None = None
    rules: tuple[ChannelRule, ...] = ()

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if sum(value is not None for value in (self.ratio, self.macs, self.parameters)) != 1:
            raise ValueError("give exactly one of ratio, macs and parameters")
        return self

    def needs(self) -> tuple[Need, ...]:
        """Examples for a recovery, and to differentiate the loss by."""
        calibration = (Need.CALIBRATION,) if self.criterion == "taylor" else ()
        return calibration if self.training is None else (*calibration, Need.TRAINING)


def prune_channels(module: "nn.Module", step: ChannelPruning, context: "Context") -> "Outcome":
    """Remove channels, in one shot or in rounds with recovery between them."""
    from exporter.compression.ends import output_layers
    from exporter.compression.layers import left_alone, select
    from exporter.compression.model import Outcome
    from exporter.compression.structure.channels import ChannelPruner, Ranking
    from exporter.compression.training.teaching import recovered

    chosen, excluded = select(module, step.rules)
    fixed = set(output_layers(module, context.example_inputs))
    ends = [left_alone(layer, "its channels are the model's output") for layer in chosen if layer.name in fixed]
    ratios = {layer.name: layer.options["ratio"] for layer in chosen if "ratio" in layer.options}
    ignored = fixed | {item.name.removesuffix(".weight") for item in excluded}
    ranking = Ranking(step.criterion, step.scope, step.round_to, step.max_ratio)
    skipped, notes, before = [*excluded, *ends], {}, _cost(step, context)(module)
    for number in range(step.iterations):
        pruner = ChannelPruner(module, ranking, context, ignored, ratios)
        module = _round(pruner, step, context, number, before)
        ignored = pruner.ignored
        skipped += pruner.unsound
        if step.training is not None:
            notes[f"recovery_{number + 1}"] = recovered(module, step.training, context, "recovery").notes()
    return Outcome(module, tuple(skipped), notes)


def _round(
    pruner: "ChannelPruner", step: ChannelPruning, context: "Context", number: int, before: float
) -> "nn.Module":
    """The model after round `number` from 0; `before` is the cost of the model that the step received."""
    from exporter.compression.pruning.gradual import agp

    done, share = agp(number / step.iterations), agp((number + 1) / step.iterations)
    if step.ratio is not None:
        return pruner.to_ratio(1 - (1 - step.ratio * share) / (1 - step.ratio * done))
    keep = step.macs or step.parameters
    assert keep is not None
    return pruner.to_cost(_cost(step, context), before * (1 - (1 - keep) * share))


def _cost(step: ChannelPruning, context: "Context") -> "Callable[[nn.Module], float]":
    from exporter.compression.stats import macs

    if step.parameters is not None:
        return lambda module: sum(parameter.numel() for parameter in module.parameters())
    return lambda module: macs(module, context.example_inputs)


METHOD = Method(ChannelPruning, prune_channels, example={"ratio": 0.5})
