"""The one training loop: any torch optimizer, cosine schedule, early stopping, checkpoints that survive `kill -9`."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.model import Context
from exporter.compression.training.augment import augmented, check_augmentations
from exporter.compression.training.batches import Batch, Batches, Loss, epoch_seed
from exporter.compression.training.checkpoint import checkpoint_of
from exporter.compression.training.optimizers import make_optimizer, make_schedule
from exporter.compression.training.placement import autocast, pick_device, pick_precision, placed
from exporter.compression.training.report import TrainingReport
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.settings.recipe import Training

OnStep = Callable[[int, int], None]


class TrainingDivergedError(ToolError):
    """The loss or a gradient stopped being a number."""


def train(
    model: nn.Module, loss: Loss, settings: Training, context: Context, stage: str, *, on_step: OnStep | None = None
) -> TrainingReport:
    """Train `model` in place on the context's training data and leave it on the CPU in eval mode.

    The same seed, data and settings give the same weights on one device, also when the run was killed in between.

    Args:
        model: with its constraints in place.
        loss: the loss of one batch, on the device of the model.
        settings: of the training.
        context: data, seed, checkpoint folder, progress.
        stage: what a person reads, and the name of the checkpoint.
        on_step: called with the step's number and the number of all steps before each step.

    Raises:
        UsageProblem: no training data, an optimizer that does not exist, or changes that the inputs cannot take.
        TrainingDivergedError: the loss became NaN or infinite.
    """
    data = context.data
    if data.training is None:
        raise UsageProblem(f"{stage} needs training data: give --data with a folder, CSV manifest or .npz.")
    check_augmentations(settings.augment, context.example_inputs, labelled=data.labelled, stage=stage)
    # cuDNN's default algorithms add gradients in an order that changes from run to run.
    with torch.random.fork_rng(), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run = _Run(model, loss, settings, context, stage, on_step)
        try:
            return run.finish()
        finally:
            placed(model, "cpu", channels_last=False).eval()


class _Run:
    """One training with everything that a checkpoint must hold."""

    KEPT = ("epoch", "first_loss", "losses", "validation_losses", "best")
    STATEFUL = ("model", "optimizer", "scheduler", "scaler")

    def __init__(
        self, model: nn.Module, loss: Loss, settings: Training, context: Context, stage: str, on_step: OnStep | None
    ) -> None:
        self.settings, self.context, self.stage, self.loss, self.on_step = settings, context, stage, loss, on_step
        self.checkpoint = checkpoint_of(model, settings, context, stage)
        self.device = pick_device(settings.device)
        self.precision = pick_precision(settings.precision, self.device)
        self.model = placed(model, self.device, channels_last=True)
        self.batches = Batches(context, settings)
        self.steps_per_epoch = self.batches.steps
        self.optimizer = make_optimizer(model, settings)
        self.scheduler = make_schedule(self.optimizer, settings, self.steps_per_epoch)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision is torch.float16)
        self.epoch = 0
        self.first_loss: float | None = None
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.best: dict[str, Tensor] | None = None

    def finish(self) -> TrainingReport:
        """Run the epochs that are left."""
        resumed_at = self._resume()
        while self.epoch < self.settings.epochs and not self._out_of_patience():
            self._run_epoch()
            self.epoch += 1
            self._validate()
            self._save()
        if self.best is not None:
            self.model.load_state_dict(self.best)
        assert self.first_loss is not None
        return TrainingReport(
            epochs=self.epoch,
            first_loss=self.first_loss,
            losses=tuple(self.losses),
            validation_losses=tuple(self.validation_losses),
            resumed_at=resumed_at,
            stopped_early=self._out_of_patience(),
        )

    def _run_epoch(self) -> None:
        torch.manual_seed(epoch_seed(self.context.seed, self.epoch))
        self.model.train()
        total, seen = 0.0, 0
        for index, batch in enumerate(self.batches.of_epoch(self.epoch)):
            value = self._step(self._changed(batch.to(self.device)), index)
            self.first_loss = value if self.first_loss is None else self.first_loss
            total, seen = total + value * len(batch), seen + len(batch)
        self.losses.append(total / seen)

    def _changed(self, batch: Batch) -> Batch:
        if not self.settings.augment:
            return batch
        (images,) = batch.inputs
        return Batch((augmented(images, self.settings.augment),), batch.labels)

    def _step(self, batch: Batch, index: int) -> float:
        number, steps = self.epoch * self.steps_per_epoch + index, self.settings.epochs * self.steps_per_epoch
        if self.on_step:
            self.on_step(number, steps)
        with autocast(self.device, self.precision):
            loss = self.loss(self.model, batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._diverged(f"the loss became {value}", index)
        self._descend(loss, index)
        self.context.advance(number + 1, steps)
        return value

    def _descend(self, loss: Tensor, index: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        scaled: Any = self.scaler.scale(loss)
        scaled.backward()
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_gradient or math.inf)
        # A scaler looks for overflow itself and lowers its scale.
        if not self.scaler.is_enabled() and not math.isfinite(float(norm)):
            raise self._diverged(f"the gradient's norm became {float(norm)}", index)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.scheduler.step()

    def _diverged(self, what: str, index: int) -> TrainingDivergedError:
        rate = self.optimizer.param_groups[0]["lr"]
        return TrainingDivergedError(
            f"{self.stage}: {what} in epoch {self.epoch + 1}, batch {index + 1} (learning rate {rate:.3g}). Lower "
            "training.learning_rate, set training.clip_gradient = 1.0 or warmup_epochs = 1"
            + (", or train in float32." if self.precision else ".")
        )

    def _validate(self) -> None:
        self.model.eval()
        total, seen = 0.0, 0
        with torch.no_grad(), autocast(self.device, self.precision):
            for batch in self.batches.held_out():
                total += float(self.loss(self.model, batch.to(self.device))) * len(batch)
                seen += len(batch)
        if seen:
            self.validation_losses.append(total / seen)
            self._remember_best()

    def _remember_best(self) -> None:
        if self.validation_losses[-1] == min(self.validation_losses):
            self.best = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}

    def _out_of_patience(self) -> bool:
        if self.settings.patience is None or not self.validation_losses:
            return False
        best = self.validation_losses.index(min(self.validation_losses))
        return len(self.validation_losses) - 1 - best >= self.settings.patience

    def _save(self) -> None:
        if self.checkpoint is not None:
            kept = {name: getattr(self, name) for name in self.KEPT}
            self.checkpoint.save(kept | {name: getattr(self, name).state_dict() for name in self.STATEFUL})

    def _resume(self) -> int | None:
        state = self.checkpoint.load(self.device) if self.checkpoint is not None else None
        if state is None:
            return None
        for name in self.STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        for name in self.KEPT:
            setattr(self, name, state[name])
        return self.epoch
