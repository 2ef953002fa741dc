"""Turns the project's datasets into what compression takes."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from exporter.compression.model import CompressionData
from exporter.datasets.dataset import Dataset

CALIBRATION_BATCH = 16


class _Examples(TorchDataset[tuple[Tensor, ...]]):
    """``(input,)`` or ``(input, label)`` by index."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return self.dataset.size

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        example = _tensor(self.dataset.read(index))
        if self.dataset.labels is None:
            return (example,)
        return example, torch.tensor(self.dataset.labels[index])


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
    batches: tuple[Tensor, ...] = ()
    if source is not None:
        indices = source.spread(calibration_samples)
        stacked = torch.stack([_tensor(source.read(index)) for index in indices])
        batches = torch.split(stacked, CALIBRATION_BATCH)
    return CompressionData(
        calibration=batches,
        training=None if training is None else _Examples(training),
        labelled=training is not None and training.labels is not None,
    )


def _tensor(example: tuple[np.ndarray[Any, Any], ...]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(example[0]))
