"""Turns the project's datasets into what compression takes."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from exporter.compression.model import CompressionData, Examples
from exporter.data.errors import UsageProblem
from exporter.datasets.dataset import Dataset

CALIBRATION_BATCH = 16


class _Examples(TorchDataset[Examples]):
    """``(*inputs)`` or ``(*inputs, label)`` by index.

    Raises:
        UsageProblem: when an example is read that fills the inputs, so that no batch can be made of it.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return self.dataset.size

    def __getitem__(self, index: int) -> Examples:
        if not self.dataset.stacked:
            raise UsageProblem(
                f"data {self.dataset.name}: each example is a whole input, and a training makes batches of examples: "
                "give examples without the batch axis."
            )
        inputs = _tensors(self.dataset.read(index))
        labels = self.dataset.labels
        return inputs if labels is None else (*inputs, torch.tensor(labels[index]))


def compression_data(
    calibration: Dataset | None, training: Dataset | None, calibration_samples: int
) -> CompressionData:
    """Batches of the calibration data, and the training data example by example.

    Args:
        calibration: representative data; None takes the training data.
        training: data for recovery and fine-tuning; its labels are used where it has them.
        calibration_samples: at most so many examples, evenly spread.
    """
    source = calibration or training
    return CompressionData(
        calibration=() if source is None else _batches(source, calibration_samples),
        training=None if training is None else _Examples(training),
        labelled=training is not None and training.labels is not None,
    )


def _batches(dataset: Dataset, count: int) -> tuple[Examples, ...]:
    indices = dataset.spread(count)
    size = CALIBRATION_BATCH if dataset.stacked else 1
    return tuple(_tensors(dataset.batch(indices[start : start + size])) for start in range(0, len(indices), size))


def _tensors(arrays: tuple[np.ndarray[Any, Any], ...]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)
