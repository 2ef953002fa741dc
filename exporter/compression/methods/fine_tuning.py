"""Fine-tuning: the model trains on labels alone."""

from typing import TYPE_CHECKING

from exporter.compression.method import Method
from exporter.data.settings.recipe import Need, Step, Training

if TYPE_CHECKING:
    from torch import nn

    from exporter.compression.model import Context, Outcome


class FineTuning(Step):
    """Trains on labels alone.

    Attributes:
        training: how.
    """

    training: Training = Training()

    def needs(self) -> tuple[Need, ...]:
        """Labelled examples."""
        return (Need.TRAINING, Need.LABELS)


def fine_tune(module: "nn.Module", step: FineTuning, context: "Context") -> "Outcome":
    """Minimise the cross-entropy."""
    from exporter.compression.model import Outcome
    from exporter.compression.training.loop import train
    from exporter.compression.training.teaching import labels_loss

    report = train(module, labels_loss(context), step.training, context, "fine tuning")
    return Outcome(module, notes=report.notes(), warnings=report.warnings())


METHOD = Method(FineTuning, fine_tune)
