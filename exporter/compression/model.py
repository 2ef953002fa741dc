"""The types that flow through compression: what goes in, what a method gives, what comes out."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from exporter.data.compression import LeftAlone, StepResult
from exporter.data.hints import CompressionHints

Examples = tuple[Tensor, ...]
LoadModel = Callable[[str], nn.Module]


@dataclass(frozen=True)
class CompressionData:
    """Data that methods may use; each method says what it misses.

    Attributes:
        calibration: batches of the model's input, preprocessed, float32 with the batch first.
        training: items of ``(input,)`` or ``(input, label)``, single preprocessed examples without a batch axis.
        labelled: whether the items of `training` carry labels (class indices).
    """

    calibration: tuple[Tensor, ...] = ()
    training: Dataset[Any] | None = None
    labelled: bool = False


@dataclass(frozen=True)
class Progress:
    """What a training reports after each batch: a person's line is made of it elsewhere."""

    stage: str
    epoch: int
    epochs: int
    done: float
    loss: float
    eta_s: float


def silent(_: Progress) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Context:
    """What every method gets besides the model and its step.

    Attributes:
        original: the uncompressed model in eval mode; the teacher of recovery.
        example_inputs: the inputs that fix the shapes; batch of one or more.
        seed: of this step.
        checkpoint_dir: where trainings leave checkpoints, apart for each step; None keeps none.
        load_model: model source -> module in eval mode.
    """

    original: nn.Module
    example_inputs: Examples
    data: CompressionData
    seed: int
    checkpoint_dir: Path | None
    progress: Callable[[Progress], None]
    load_model: LoadModel


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


def evaluating(module: nn.Module, example_inputs: Examples) -> Tensor:
    """The module's first output for `example_inputs`, without gradients, in eval mode; the mode is put back."""
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            output = module(*example_inputs)
    finally:
        module.train(training)
    return first_tensor(output)


def first_tensor(output: Any) -> Tensor:
    """The first tensor of a model's output, whether it is one, a sequence or a mapping."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def placed(module: nn.Module, device: torch.device | str, *, channels_last: bool) -> nn.Module:
    """The module on a device, its four-dimensional weights in the memory format that convolutions are fast in."""
    untyped: Any = module  # torch's stubs do not know the argument
    wanted = torch.channels_last if channels_last else torch.contiguous_format
    moved: nn.Module = untyped.to(device, memory_format=wanted)
    return moved


def own_copy(module: nn.Module) -> nn.Module:
    """A deep copy in eval mode whose parameters can be trained."""
    twin = copy.deepcopy(module).eval()
    for parameter in twin.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return twin
