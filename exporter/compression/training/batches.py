"""Batches of the training data, in an order that only seed and epoch decide."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, random_split

from exporter.compression.model import Context, Examples
from exporter.data.settings.recipe import Training


class Batch(NamedTuple):
    """Examples to train on: a tensor an input, and class indices where there are any."""

    inputs: Examples
    labels: Tensor | None

    def __len__(self) -> int:
        """How many examples."""
        return len(self.inputs[0])

    def to(self, device: torch.device) -> "Batch":
        """The batch on `device`."""
        inputs = tuple(tensor.to(device, non_blocking=True) for tensor in self.inputs)
        return Batch(inputs, None if self.labels is None else self.labels.to(device, non_blocking=True))


Loss = Callable[[nn.Module, Batch], Tensor]


class Batches:
    """The training data of one training, and the share that is held out to validate."""

    def __init__(self, context: Context, settings: Training) -> None:
        assert context.data.training is not None
        self.labelled, self.seed = context.data.labelled, context.seed
        self.size = settings.batch_size
        self.training, self.validation = _split(context.data.training, settings.validation, context.seed)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self._shuffled(0))

    def of_epoch(self, epoch: int) -> Iterator[Batch]:
        """The epoch's batches; each epoch has an order of its own."""
        return map(self._batch, self._shuffled(epoch))

    def held_out(self) -> Iterator[Batch]:
        """The batches to validate on; none without a validation share."""
        return map(self._batch, DataLoader(self.validation, self.size)) if self.validation is not None else iter(())

    def _shuffled(self, epoch: int) -> DataLoader[Any]:
        order = torch.Generator().manual_seed(epoch_seed(self.seed, epoch))
        # A short last batch would give batch norms other statistics; every epoch leaves out others.
        size = min(self.size, length(self.training))
        return DataLoader(self.training, size, shuffle=True, generator=order, drop_last=True)

    def _batch(self, item: Any) -> Batch:
        return as_batch(item, labelled=self.labelled)


def as_batch(item: Any, *, labelled: bool) -> Batch:
    """What a loader gives for items of ``(*inputs)`` or ``(*inputs, label)``."""
    *inputs, last = item
    return Batch(tuple(inputs), last) if labelled else Batch((*inputs, last), None)


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed for each epoch, so that a resumed run draws the same numbers as one that was never interrupted."""
    return seed * 100_003 + epoch


def length(data: Dataset[Any]) -> int:
    """How many items `data` has."""
    return len(data)  # type: ignore[arg-type]


def _split(data: Dataset[Any], share: float, seed: int) -> tuple[Dataset[Any], Dataset[Any] | None]:
    held_out = round(length(data) * share)
    if held_out == 0:
        return data, None
    generator = torch.Generator().manual_seed(seed)
    rest, validation = random_split(data, [length(data) - held_out, held_out], generator=generator)
    return rest, validation
