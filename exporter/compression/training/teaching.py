"""What trainings minimise: cross-entropy with labels, or what a teacher says (Hinton et al. 2015)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from exporter.compression.model import Context, Outcome, first_tensor, own_copy
from exporter.compression.training.batches import Batch, Loss
from exporter.compression.training.loop import OnStep, train
from exporter.compression.training.placement import pick_device, placed
from exporter.compression.training.report import TrainingReport
from exporter.data.errors import UsageProblem
from exporter.data.settings.recipe import Training

TEMPERATURE, ALPHA = 4.0, 0.9
"""Of a recovery inside another method."""


def taught(
    module: nn.Module,
    teaching: "Teaching",
    training: Training,
    context: Context,
    stage: str,
    *,
    features: Sequence[str] = (),
    feature_weight: float = 1.0,
) -> Outcome:
    """Train `module` by a teacher.

    Args:
        stage: what a person reads, and the name of the checkpoint.
        features: dotted names of layers whose outputs are compared as well, by their attention maps.
        feature_weight: weight of that comparison.
    """
    with _features(teaching, module, features, feature_weight) as complete:
        report = train(module, complete, training, context, stage)
    return Outcome(module, notes=report.notes(), warnings=report.warnings())


def recovered(
    module: nn.Module, training: Training, context: Context, stage: str, *, on_step: OnStep | None = None
) -> TrainingReport:
    """Let the original model teach `module` during or after another method's work."""
    return train(module, Teaching(context.original, context, training), training, context, stage, on_step=on_step)


def labels_loss(context: Context) -> Loss:
    """Cross-entropy with the labels.

    Raises:
        UsageProblem: the training data has none.
    """
    if not context.data.labelled:
        raise UsageProblem("training without a teacher needs labels: give labelled data, or a recovery step instead.")
    return lambda model, batch: _cross_entropy(first_tensor(model(*batch.inputs)), batch)


class Teaching:
    """alpha * T^2 * KL(teacher || student) of logits softened by T, and the rest cross-entropy where there are labels.

    Attributes:
        teacher: a frozen copy of its own, on the training's device.
    """

    def __init__(
        self,
        teacher: nn.Module,
        context: Context,
        training: Training,
        temperature: float = TEMPERATURE,
        alpha: float = ALPHA,
    ) -> None:
        device = pick_device(training.device)
        self.teacher = placed(own_copy(teacher), device, channels_last=True).requires_grad_(False)
        self.temperature = temperature
        self.alpha = alpha if context.data.labelled else 1.0

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of one batch."""
        with torch.no_grad():
            wanted = self._softened(first_tensor(self.teacher(*batch.inputs)))
        logits = first_tensor(model(*batch.inputs))
        apart = functional.kl_div(self._softened(logits), wanted, reduction="none", log_target=True).sum(1).mean()
        value = self.alpha * self.temperature**2 * apart
        return value if self.alpha == 1 else value + (1 - self.alpha) * _cross_entropy(logits.float(), batch)

    def _softened(self, logits: Tensor) -> Tensor:
        return functional.log_softmax(logits.float() / self.temperature, 1)


def attention(activation: Tensor) -> Tensor:
    """Squares summed over channels, flattened and brought to length one; shape (N, positions)."""
    summed = activation.float().square().sum(1).flatten(1) if activation.dim() > 2 else activation.float()
    return functional.normalize(summed, dim=1)


def _cross_entropy(logits: Tensor, batch: Batch) -> Tensor:
    assert batch.labels is not None
    return functional.cross_entropy(logits, batch.labels)


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
