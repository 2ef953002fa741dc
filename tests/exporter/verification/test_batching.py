"""Which axis of an output counts the examples is found out by running the source."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from exporter.datasets.dataset import Dataset
from exporter.verification.batching import rows_axis, split_results, stacking_axes
from exporter.verification.compare import reference_outputs
from exporter.verification.runners import TorchRunner

from .runs import AsArtifact, description

Array = NDArray[Any]
Rows = Sequence[Array]


class Lstm(nn.Module):
    """Sequences with the batch first, states with the layers first."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        values, (hidden, _) = self.lstm(x)
        return values, hidden, torch.arange(4.0)


class OverTime(nn.Module):
    """The first axis is time: more of it is no other example."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[0]


class NoBatch(nn.Module):
    """Boxes of the first image alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[0].t()


class Fixed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(1, 9)


def pair(shape: tuple[int, ...]) -> tuple[Rows, Rows]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=shape).astype(np.float32)], [generator.normal(size=shape).astype(np.float32)]


def test_each_output_has_its_own_axis() -> None:
    runner, (first, second) = TorchRunner(Lstm().eval()), pair((1, 5, 3))
    assert stacking_axes(runner, first, second) == (0, 1, None)


@pytest.mark.parametrize(("module", "shape"), [(OverTime(), (5, 1, 3)), (NoBatch(), (1, 4, 6)), (Fixed(), (1, 3, 3))])
def test_a_source_that_cannot_be_batched(module: nn.Module, shape: tuple[int, ...]) -> None:
    runner, (first, second) = TorchRunner(module.eval()), pair(shape)
    assert stacking_axes(runner, first, second) is None


def test_results_of_a_batch_are_those_of_single_runs() -> None:
    """The reference is the same whether its examples ran together or one by one."""
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(37, 5, 3)).astype(np.float32)
    runner = TorchRunner(Lstm().eval())
    data = Dataset("d", "0", len(rows), lambda index: (rows[index],))
    reference = reference_outputs(runner, description(3, (1, 5, 3)), data, None, lambda done, total: None)
    assert reference.runs == tuple((index,) for index in range(37))
    for index, outputs in enumerate(reference.outputs):
        assert outputs is not None
        for found, wanted in zip(outputs, runner([rows[index : index + 1]]), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_split_results() -> None:
    results = [np.arange(6).reshape(3, 2), np.arange(2)]
    assert [[value.tolist() for value in row] for row in split_results(results, (0, None), 3)] == [
        [[[0, 1]], [0, 1]],
        [[[2, 3]], [0, 1]],
        [[[4, 5]], [0, 1]],
    ]


class Scores(nn.Module):
    """A batch of four that the source takes at once; scores lie along the second axis of the output."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[0] == 4
        return (x * torch.arange(1.0, 4.0)).t()


def test_the_axis_of_a_fixed_batch_shows_when_one_example_changes() -> None:
    (first, second) = pair((4, 3))
    assert rows_axis(TorchRunner(Scores()), first, second, 0) == 1
    assert rows_axis(TorchRunner(NoAxis()), first, second, 0) is None


class NoAxis(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(0)


def test_accuracy_of_a_fixed_batch_counts_each_example_once() -> None:
    """Ten examples in batches of four: the last batch is filled up, and what fills it is not counted twice."""
    from exporter.verification.compare import compare

    rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]] * np.asarray([1.0, 0.5, 0.1], np.float32)
    data = Dataset("d", "0", 10, lambda index: (rows[index],), tuple(index % 3 for index in range(10)), batch_size=4)
    runner = TorchRunner(Scores())
    reference = reference_outputs(runner, description(1, (4, 3)), data, None, lambda done, total: None)
    parity = compare(AsArtifact(runner), reference, lambda done, total: None)
    assert (parity.samples, parity.top1, parity.source_top1, parity.classes) == (10, 1.0, 1.0, 3)
