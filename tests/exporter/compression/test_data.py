"""The project's datasets as compression takes them: all inputs of an example, in batches and one by one."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from exporter.compression.data import CALIBRATION_BATCH, compression_data
from exporter.data.errors import UsageProblem
from exporter.datasets.dataset import Dataset

COUNT = 20


def examples(*, stacked: bool = True) -> Dataset:
    """Examples of two inputs: floats and tokens."""
    shape = (3, 4) if stacked else (1, 3, 4)
    floats = np.random.default_rng(0).standard_normal((COUNT, *shape)).astype(np.float32)
    tokens = np.arange(COUNT * 2).reshape(COUNT, *shape[:-2], 2)
    labels = tuple(index % 5 for index in range(COUNT))
    return Dataset("pairs", "", COUNT, lambda index: (floats[index], tokens[index]), labels=labels, stacked=stacked)


def test_every_input_of_an_example_is_there() -> None:
    """Protects models of several inputs, of which only the first was taken once."""
    data = compression_data(examples(), examples(), COUNT)
    assert [tuple(len(tensor) for tensor in batch) for batch in data.calibration] == [(CALIBRATION_BATCH,) * 2, (4, 4)]
    assert torch.equal(torch.cat([tokens for _, tokens in data.calibration]), torch.arange(COUNT * 2).view(COUNT, 2))
    assert data.labelled
    assert data.training is not None
    floats, tokens, labels = next(iter(DataLoader(data.training, 8)))
    assert floats.shape == (8, 3, 4)
    assert tokens.shape == (8, 2)
    assert labels.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


def test_calibration_falls_back_to_the_training_data_and_is_bounded() -> None:
    """Protects `--data` alone, and `--calibration-samples`."""
    data = compression_data(None, examples(), 5)
    assert sum(len(floats) for floats, _ in data.calibration) == 5
    assert compression_data(None, None, 5).calibration == ()


def test_examples_that_fill_the_inputs_calibrate_one_by_one_and_cannot_be_trained_on() -> None:
    """Protects inputs whose first axis is no batch."""
    whole = examples(stacked=False)
    data = compression_data(None, whole, 7)
    assert len(data.calibration) == 7
    assert data.training is not None
    with pytest.raises(UsageProblem, match="data pairs: each example is a whole input"):
        data.training[0]
