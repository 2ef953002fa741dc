"""Static quantization: int8 weights and activations, with ranges from calibration data."""

from typing import TYPE_CHECKING, ClassVar, Literal

from exporter.compression.method import Method
from exporter.data.settings.recipe import LayerRule, Need, RoundingStep

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class StaticQuantization(RoundingStep):
    """Int8 weights and activations, whose ranges come from calibration data.

    Attributes:
        weight_bits: 8 or 4; activations have 8.
        observer: how ranges are gathered: extremes, their moving average, or the histogram with the least error.
        equalize: cross-layer equalization first (Nagel et al. 2019).
        bias_correction: afterwards correct each bias by the mean error of its layer's output.
        rules: layers whose weights stay float.
    """

    stage: ClassVar[int | None] = 3
    weight_bits: Literal[8, 4] = 8
    observer: Literal["min_max", "moving_average", "histogram"] = "min_max"
    equalize: bool = False
    bias_correction: bool = False
    rules: tuple[LayerRule, ...] = ()

    def needs(self) -> tuple[Need, ...]:
        """Examples for the activations' ranges."""
        return (Need.CALIBRATION,)


def quantize(module: "nn.Module", step: StaticQuantization, context: "Context") -> "Outcome":
    """Fix ranges and grids."""
    from exporter.compression.forms.static import Static, statically_quantized
    from exporter.compression.model import Outcome

    how = Static(step, step.weight_bits, step.observer, step.equalize, step.bias_correction)
    quantized = statically_quantized(module, how, step.rules, context)
    return Outcome(quantized.module, quantized.left_alone, quantized.notes)


METHOD = Method(StaticQuantization, quantize)
