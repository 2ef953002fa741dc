"""Applies a recipe: one step after the other, each measured; a step that changed nothing is an error."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from exporter.compression.forms import activations, constraints
from exporter.compression.model import (
    CompressedModel,
    CompressionData,
    Context,
    Examples,
    LoadModel,
    evaluating,
    no_models,
    own_copy,
)
from exporter.compression.registry import method_named
from exporter.compression.stats import model_stats
from exporter.data.errors import UsageProblem
from exporter.data.facts.compression import LeftAlone, ModelStats, StepResult
from exporter.data.facts.hints import CompressionHints
from exporter.data.progress import Progress, Silent
from exporter.data.settings.recipe import Need, Recipe, Step
from exporter.execution.threads import on_one_core

GIVE = {
    Need.CALIBRATION: "calibration data: give --calibration or --data.",
    Need.TRAINING: "training data: give --data with a folder, CSV manifest or .npz.",
    Need.LABELS: "labels: give labelled data, or a recovery step instead.",
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
    progress: Progress | None = None,
    load_model: LoadModel = no_models,
) -> CompressedModel:
    """Compress a copy of `module`; the same seed and data give the same result.

    Args:
        module: any module in float32; it is not touched.
        example_inputs: fix the shapes, batch first.
        recipe: the steps.
        data: what calibration and training may use.
        seed: instead of the recipe's.
        checkpoint_dir: trainings leave checkpoints here and go on from those that fit.
        progress: shows each step and its trainings; None shows nothing.
        load_model: model source -> module in eval mode; for teachers and students that a recipe names, loaded first.

    Returns:
        A plain module in eval mode, what each step did, and hints for the converters.

    Raises:
        UsageProblem: a step misses data (all of them in one message) or cannot be applied to this model.
        UnchangedError: a step changed nothing.
    """
    check_data(recipe, data)
    models = {spec: load_model(spec) for step in recipe.steps for spec in step.models()}
    first_seed = recipe.seed if seed is None else seed
    original = own_copy(module).requires_grad_(False)
    current = own_copy(module)
    expected = evaluating(original, example_inputs).shape
    before = model_stats(current, example_inputs)
    results = []
    for index, step in enumerate(recipe.steps):
        folder = None if checkpoint_dir is None else checkpoint_dir / f"{index}-{step.method}"
        with (progress or Silent()).stage(f"Compressing: {recipe.name}, {step.method}") as advance:
            context = Context(original, example_inputs, data, first_seed + index, folder, advance, models)
            current, result = _apply(current, step, context, before, index)
        before = result.after
        results.append(result)
    return _sealed(current, example_inputs, tuple(results), expected)


def check_data(recipe: Recipe, data: CompressionData) -> None:
    """Refuse a recipe whose steps need data that there is not, before anything is trained.

    Raises:
        UsageProblem: with every step that misses something.
    """
    problems = [
        f"steps.{index} ({step.method}) needs {GIVE[need]}"
        for index, step in enumerate(recipe.steps)
        for need in _missing(step, data)
    ]
    if problems:
        raise UsageProblem(f"recipe {recipe.name}: " + " ".join(problems))


def _missing(step: Step, data: CompressionData) -> Iterator[Need]:
    there = {
        Need.CALIBRATION: bool(data.calibration),
        Need.TRAINING: data.training is not None,
        Need.LABELS: data.labelled,
    }
    return (need for need in step.needs() if not there[need])


def _apply(
    current: nn.Module, step: Step, context: Context, before: ModelStats, index: int
) -> tuple[nn.Module, StepResult]:
    earlier = _fingerprint(current)
    torch.manual_seed(context.seed)
    # A table or a grid makes another file of a sum's last bit, and sums depend on how many cores share them.
    with nullcontext() if Need.TRAINING in step.needs() else on_one_core():
        outcome = method_named(step.method).apply(current, step, context)
    outcome.module.eval()
    if outcome.changed == 0 or _fingerprint(outcome.module) == earlier:
        raise UnchangedError(f"steps.{index} ({step.method}) changed nothing{_why(outcome.left_alone)}")
    return outcome.module, StepResult(
        method=step.method,
        options=step.model_dump(mode="json", exclude={"method"}, exclude_none=True),
        before=before,
        after=model_stats(outcome.module, context.example_inputs),
        left_alone=outcome.left_alone,
        notes=outcome.notes,
        warnings=outcome.warnings,
    )


def _sealed(
    module: nn.Module, example_inputs: Examples, results: tuple[StepResult, ...], expected: torch.Size
) -> CompressedModel:
    hints = CompressionHints(weights=constraints.seal(module))
    ranges = activations.remove_quantizers(module, example_inputs, hints.probe_seed)
    module.eval().requires_grad_(False)
    got = evaluating(module, example_inputs).shape
    if got != expected:
        raise UsageProblem(f"the recipe changed the output's shape from {tuple(expected)} to {tuple(got)}.")
    return CompressedModel(module, example_inputs, results, hints.model_copy(update={"activations": ranges}))


def _fingerprint(module: nn.Module) -> list[tuple[str, str, int]]:
    """Names, forms and a checksum of the effective weights; equal exactly when nothing changed."""
    rows = [(name, type(layer).__name__, 0) for name, layer in module.named_modules()]
    rows += [(name, form.model_dump_json(), 0) for name, form in constraints.forms(module).items()]
    rows += [(name, str(tuple(value.shape)), _checksum(value)) for name, value in module.state_dict().items()]
    return rows


def _checksum(value: Tensor) -> int:
    return hash(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def _why(left: tuple[LeftAlone, ...]) -> str:
    if not left:
        return ": no layer of this model is of a kind that it takes, or no rule matched."
    reasons = list(dict.fromkeys(item.reason for item in left))
    return f": {len(left)} layers were left alone ({'; '.join(reasons[:4])})."
