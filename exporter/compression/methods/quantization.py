"""Quantization: float16, integer weights, static int8 with calibration, and training with the rounding in place.

Weights go onto the grid that both converters compute (largest magnitude of a channel / 127), so the shipped integers
are the trained ones; activation ranges travel in `exporter.data.hints.CompressionHints`.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms import activations
from exporter.compression.forms.constraints import Constraint, Grid, Half, SharedTable, constrain, constraints_of
from exporter.compression.forms.folding import fold_batch_norms
from exporter.compression.layers import CONVOLUTIONS, WEIGHTED, Layer, left_alone, select
from exporter.compression.methods.distillation import Teaching, notes, warnings
from exporter.compression.model import Context, Outcome, own_copy
from exporter.compression.training.loop import train
from exporter.data.compression import LeftAlone
from exporter.data.errors import UsageProblem
from exporter.data.recipe import (
    DynamicQuantization,
    Float16,
    QuantizationAwareTraining,
    StaticQuantization,
    WeightQuantization,
)
from exporter.formats.common.equalization import equalize

CORRECTION_EXAMPLES = 128
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def to_float16(module: nn.Module, step: Float16, context: Context) -> Outcome:
    """Round weights to float16, after folding the batch norms that would scale them again."""
    fold_batch_norms(module)
    layers, skipped = select(module, step.rules)
    changed = sum(_constrain(layer, Half(), skipped) for layer in layers)
    return Outcome(module, tuple(skipped), changed=changed)


def quantize_weights(module: nn.Module, step: WeightQuantization, context: Context) -> Outcome:
    """Integer weights, activations in float."""
    fold_batch_norms(module)
    layers, skipped = select(module, step.rules)
    block = step.block_size if step.granularity == "per_block" else None
    changed = sum(_to_grid(layer, step.bits, block, skipped) for layer in layers)
    return Outcome(module, tuple(skipped), changed=changed)


def quantize_dynamically(module: nn.Module, step: DynamicQuantization, context: Context) -> Outcome:
    """Int8 weights of linear layers; what stays float is listed with its reason."""
    fold_batch_norms(module)
    layers, skipped = select(module, step.rules, (nn.Linear,))
    changed = sum(_to_grid(layer, 8, None, skipped) for layer in layers)
    chosen = {layer.name for layer in layers} | {item.name.removesuffix(".weight") for item in skipped}
    others = [layer for layer in select(module, ())[0] if layer.name not in chosen]
    skipped += [left_alone(layer, "dynamic quantization is for linear layers; a rule may add this one")
                for layer in others]  # fmt: skip
    return Outcome(module, tuple(skipped), changed=changed)


def quantize_statically(module: nn.Module, step: StaticQuantization, context: Context) -> Outcome:
    """Int8 weights and activations with ranges from the calibration data."""
    quantized, skipped, found = _prepared(module, step, context, learned=False)
    return Outcome(quantized, tuple(skipped), found)


def quantize_in_training(module: nn.Module, step: QuantizationAwareTraining, context: Context) -> Outcome:
    """Static quantization, then training from the original model with straight-through gradients."""
    learned = step.ranges == "learned"
    quantized, skipped, found = _prepared(module, step, context, learned=learned)
    activations.set_state(quantized, observing=not learned, rounding=True)
    if learned:
        activations.learn_ranges(quantized)

    def on_step(number: int, total: int) -> None:
        if number >= step.freeze_ranges * total:
            activations.set_state(quantized, observing=False, rounding=True)

    teaching = Teaching(context.original, context, step.training, step.temperature, step.alpha)
    report = train(
        quantized, teaching, step.training, context, "quantization-aware training", on_step=None if learned else on_step
    )
    activations.set_state(quantized, observing=False, rounding=True)
    return Outcome(quantized, tuple(skipped), found | notes(report), warnings=warnings(report))


def _prepared(
    module: nn.Module, step: StaticQuantization | QuantizationAwareTraining, context: Context, *, learned: bool
) -> tuple[nn.Module, list[LeftAlone], dict[str, object]]:
    """The traced model with grids on its weights and calibrated quantizers on its activations."""
    if not context.data.calibration:
        raise UsageProblem(f"{step.method} needs calibration data for the activations' ranges: give --data.")
    if activations.quantizers(module):
        raise UsageProblem(f"{step.method}: the activations are quantized already by an earlier step.")
    found: dict[str, object] = {"batch_norms_folded": len(fold_batch_norms(module))}
    if step.equalize:
        module = equalize(module, context.example_inputs)
    reference = own_copy(module)
    quantized = activations.quantize_activations(
        module, context.example_inputs, observer=step.observer, learned=learned
    )
    layers, skipped = select(quantized, step.rules)
    for layer in layers:
        _to_grid(layer, step.weight_bits, None, skipped)
    activations.observe(quantized, context.data.calibration)
    if step.bias_correction:
        correct_biases(quantized, reference, [layer.name for layer in layers], context.data.calibration)
        activations.observe(quantized, context.data.calibration)
    found["quantized_activations"] = len(activations.quantizers(quantized))
    return quantized, skipped, found


def correct_biases(quantized: nn.Module, reference: nn.Module, names: Sequence[str], batches: Sequence[Tensor]) -> None:
    """Move each layer's bias by the mean error of its output, first layer first (Nagel et al. 2019, appendix D).

    One pass: a layer's corrected output is what the next one sees. All examples must go through a layer before the next
    one's turn, so memory bounds them: 128, spread over the calibration data.
    """
    examples = torch.cat(list(batches))
    sample = examples[:: math.ceil(len(examples) / CORRECTION_EXAMPLES)]
    wanted: dict[str, Tensor] = {}

    def remember(name: str, layer: nn.Module, output: Tensor) -> None:
        wanted.setdefault(name, _channel_means(layer, output))

    def correct(name: str, layer: Any, output: Tensor) -> Tensor | None:
        if name not in wanted:
            return None  # a layer that is called again has its bias already
        correction = wanted.pop(name) - _channel_means(layer, output)
        layer.bias = nn.Parameter(correction if layer.bias is None else layer.bias + correction)
        return output + correction.view(-1, *[1] * (output.dim() - 2 if isinstance(layer, CONVOLUTIONS) else 0))

    with torch.no_grad():
        for model, hook in ((reference, remember), (quantized, correct)):
            with _hooked(model, names, hook):
                model(sample)


def _channel_means(layer: nn.Module, output: Tensor) -> Tensor:
    axis = 1 if isinstance(layer, CONVOLUTIONS) else -1
    return output.movedim(axis, 0).flatten(1).mean(1)


@contextlib.contextmanager
def _hooked(model: nn.Module, names: Sequence[str], hook: Callable[[str, nn.Module, Tensor], Any]) -> Iterator[None]:
    handles = [
        model.get_submodule(name).register_forward_hook(lambda layer, _, output, name=name: hook(name, layer, output))
        for name in names
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _to_grid(layer: Layer, bits: int, block_size: int | None, skipped: list[LeftAlone]) -> bool:
    """Put the layer's weight on a grid where that can be done; says whether it was."""
    module = layer.module
    assert isinstance(module, WEIGHTED)
    axis = 1 if isinstance(module, TRANSPOSED) else 0
    if block_size is not None and module.weight.shape[1 - axis] % block_size:
        skipped.append(
            left_alone(
                layer, f"its {module.weight.shape[1 - axis]} input channels do not divide into blocks of {block_size}"
            )
        )
        return False
    return _constrain(layer, Grid(bits, block_size, axis), skipped)


def _constrain(layer: Layer, constraint: Constraint, skipped: list[LeftAlone]) -> bool:
    last = constraints_of(layer.module)[-1:]
    if last and isinstance(last[0], SharedTable | Grid | Half):
        skipped.append(left_alone(layer, f"already in the form of {type(last[0]).__name__}"))
        return False
    constrain(layer.module, constraint)
    return True
