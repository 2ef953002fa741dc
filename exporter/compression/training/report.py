"""How a training went, and what of it stands in a step's result."""

from dataclasses import dataclass

# One batch's loss differs from an epoch's mean by chance; less than this is no sign of harm.
WORSE = 2.0

LEAST_RISE = 0.1
"""Of a loss that began at zero or below it, where no factor tells better from worse: a tenth of a nat."""


@dataclass(frozen=True)
class TrainingReport:
    """How a training went.

    Attributes:
        epochs: that were run, those of an earlier, interrupted run included.
        first_loss: of the first batch, before anything was trained.
        losses: mean training loss of each epoch.
        validation_losses: of each epoch; empty without a validation share.
        resumed_at: epoch from which a checkpoint was taken up; None for a fresh start.
        stopped_early: whether patience ran out.
    """

    epochs: int
    first_loss: float
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...] = ()
    resumed_at: int | None = None
    stopped_early: bool = False

    def notes(self) -> dict[str, object]:
        """What a training leaves in a step's result."""
        result: dict[str, object] = {"epochs": self.epochs, "losses": list(self.losses)}
        if self.validation_losses:
            result |= {"validation_losses": list(self.validation_losses), "stopped_early": self.stopped_early}
        if self.resumed_at is not None:
            result["resumed_at_epoch"] = self.resumed_at
        return result

    def warnings(self) -> tuple[str, ...]:
        """Says when a training ended far worse than it began: a network that died keeps a loss that is a number."""
        rise = self.losses[-1] - self.first_loss
        if rise <= max((WORSE - 1) * abs(self.first_loss), LEAST_RISE):
            return ()
        return (
            f"the training began at a loss of {self.first_loss:.3g} and ended at {self.losses[-1]:.3g}. Lower "
            "training.learning_rate or set training.clip_gradient = 1.0; networks whose batch norms are folded bear "
            "less.",
        )
