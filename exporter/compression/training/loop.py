"""The one training loop: any torch optimizer, cosine schedule, early stopping, checkpoints that survive `kill -9`."""

import contextlib
import hashlib
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torch.utils.data import DataLoader, Dataset, random_split

from exporter.compression.model import Context, Progress, placed
from exporter.config.spelling import did_you_mean
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.recipe import Training

Batch = tuple[Tensor, ...]
Loss = Callable[[nn.Module, Batch], Tensor]
OnStep = Callable[[int, int], None]

# Shares of the image's area and width to height, as in torchvision's RandomResizedCrop but for less extreme zoom.
CROP_AREA, CROP_RATIO = (0.25, 1.0), (3 / 4, 4 / 3)


class TrainingDivergedError(ToolError):
    """The loss or a gradient stopped being a number."""


@dataclass(frozen=True)
class TrainingReport:
    """How a training went.

    Attributes:
        epochs: that were run, those of an earlier, interrupted run included.
        first_loss: of the first batch, before anything was trained.
        losses: mean training loss of each epoch.
        validation_losses: of each epoch; empty without a validation share.
        duration_s: of this process.
        resumed_at: epoch from which a checkpoint was taken up; None for a fresh start.
        stopped_early: whether patience ran out.
    """

    epochs: int
    first_loss: float
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    duration_s: float
    resumed_at: int | None
    stopped_early: bool


def train(
    model: nn.Module, loss: Loss, settings: Training, context: Context, stage: str, *, on_step: OnStep | None = None
) -> TrainingReport:
    """Train `model` in place on the context's training data and leave it on the CPU in eval mode.

    The same seed, data and settings give the same weights on one device, also when the run was killed in between.

    Args:
        model: with its constraints in place.
        loss: the loss of one batch ``(inputs,)`` or ``(inputs, labels)``, on the device of the model.
        settings: of the training.
        context: data, seed, checkpoint folder, progress.
        stage: what a person reads, and the name of the checkpoint.
        on_step: called with the step's number and the number of all steps before each step.

    Raises:
        UsageProblem: no training data, an optimizer that does not exist, or mixtures of labelled images.
        TrainingDivergedError: the loss became NaN or infinite.
    """
    if context.data.training is None:
        raise UsageProblem(f"{stage} needs training images: give --data with a folder, CSV manifest or .npz.")
    if context.data.labelled and "mixup" in settings.augment:
        raise UsageProblem(
            f"{stage}: training.augment: mixtures of images have no label, only a teacher judges them: leave mixup "
            "out, or give the images without labels."
        )
    # cuDNN's default algorithms add gradients in an order that changes from run to run.
    with torch.random.fork_rng(), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run = _Run(model, loss, settings, context, stage, on_step)
        try:
            return run.finish()
        finally:
            placed(model, "cpu", channels_last=False).eval()


def pick_device(name: str) -> torch.device:
    """The device called `name`; ``auto`` takes the fastest there is."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_precision(name: str, device: torch.device) -> torch.dtype | None:
    """The type that the forward pass is cast to on `device`; None for float32.

    ``auto`` takes bfloat16 only where there are instructions for it: a CPU without AVX512-BF16 or AMX took 12 times as
    long with it as in float32.
    """
    if name == "auto":
        return torch.bfloat16 if _has_bfloat16(device) else None
    return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


class _Run:
    """One training with everything that a checkpoint must hold."""

    KEPT = ("epoch", "first_loss", "losses", "validation_losses", "best")

    def __init__(
        self, model: nn.Module, loss: Loss, settings: Training, context: Context, stage: str, on_step: OnStep | None
    ) -> None:
        self.settings, self.context, self.stage, self.loss, self.on_step = settings, context, stage, loss, on_step
        self.key = _key(model, settings, context)
        self.device = pick_device(settings.device)
        self.precision = pick_precision(settings.precision, self.device)
        self.model = placed(model, self.device, channels_last=True)
        self.training_set, self.validation_set = _split(context, settings)
        self.steps_per_epoch = len(self._batches(0))
        self.optimizer = make_optimizer(model, settings)
        self.scheduler = _schedule(self.optimizer, settings, self.steps_per_epoch)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision is torch.float16)
        self.epoch = 0
        self.first_loss: float | None = None
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.best: dict[str, Tensor] | None = None

    def finish(self) -> TrainingReport:
        """Run the epochs that are left."""
        started = time.monotonic()
        resumed_at = self._resume()
        first = self.epoch
        while self.epoch < self.settings.epochs and not self._out_of_patience():
            self._run_epoch(started, first)
            self.epoch += 1
            self._validate()
            self._save()
        if self.best is not None:
            self.model.load_state_dict(self.best)
        assert self.first_loss is not None
        return TrainingReport(
            self.epoch, self.first_loss, tuple(self.losses), tuple(self.validation_losses),
            time.monotonic() - started, resumed_at, self._out_of_patience(),
        )  # fmt: skip

    def _run_epoch(self, started: float, first: int) -> None:
        # Each epoch seeds itself, so a resumed run draws the same numbers as one that was never interrupted.
        torch.manual_seed(self.context.seed * 100_003 + self.epoch)
        self.model.train()
        total, seen = 0.0, 0
        for index, batch in enumerate(self._batches(self.epoch)):
            if self.on_step:
                self.on_step(self.epoch * self.steps_per_epoch + index, self.settings.epochs * self.steps_per_epoch)
            value = self._step(augmented(self._on_device(batch), self.settings.augment), index)
            self.first_loss = value if self.first_loss is None else self.first_loss
            total, seen = total + value * len(batch[0]), seen + len(batch[0])
            self._report(index + 1, total / seen, started, first)
        self.losses.append(total / seen)

    def _step(self, batch: Batch, index: int) -> float:
        with self._autocast():
            loss = self.loss(self.model, batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._diverged(f"the loss became {value}", index)
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
        return value

    def _diverged(self, what: str, index: int) -> TrainingDivergedError:
        rate = self.optimizer.param_groups[0]["lr"]
        return TrainingDivergedError(
            f"{self.stage}: {what} in epoch {self.epoch + 1}, batch {index + 1} (learning rate {rate:.3g}). Lower "
            "training.learning_rate, set training.clip_gradient = 1.0 or warmup_epochs = 1"
            + (", or train in float32." if self.precision else ".")
        )

    def _validate(self) -> None:
        if self.validation_set is None:
            return
        self.model.eval()
        total = 0.0
        with torch.no_grad(), self._autocast():
            for batch in DataLoader(self.validation_set, self.settings.batch_size):
                total += float(self.loss(self.model, self._on_device(batch))) * len(batch[0])
        self.validation_losses.append(total / _length(self.validation_set))
        if self.validation_losses[-1] == min(self.validation_losses):
            self.best = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}

    def _out_of_patience(self) -> bool:
        if self.settings.patience is None or not self.validation_losses:
            return False
        best = self.validation_losses.index(min(self.validation_losses))
        return len(self.validation_losses) - 1 - best >= self.settings.patience

    def _batches(self, epoch: int) -> DataLoader[Any]:
        order = torch.Generator().manual_seed(self.context.seed * 100_003 + epoch)
        size = min(self.settings.batch_size, _length(self.training_set))
        # A short last batch would give batch norms other statistics; every epoch leaves out others.
        return DataLoader(self.training_set, size, shuffle=True, generator=order, drop_last=True)

    def _on_device(self, batch: Any) -> Batch:
        return tuple(tensor.to(self.device, non_blocking=True) for tensor in batch)

    def _autocast(self) -> contextlib.AbstractContextManager[None]:
        dtype = self.precision
        return torch.autocast(self.device.type, dtype=dtype) if dtype else contextlib.nullcontext()

    def _report(self, batches: int, loss: float, started: float, first: int) -> None:
        done = self.epoch + batches / self.steps_per_epoch
        elapsed = time.monotonic() - started
        eta = elapsed / (done - first) * (self.settings.epochs - done)
        epochs = self.settings.epochs
        self.context.progress(Progress(self.stage, self.epoch + 1, epochs, done / epochs, loss, eta))

    def _checkpoint(self) -> Path | None:
        folder = self.context.checkpoint_dir
        return None if folder is None else folder / f"{self.stage.replace(' ', '_').replace('/', '_')}.pt"

    def _save(self) -> None:
        path = self._checkpoint()
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {name: getattr(self, name) for name in ("key", *self.KEPT)}
        for name in ("model", "optimizer", "scheduler", "scaler"):
            state[name] = getattr(self, name).state_dict()
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _resume(self) -> int | None:
        path = self._checkpoint()
        if path is None or not path.exists():
            return None
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["key"] != self.key or not state.keys() >= {*self.KEPT}:
            return None  # of another model, data or settings: the new training replaces it
        for name in ("model", "optimizer", "scheduler", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        for name in self.KEPT:
            setattr(self, name, state[name])
        return self.epoch


def make_optimizer(model: nn.Module, settings: Training) -> torch.optim.Optimizer:
    """The optimizer that `settings` names.

    Raises:
        UsageProblem: torch.optim has no such class, or it does not take the options.
    """
    kinds: dict[str, Any] = {
        name: kind for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
    }  # fmt: skip
    kind = kinds.get(settings.optimizer)
    if kind is None:
        hint = did_you_mean(settings.optimizer, kinds, otherwise=f"there are {', '.join(sorted(kinds))}")
        raise UsageProblem(f"training.optimizer: torch.optim has no {settings.optimizer!r}; {hint}")
    options = dict(settings.optimizer_options)
    if settings.optimizer != "SGD" and options == {"momentum": 0.9}:
        options = {}  # the default is SGD's
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        made: torch.optim.Optimizer = kind(trainable, lr=settings.learning_rate, **options)
    except TypeError as error:
        raise UsageProblem(f"training.optimizer_options: {settings.optimizer}: {error}") from error
    return made


def _schedule(optimizer: torch.optim.Optimizer, settings: Training, steps_per_epoch: int) -> LRScheduler:
    total = settings.epochs * steps_per_epoch
    warmup = min(round(settings.warmup_epochs * steps_per_epoch), total - 1)
    main: LRScheduler = (
        CosineAnnealingLR(optimizer, total - warmup)
        if settings.schedule == "cosine"
        else ConstantLR(optimizer, factor=1.0, total_iters=0)
    )
    if warmup == 0:
        return main
    rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [rise, main], milestones=[warmup])


def augmented(batch: Batch, kinds: tuple[str, ...]) -> Batch:
    """The batch with each image (N, C, H, W) changed by chance, independently of the others.

    Args:
        kinds: names as in `Training.augment`; applied in the order crop, flip, shift, mixup, however they are listed.
    """
    images = batch[0]
    for kind, change in _AUGMENTATIONS.items():
        if kind in kinds:
            images = change(images)
    return (images, *batch[1:])


def _cropped(images: Tensor) -> Tensor:
    area = torch.empty(len(images)).uniform_(*CROP_AREA)
    ratio = torch.empty(len(images)).uniform_(*map(math.log, CROP_RATIO)).exp()
    # Sizes and centres as shares of the image, in the coordinates of affine_grid, which go from -1 to 1.
    sizes = torch.stack([area * ratio, area / ratio], 1).sqrt().clamp(max=1)
    centres = (1 - sizes) * (2 * torch.rand(len(images), 2) - 1)
    transforms = torch.cat([torch.diag_embed(sizes), centres[:, :, None]], 2).to(images)
    grid = nn.functional.affine_grid(transforms, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _mirrored(images: Tensor) -> Tensor:
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)


def _shifted(images: Tensor) -> Tensor:
    count, channels, height, width = images.shape
    margin = max(1, height // 8)
    padded = nn.functional.pad(images, (margin,) * 4)
    top, left = torch.randint(2 * margin + 1, (2, count, 1, 1))
    rows, columns = top + torch.arange(height)[:, None], left + torch.arange(width)
    places = (rows * padded.shape[3] + columns).flatten(1)[:, None].expand(-1, channels, -1).to(images.device)
    return padded.flatten(2).gather(2, places).view_as(images)


def _mixed(images: Tensor) -> Tensor:
    shares = torch.rand(len(images)).view(-1, 1, 1, 1).to(images)
    return torch.lerp(images, images[torch.randperm(len(images)).to(images.device)], shares)


_AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "crop": _cropped,
    "flip": _mirrored,
    "shift": _shifted,
    "mixup": _mixed,
}


def _split(context: Context, settings: Training) -> tuple[Dataset[Any], Dataset[Any] | None]:
    data = context.data.training
    assert data is not None
    held_out = round(_length(data) * settings.validation)
    if held_out == 0:
        return data, None
    generator = torch.Generator().manual_seed(context.seed)
    rest, validation = random_split(data, [_length(data) - held_out, held_out], generator=generator)
    return rest, validation


def _length(data: Dataset[Any]) -> int:
    return len(data)  # type: ignore[arg-type]


def _key(model: nn.Module, settings: Training, context: Context) -> str:
    """Digest of everything that decides what a training gives, so that a checkpoint is taken up only where it fits."""
    digest = hashlib.sha256(f"{settings.model_dump_json()} {context.seed}".encode())
    assert context.data.training is not None
    digest.update(f"{_length(context.data.training)} {context.data.labelled}".encode())
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
