"""Applies a recipe: one step after the other, each measured; a step that changed nothing is an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms import activations, constraints
from exporter.compression.methods import (
    binarization,
    blocks,
    channels,
    distillation,
    low_rank,
    magnitude,
    patterns,
    quantization,
    weight_sharing,
)
from exporter.compression.model import (
    CompressedModel,
    CompressionData,
    Context,
    Examples,
    LoadModel,
    Outcome,
    Progress,
    evaluating,
    own_copy,
    silent,
)
from exporter.compression.stats import model_stats
from exporter.data.compression import LeftAlone, ModelStats, StepResult
from exporter.data.errors import UsageProblem
from exporter.data.hints import CompressionHints
from exporter.data.recipe import Recipe, Step

Method = Callable[[nn.Module, Any, Context], Outcome]

METHODS: dict[str, Method] = {
    "fine_tuning": distillation.fine_tune,
    "recovery": distillation.recover,
    "distillation": distillation.distill,
    "channel_pruning": channels.prune_channels,
    "block_removal": blocks.remove_blocks,
    "low_rank": low_rank.factorize,
    "magnitude_pruning": magnitude.prune_magnitude,
    "nm_pruning": patterns.prune_nm,
    "block_pruning": patterns.prune_blocks,
    "weight_sharing": weight_sharing.share_weights,
    "binarization": binarization.binarize,
    "float16": quantization.to_float16,
    "weight_quantization": quantization.quantize_weights,
    "dynamic_quantization": quantization.quantize_dynamically,
    "static_quantization": quantization.quantize_statically,
    "quantization_aware_training": quantization.quantize_in_training,
}


class UnchangedError(UsageProblem):
    """A step matched nothing or changed nothing."""


def apply_recipe(
    module: nn.Module,
    example_inputs: Examples,
    recipe: Recipe,
    data: CompressionData,
    *,
    seed: int | None = None,
    checkpoint_dir: Path | None = None,
    progress: Callable[[Progress], None] = silent,
    load_model: LoadModel | None = None,
) -> CompressedModel:
    """Compress a copy of `module`; the same seed and data give the same result.

    Args:
        module: any module in float32; it is not touched.
        example_inputs: fix the shapes, batch first.
        recipe: the steps.
        data: what calibration and training may use.
        seed: instead of the recipe's.
        checkpoint_dir: trainings leave checkpoints here and go on from those that fit.
        progress: called during trainings.
        load_model: turns a model source into a module; for teachers and students that a recipe names.

    Returns:
        A plain module in eval mode, what each step did, and hints for the converters.

    Raises:
        UsageProblem: a step misses data or cannot be applied to this model.
        UnchangedError: a step changed nothing.
    """
    seed = recipe.seed if seed is None else seed
    original = own_copy(module).requires_grad_(False)
    current = own_copy(module)
    expected = evaluating(original, example_inputs).shape
    before = model_stats(current, example_inputs)
    results = []
    for index, step in enumerate(recipe.steps):
        folder = None if checkpoint_dir is None else checkpoint_dir / f"{index}-{step.method}"
        context = Context(
            original, example_inputs, data, seed + index, folder, progress, load_model or _no_models
        )  # fmt: skip
        current, result = _apply(current, step, context, before, index)
        before = result.after
        results.append(result)
    return _sealed(current, example_inputs, tuple(results), expected)


def _apply(
    current: nn.Module, step: Step, context: Context, before: ModelStats, index: int
) -> tuple[nn.Module, StepResult]:
    earlier = _fingerprint(current)
    torch.manual_seed(context.seed)
    outcome = METHODS[step.method](current, step, context)
    outcome.module.eval()
    if outcome.changed == 0 or _fingerprint(outcome.module) == earlier:
        raise UnchangedError(f"steps.{index} ({step.method}) changed nothing{_why(outcome.left_alone)}")
    after = model_stats(outcome.module, context.example_inputs)
    options = step.model_dump(mode="json", exclude={"method"}, exclude_none=True)
    return outcome.module, StepResult(
        method=step.method, options=options, before=before, after=after, left_alone=outcome.left_alone,
        notes=outcome.notes, warnings=outcome.warnings,
    )  # fmt: skip


def _sealed(
    module: nn.Module, example_inputs: Examples, results: tuple[StepResult, ...], expected: torch.Size
) -> CompressedModel:
    forms = constraints.seal(module)
    hints = CompressionHints(weights=forms)
    ranges = activations.remove_quantizers(module, example_inputs, hints.probe_seed)
    module.eval().requires_grad_(False)
    got = evaluating(module, example_inputs).shape
    if got != expected:
        raise UsageProblem(f"the recipe changed the output's shape from {tuple(expected)} to {tuple(got)}.")
    return CompressedModel(module, example_inputs, results, hints.model_copy(update={"activations": ranges}))


def _fingerprint(module: nn.Module) -> list[tuple[str, str, int]]:
    """Names, forms and a checksum of the effective weights; equal exactly when nothing changed."""
    forms = {name: form.model_dump_json() for name, form in constraints.forms(module).items()}
    rows = [(name, type(layer).__name__, 0) for name, layer in module.named_modules()]
    rows += [(name, form, 0) for name, form in forms.items()]
    rows += [(name, str(tuple(value.shape)), _checksum(value)) for name, value in module.state_dict().items()]
    return rows


def _checksum(value: Tensor) -> int:
    return hash(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def _why(left: tuple[LeftAlone, ...]) -> str:
    if not left:
        return ": no layer of this model is of a kind that it takes, or no rule matched."
    reasons = list(dict.fromkeys(item.reason for item in left))
    return f": {len(left)} layers were left alone ({'; '.join(reasons[:4])})."


def _no_models(spec: str) -> nn.Module:
    raise UsageProblem(f"{spec!r} cannot be loaded here: no loader of model sources was given.")
