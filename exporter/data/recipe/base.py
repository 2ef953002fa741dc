"""What every step is made of: training settings, rules for layers, and the steps that only train."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from exporter.data.target import Fraction, Pattern, Settings

Ratio = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Training(Settings):
    """How weights are trained; every method that trains uses this one loop.

    Attributes:
        epochs: passes over the training data.
        batch_size: examples a step.
        optimizer: a class of ``torch.optim`` by name.
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


class LayerRule(Settings):
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


class PruningRule(LayerRule):
    """Another sparsity for the layers it matches."""

    sparsity: Ratio | None = None


class ChannelRule(LayerRule):
    """Another share of removed channels for the layers it matches."""

    ratio: Ratio | None = None


class BitsRule(LayerRule):
    """Another number of bits for the layers it matches."""

    bits: Annotated[int, Field(ge=1, le=8)] | None = None


class Step(Settings):
    """Base of every step.

    Attributes:
        stage: order in which steps may follow each other: 0 changes the structure, 1 makes zeros, 2 makes tables,
            3 makes integer grids; None (training) may stand anywhere.
    """

    stage: ClassVar[int | None] = None
    method: str

    def order(self) -> int | None:
        """The stage of this step with its options."""
        return self.stage


class FineTuning(Step):
    """Trains on labels alone."""

    method: Literal["fine_tuning"] = "fine_tuning"
    training: Training = Training()


class _Distilling(Step):
    training: Training = Training()
    temperature: Annotated[float, Field(gt=0)] = 4.0
    alpha: Fraction = 0.9
    features: tuple[str, ...] = ()
    feature_weight: Annotated[float, Field(ge=0)] = 1.0


class Recovery(_Distilling):
    """The original model teaches the compressed one; labels are used where there are any.

    Attributes:
        training: how long and how.
        temperature: softens both models' logits (Hinton et al. 2015).
        alpha: share of the teacher in the loss, the rest is the labels'; without labels the teacher's is all.
        features: dotted names of layers whose outputs are compared as well, by their attention maps (Zagoruyko &
            Komodakis 2017), which do not depend on the number of channels.
        feature_weight: weight of that comparison.
    """

    method: Literal["recovery"] = "recovery"


class Distillation(_Distilling):
    """A teacher trains a student.

    Attributes:
        teacher: any model source; None takes the model that the recipe starts from.
        student: any model source; None takes the model as it is, or a narrower one with `width`.
        width: width multiplier: the student is the same architecture with this share of its channels, untrained.
    """

    stage: ClassVar[int | None] = 0
    method: Literal["distillation"] = "distillation"
    teacher: str | None = None
    student: str | None = None
    width: Ratio | None = None

    @model_validator(mode="after")
    def _one_student(self) -> Self:
        if self.student is not None and self.width is not None:
            raise ValueError("give at most one of student and width")
        if self.teacher is None and self.student is None and self.width is None:
            raise ValueError("the model would teach itself: give teacher, student or width")
        return self

    def order(self) -> int | None:
        """Replacing the model is structure; another teacher for the same model is training."""
        return None if self.student is None and self.width is None else self.stage
