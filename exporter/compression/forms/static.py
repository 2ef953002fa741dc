"""Static quantization: grids on the weights and calibrated quantizers on the activations.

Activation ranges travel in `CompressionHints` (`exporter.data.facts.hints`); weights are the integers that converters
compute.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import nn

from exporter.compression.forms import activations
from exporter.compression.forms.biases import correct_biases
from exporter.compression.forms.folding import fold_batch_norms
from exporter.compression.forms.nearest import feasible
from exporter.compression.forms.precision import Precision
from exporter.compression.layers import select
from exporter.compression.model import Context, own_copy
from exporter.compression.rounding.rounding import give_forms
from exporter.data.errors import UsageProblem
from exporter.data.facts.compression import LeftAlone
from exporter.data.settings.recipe import LayerRule, RoundingStep
from exporter.formats.common.equalization import equalize


class Static(NamedTuple):
    """How a model is quantized.

    Attributes:
        rounding: of the weights.
        weight_bits: 8 or 4; activations have 8.
        observer: ``min_max``, ``moving_average`` or ``histogram``.
        equalize: cross-layer equalization first.
        correct_biases: take the mean error out of each layer's output.
        learned: whether ranges can become parameters.
    """

    rounding: RoundingStep
    weight_bits: int
    observer: str
    equalize: bool = False
    correct_biases: bool = False
    learned: bool = False


class Quantized(NamedTuple):
    """A traced model with grids and quantizers, what was skipped, and figures."""

    module: nn.Module
    left_alone: tuple[LeftAlone, ...]
    notes: dict[str, Any]


def statically_quantized(module: nn.Module, how: Static, rules: Sequence[LayerRule], context: Context) -> Quantized:
    """Fold, equalize, quantize and calibrate.

    Raises:
        UsageProblem: the model cannot be traced, is quantized already, or takes integers.
    """
    _check(module, context)
    folded = len(fold_batch_norms(module))
    if how.equalize:
        module = equalize(module, context.example_inputs)
    reference = own_copy(module)
    quantized = activations.quantize_activations(
        module, context.example_inputs, observer=how.observer, learned=how.learned
    )
    layers, skipped = select(quantized, rules)
    chosen = feasible(layers, lambda layer: Precision("grid", how.weight_bits), skipped)
    if how.rounding.rounding != "nearest":
        activations.observe(quantized, context.data.calibration)  # layers are to be rounded to what they will read
    rounded = give_forms(quantized, chosen, how.rounding, context)
    activations.observe(quantized, context.data.calibration)
    if how.correct_biases:
        correct_biases(quantized, reference, [layer.name for layer in layers], context.data.calibration)
        activations.observe(quantized, context.data.calibration)
    found = {"batch_norms_folded": folded, "quantized_activations": len(activations.quantizers(quantized)), **rounded}
    return Quantized(quantized, tuple(skipped), found)


def _check(module: nn.Module, context: Context) -> None:
    if activations.quantizers(module):
        raise UsageProblem("static quantization: the activations are quantized already by an earlier step.")
    if not all(tensor.is_floating_point() for tensor in context.example_inputs):
        raise UsageProblem(
            "static quantization: the model takes integers, and ranges are found again in the converted files by the "
            "values that noise gives. Quantize it when it is converted: set quantization in the target."
        )
