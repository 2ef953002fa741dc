"""Recovery: the original model teaches the compressed one (Hinton et al. 2015)."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from exporter.compression.method import Method
from exporter.data.settings.recipe import Need, Step, Training
from exporter.data.settings.target import Fraction

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class Recovery(Step):
    """The original model teaches the compressed one; labels are used where there are any.

    Attributes:
        training: how long and how.
        temperature: softens both models' logits (Hinton et al. 2015).
        alpha: share of the teacher in the loss, the rest is the labels'; without labels the teacher's is all.
        features: dotted names of layers whose outputs are compared as well, by their attention maps (Zagoruyko &
            Komodakis 2017), which do not depend on the number of channels.
        feature_weight: weight of that comparison.
    """

    training: Training = Training()
    temperature: Annotated[float, Field(gt=0)] = 4.0
    alpha: Fraction = 0.9
    features: tuple[str, ...] = ()
    feature_weight: Annotated[float, Field(ge=0)] = 1.0

    def needs(self) -> tuple[Need, ...]:
        """Examples, with or without labels."""
        return (Need.TRAINING,)


def recover(module: "nn.Module", step: Recovery, context: "Context") -> "Outcome":
    """Bring the outputs back to the original's."""
    from exporter.compression.training.teaching import Teaching, taught

    teaching = Teaching(context.original, context, step.training, step.temperature, step.alpha)
    return taught(
        module,
        teaching,
        step.training,
        context,
        "recovery",
        features=step.features,
        feature_weight=step.feature_weight,
    )


METHOD = Method(Recovery, recover)
