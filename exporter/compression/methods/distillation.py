"""Knowledge distillation: a teacher trains another model (Hinton et al. 2015)."""

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from exporter.compression.method import Method
from exporter.compression.methods.recovery import Recovery
from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Ratio

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class Distillation(Recovery):
    """A teacher trains a student.

    Attributes:
        teacher: any model source; None takes the model that the recipe starts from.
        student: any model source; None takes the model as it is, or a narrower one with `width`.
        width: width multiplier: the student is the same architecture with this share of its channels, untrained.
    """

    stage: ClassVar[int | None] = 0
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

    def models(self) -> tuple[str, ...]:
        """Teacher and student, where they are named."""
        return tuple(spec for spec in (self.teacher, self.student) if spec is not None)


def distill(module: "nn.Module", step: Distillation, context: "Context") -> "Outcome":
    """Let the teacher train the model, another one, or a narrower one of the same architecture."""
    from exporter.compression.training.teaching import Teaching, taught

    teacher = context.original if step.teacher is None else context.models[step.teacher]
    student = _student(module, step, context)
    _check_outputs(teacher, student, context)
    teaching = Teaching(teacher, context, step.training, step.temperature, step.alpha)
    return taught(
        student,
        teaching,
        step.training,
        context,
        "distillation",
        features=step.features,
        feature_weight=step.feature_weight,
    )


def _student(module: "nn.Module", step: Distillation, context: "Context") -> "nn.Module":
    if step.student is not None:
        from exporter.compression.model import own_copy

        return own_copy(context.models[step.student])
    if step.width is not None:
        from exporter.compression.structure.channels import narrower

        return narrower(module, step.width, context)
    return module


def _check_outputs(teacher: "nn.Module", student: "nn.Module", context: "Context") -> None:
    from exporter.compression.model import evaluating

    theirs, ours = (tuple(evaluating(model, context.example_inputs).shape) for model in (teacher, student))
    if theirs != ours:
        raise UsageProblem(f"distillation: the teacher's output has shape {theirs}, the student's {ours}.")


METHOD = Method(Distillation, distill, example={"width": 0.5})
