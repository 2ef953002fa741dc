"""The types that flow through compression: what goes in, what a method gives, what comes out."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from exporter.data.errors import UsageProblem
from exporter.data.facts.compression import LeftAlone, StepResult
from exporter.data.facts.hints import CompressionHints
from exporter.data.progress import Advance

Examples = tuple[Tensor, ...]
"""One call's inputs, batch first."""

LoadModel = Callable[[str], nn.Module]


@dataclass(frozen=True)
class CompressionData:
    """Data that methods may use; a step says what it needs.

    Attributes:
        calibration: batches of the model's inputs, preprocessed, a tensor an input.
        training: items of ``(*inputs)`` or ``(*inputs, label)``, single preprocessed examples without a batch axis.
        labelled: whether the items of `training` end with a label (a class index).
    """

    calibration: tuple[Examples, ...] = ()
    training: Dataset[Any] | None = None
    labelled: bool = False


def no_models(spec: str) -> nn.Module:
    """Load no further model.

    Raises:
        UsageProblem: always.
    """
    raise UsageProblem(f"{spec!r} cannot be loaded here: no loader of model sources was given.")


def unwatched(done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Context:
    """What every method gets besides the model and its step.

    Attributes:
        original: the uncompressed model in eval mode; the teacher of recovery.
        example_inputs: the inputs that fix the shapes; batch of one or more.
        seed: of this step.
        checkpoint_dir: where trainings leave checkpoints, apart for each step; None keeps none.
        advance: called with (done, total) during work of known length.
        models: the modules of the model sources that the step names, in eval mode; not to be changed.
    """

    original: nn.Module
    example_inputs: Examples
    data: CompressionData
    seed: int = 0
    checkpoint_dir: Path | None = None
    advance: Advance = unwatched
    models: Mapping[str, nn.Module] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a method gives.

    Attributes:
        module: the changed model, a new one or the one that it was given.
        left_alone: what it skipped, and why.
        notes: figures of its own.
        warnings: what a person should look at.
        changed: layers that it gave another form; None where a comparison of the models tells whether it did anything.
            Methods that fold batch norms first count, because folding alone is no compression.
    """

    module: nn.Module
    left_alone: tuple[LeftAlone, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    changed: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CompressedModel:
    """A compressed model, ready for conversion.

    Attributes:
        module: plain module in eval mode; its weights have their final values.
        steps: what each step did.
        hints: forms and ranges that a converter must keep.
    """

    module: nn.Module
    example_inputs: Examples
    steps: tuple[StepResult, ...]
    hints: CompressionHints


def evaluating(module: nn.Module, inputs: Examples) -> Tensor:
    """The module's first output for `inputs`, without gradients, in eval mode; the mode is put back."""
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            output = module(*inputs)
    finally:
        module.train(training)
    return first_tensor(output)


def first_tensor(output: Any) -> Tensor:
    """The first tensor of a model's output, whether it is one, a sequence or a mapping."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def own_copy(module: nn.Module) -> nn.Module:
    """A deep copy in eval mode whose parameters can be trained."""
    twin = copy.deepcopy(module).eval()
    for parameter in twin.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return twin
