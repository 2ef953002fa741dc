"""Recipe: an ordered list of compression steps, as frozen data, and what steps of several methods share.

A step names a method, its options, and rules that say which layers it is for. The rules are read in order; of two
that match a layer and set the same thing, the later wins. The steps themselves stand with their methods.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SerializeAsAny, model_validator

from exporter.data.base import Frozen
from exporter.data.quantities import Duration
from exporter.data.settings.target import Pattern

Ratio = Annotated[float, Field(gt=0, lt=1)]
Rounding = Literal["nearest", "gptq", "adaround", "brecq"]
"""How the stored values of weights are chosen; ``nearest`` needs no data."""
Count = Annotated[int, Field(ge=1)]


class Training(Frozen):
    """How weights are trained; every method that trains uses this one loop.

    Attributes:
        epochs: passes over the training data.
        batch_size: examples a step.
        optimizer: a class of ``torch.optim`` by name.
        learning_rate: of the optimizer, after the warm-up.
        optimizer_options: further keyword arguments of that class, for example ``momentum`` and ``weight_decay``.
        schedule: learning rate over the training: half a cosine down to zero, or constant.
        warmup_epochs: epochs of linear warm-up before the schedule; fractions count.
        precision: arithmetic of the forward pass (``torch.autocast``); ``auto`` takes bfloat16 where the device has
            instructions for it and float32 elsewhere, where torch emulates it many times slower.
        device: ``auto`` takes CUDA, then MPS, then the CPU.
        clip_gradient: largest norm of all gradients together; None leaves them.
        validation: share of the training data held out to measure the loss after each epoch; needed by `patience`.
        patience: stop after so many epochs without a lower validation loss, and keep the best weights.
        augment: random changes of each image: ``crop`` (a part of it, resized), ``flip`` (mirrored), ``shift`` (by an
            eighth of its size over zeros), ``mixup`` (with another image by a share from 0 to 1, for unlabelled images:
            the teacher judges the mixture; Beyer et al. 2022). Few images last longer with crop and mixup.
    """

    epochs: Count = 10
    batch_size: Count = 128
    optimizer: str = "SGD"
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    optimizer_options: dict[str, Any] = {"momentum": 0.9}
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    validation: Annotated[float, Field(ge=0, lt=1)] = 0
    patience: Count | None = None
    augment: tuple[Literal["crop", "flip", "shift", "mixup"], ...] = ()

    @model_validator(mode="after")
    def _can_stop_early(self) -> Self:
        if self.patience is not None and self.validation == 0:
            raise ValueError("patience needs a validation share to watch: set validation, for example to 0.1")
        return self


class LayerRule(Frozen):
    """Says for the layers it matches whether the step applies; at least one of name and type.

    Attributes:
        name: regular expression searched in the layer's dotted name.
        type: class name of the layer, for example ``Conv2d`` or ``Linear``.
        apply: whether the step is for these layers.
    """

    name: Pattern | None = None
    type: str | None = None
    apply: bool | None = None

    @model_validator(mode="after")
    def _selects_and_says(self) -> Self:
        if self.name is None and self.type is None:
            raise ValueError("give name, type or both")
        if all(getattr(self, key) is None for key in type(self).model_fields if key not in ("name", "type")):
            raise ValueError("the rule sets nothing: give apply or an option")
        return self


class SparsityRule(LayerRule):
    """Another sparsity for the layers it matches.

    Attributes:
        sparsity: share of their weights that becomes zero.
    """

    sparsity: Ratio | None = None


class Need(StrEnum):
    """Data that a step cannot do without."""

    CALIBRATION = "calibration"
    TRAINING = "training"
    LABELS = "labels"


class Step(Frozen):
    """Base of every method's step.

    Attributes:
        stage: order in which steps may follow each other: 0 changes the structure, 1 makes zeros, 2 makes tables,
            3 makes integer grids; None (training) may stand anywhere.
        method: name of the method in the table of methods, which is the only place that says it.
    """

    stage: ClassVar[int | None] = None
    method: str

    def order(self) -> int | None:
        """The stage of this step with its options."""
        return self.stage

    def needs(self) -> tuple[Need, ...]:
        """What this step with its options cannot do without."""
        return ()

    def models(self) -> tuple[str, ...]:
        """Further model sources that this step loads, for example a teacher."""
        return ()


class RoundingStep(Step):
    """Base of the steps that store weights in few values.

    Attributes:
        rounding: to the ``nearest`` values; or on calibration data to those that change outputs least: layer by layer,
            where weights that are not yet rounded make up for those that are (``gptq``, Frantar et al. 2023), or
            where up or down is learned for grids (``adaround``, Nagel et al. 2020), or block by block, learned from
            what each block gives, with its biases and tables (``brecq``, Li et al. 2021).
        rounding_budget: time that ``adaround`` and ``brecq`` may take; where they need more, trainings are cut short,
            which is reported, and results depend on the machine.
    """

    rounding: Rounding = "nearest"
    rounding_budget: Duration = 600.0

    def needs(self) -> tuple[Need, ...]:
        """Examples, where weights are rounded on them."""
        return () if self.rounding == "nearest" else (Need.CALIBRATION,)


class Recipe(Frozen):
    """Steps in the order in which they are applied.

    Attributes:
        name: how targets and commands refer to it.
        description: one sentence for people.
        seed: of every random choice.
        steps: at least one.
    """

    name: str
    description: str = ""
    seed: int = 0
    steps: tuple[SerializeAsAny[Step], ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.steps:
            raise ValueError("steps is empty: add [[steps]] tables, each with a method")
        latest, where = -1, 0
        for index, step in enumerate(self.steps):
            stage = step.order()
            if stage is None:
                continue
            if stage < latest:
                raise ValueError(
                    f"steps.{index} ({step.method}) must come before steps.{where} ({self.steps[where].method}): "
                    "structure first, then zeros, then tables, then integer grids; each would undo the next one's work"
                )
            latest, where = stage, index
        return self
