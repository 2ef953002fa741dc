"""Turns the project's datasets into what compression takes."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from exporter.compression.model import CompressionData
from exporter.data.errors import UsageProblem
from exporter.datasets.dataset import Dataset

CALIBRATION_BATCH = 16


class _Examples(TorchDataset[tuple[Tensor, ...]]):
    """``(input,)`` or ``(input, label)`` by index."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return self.dataset.size

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        example = _only(self.dataset.read(index), self.dataset.name)
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
        examples = [_only(source.read(index), source.name) for index in source.spread(calibration_samples)]
        batches = torch.split(torch.stack(examples), CALIBRATION_BATCH) if source.stacked else tuple(examples)
    return CompressionData(
        calibration=batches,
        training=None if training is None else _Examples(training),
        labelled=training is not None and training.labels is not None,
    )


def _only(example: tuple[np.ndarray[Any, Any], ...], name: str) -> Tensor:
    if len(example) != 1:
        raise UsageProblem(f"data {name}: recipes take data for models of one input; this model has {len(example)}.")
    return torch.from_numpy(np.ascontiguousarray(example[0]))
