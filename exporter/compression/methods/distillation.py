"""Knowledge distillation (Hinton et al. 2015), and the recovery that every other method can use."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from exporter.compression.model import Context, Outcome, evaluating, first_tensor, own_copy, placed
from exporter.compression.training.loop import Batch, Loss, TrainingReport, pick_device, train
from exporter.data.errors import UsageProblem
from exporter.data.recipe import Distillation, FineTuning, Recovery, Training

# One batch's loss differs from an epoch's mean by chance; less than this is no sign of harm.
WORSE = 2.0

LEAST_RISE = 0.1
"""Of a loss that began at zero or below it, where no factor tells better from worse: a tenth of a nat."""


def fine_tune(module: nn.Module, step: FineTuning, context: Context) -> Outcome:
    """Train on labels alone."""
    report = train(module, labels_loss(context), step.training, context, "fine tuning")
    return Outcome(module, notes=notes(report), warnings=warnings(report))


def recover(module: nn.Module, step: Recovery, context: Context) -> Outcome:
    """Let the original model teach the compressed one."""
    loss = Teaching(context.original, context, step.training, step.temperature, step.alpha)
    with _features(loss, module, step.features, step.feature_weight) as complete:
        report = train(module, complete, step.training, context, "recovery")
    return Outcome(module, notes=notes(report), warnings=warnings(report))


def distill(module: nn.Module, step: Distillation, context: Context) -> Outcome:
    """Let a teacher train the model, another one, or a narrower one of the same architecture."""
    teacher = context.original if step.teacher is None else context.load_model(step.teacher)
    student = module
    if step.student is not None:
        student = own_copy(context.load_model(step.student))
    elif step.width is not None:
        from exporter.compression.methods.channels import narrower

        student = narrower(module, step.width, context)
    _check_outputs(teacher, student, context)
    loss = Teaching(teacher, context, step.training, step.temperature, step.alpha)
    with _features(loss, student, step.features, step.feature_weight) as complete:
        report = train(student, complete, step.training, context, "distillation")
    return Outcome(student, notes=notes(report), warnings=warnings(report))


def notes(report: TrainingReport) -> dict[str, object]:
    """What a training leaves in a step's result."""
    result: dict[str, object] = {"epochs": report.epochs, "losses": list(report.losses)}
    if report.validation_losses:
        result |= {"validation_losses": list(report.validation_losses), "stopped_early": report.stopped_early}
    if report.resumed_at is not None:
        result["resumed_at_epoch"] = report.resumed_at
    return result


def warnings(report: TrainingReport) -> tuple[str, ...]:
    """Says when a training ended far worse than it began: a network that died keeps a loss that is a number."""
    rise = report.losses[-1] - report.first_loss
    if rise <= max((WORSE - 1) * abs(report.first_loss), LEAST_RISE):
        return ()
    return (
        f"the training began at a loss of {report.first_loss:.3g} and ended at {report.losses[-1]:.3g}. Lower "
        "training.learning_rate or set training.clip_gradient = 1.0; networks whose batch norms are folded bear less.",
    )


def labels_loss(context: Context) -> Loss:
    """Cross-entropy with the labels.

    Raises:
        UsageProblem: the training data has none.
    """
    if not context.data.labelled:
        raise UsageProblem("training without a teacher needs labels: give labelled data, or a recovery step instead.")
    return lambda model, batch: functional.cross_entropy(first_tensor(model(batch[0])), batch[1])


class Teaching:
    """alpha * T^2 * KL(teacher || student) of logits softened by T, and the rest cross-entropy where there are labels.

    Attributes:
        teacher: a frozen copy of its own, on the training's device.
    """

    def __init__(
        self, teacher: nn.Module, context: Context, training: Training, temperature: float, alpha: float
    ) -> None:
        device = pick_device(training.device)
        self.teacher = placed(own_copy(teacher), device, channels_last=True).requires_grad_(False)
        self.temperature = temperature
        self.alpha = alpha if context.data.labelled else 1.0

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of one batch."""
        with torch.no_grad():
            wanted = functional.log_softmax(first_tensor(self.teacher(batch[0])).float() / self.temperature, 1)
        logits = first_tensor(model(batch[0])).float()
        softened = functional.log_softmax(logits / self.temperature, 1)
        taught = functional.kl_div(softened, wanted, reduction="none", log_target=True).sum(1).mean()
        value = self.alpha * self.temperature**2 * taught
        if self.alpha == 1:
            return value
        return value + (1 - self.alpha) * functional.cross_entropy(logits, batch[1])


@contextmanager
def _features(loss: Teaching, student: nn.Module, names: Sequence[str], weight: float) -> Iterator[Loss]:
    """Adds the distance of the attention maps of the named layers (Zagoruyko & Komodakis 2017, eq. 2).

    Maps sum the squares over channels, so that a student with fewer channels can be compared.
    """
    if not names:
        yield loss
        return
    wanted_by_name: dict[str, Tensor] = {}
    ours_by_name: dict[str, Tensor] = {}
    removers = [_capture(loss.teacher, name, wanted_by_name) for name in names]
    removers += [_capture(student, name, ours_by_name) for name in names]

    def complete(model: nn.Module, batch: Batch) -> Tensor:
        value = loss(model, batch)
        for name in names:
            ours, wanted = attention(ours_by_name[name]), attention(wanted_by_name[name])
            value = value + weight * (ours - wanted).square().sum(1).mean()
        return value

    try:
        yield complete
    finally:
        for remove in removers:
            remove()


def _capture(module: nn.Module, name: str, found: dict[str, Tensor]) -> Callable[[], None]:
    try:
        layer = module.get_submodule(name)
    except AttributeError as error:
        raise UsageProblem(f"features: the model has no layer {name!r}.") from error

    def hook(_: nn.Module, __: object, output: Tensor) -> None:
        found[name] = output

    return layer.register_forward_hook(hook).remove


def attention(activation: Tensor) -> Tensor:
    """Squares summed over channels, flattened and brought to length one; shape (N, positions)."""
    summed = activation.float().square().sum(1).flatten(1) if activation.dim() > 2 else activation.float()
    return functional.normalize(summed, dim=1)


def _check_outputs(teacher: nn.Module, student: nn.Module, context: Context) -> None:
    theirs, ours = (tuple(evaluating(model, context.example_inputs).shape) for model in (teacher, student))
    if theirs != ours:
        raise UsageProblem(f"distillation: the teacher's output has shape {theirs}, the student's {ours}.")
