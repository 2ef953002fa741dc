"""Quantization-aware training: static quantization, then training with the rounding in place."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from exporter.compression.method import Method
from exporter.compression.methods.static_quantization import StaticQuantization
from exporter.data.settings.recipe import Need, Training
from exporter.data.settings.target import Fraction

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class QuantizationAwareTraining(StaticQuantization):
    """Static quantization, then training with the rounding in place.

    Attributes:
        ranges: of activations: a moving average of the extremes, or learned by gradient (LSQ, Esser et al. 2020).
        freeze_ranges: share of the training after which ranges stay as they are.
        training: how long and how.
        temperature: of the distillation from the original model.
        alpha: share of the teacher in the loss.
    """

    observer: Literal["min_max", "moving_average", "histogram"] = "moving_average"
    ranges: Literal["moving", "learned"] = "moving"
    freeze_ranges: Fraction = 0.5
    training: Training = Training()
    temperature: Annotated[float, Field(gt=0)] = 4.0
    alpha: Fraction = 0.9

    def needs(self) -> tuple[Need, ...]:
        """Examples for the ranges, and to train on."""
        return (Need.CALIBRATION, Need.TRAINING)


def quantize_in_training(module: "nn.Module", step: QuantizationAwareTraining, context: "Context") -> "Outcome":
    """Train from the original model with straight-through gradients."""
    from exporter.compression.forms import activations
    from exporter.compression.forms.static import Static, statically_quantized
    from exporter.compression.model import Outcome
    from exporter.compression.training.loop import train
    from exporter.compression.training.teaching import Teaching

    learned = step.ranges == "learned"
    how = Static(step, step.weight_bits, step.observer, step.equalize, step.bias_correction, learned)
    quantized = statically_quantized(module, how, step.rules, context)
    model = quantized.module
    activations.start_training(model, learned=learned)

    def freeze(number: int, total: int) -> None:
        if not learned and number >= step.freeze_ranges * total:
            activations.set_state(model, observing=False, rounding=True)

    teaching = Teaching(context.original, context, step.training, step.temperature, step.alpha)
    report = train(model, teaching, step.training, context, "quantization-aware training", on_step=freeze)
    activations.set_state(model, observing=False, rounding=True)
    return Outcome(model, quantized.left_alone, quantized.notes | report.notes(), warnings=report.warnings())


METHOD = Method(QuantizationAwareTraining, quantize_in_training)
