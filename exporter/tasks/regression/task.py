"""Regression: numbers, and how far they are from the right ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.tasks.outputs import output_named
from exporter.tasks.regression.settings import Regression
from exporter.tasks.sums import Sums, mean_of_known
from exporter.tasks.task import Figures, Metric, Reader

Values = NDArray[np.float64]


@dataclass(frozen=True)
class RegressionTask:
    """Implements `Task`; predictions and truths are float64 of the output's shape without the batch."""

    name = "regression"
    truths: tuple[TruthKind, ...] = ("values",)
    holds_source = False

    def metrics(self, settings: Regression, against: Against) -> tuple[Metric, ...]:
        """Mean absolute error, root mean square error, and the share of variance that is explained."""
        return (
            Metric("mae", "MAE", "", "mae_rise", higher_is_better=False),
            Metric("rmse", "RMSE", "", "rmse_rise", higher_is_better=False),
            Metric("r2", "R²", "", "r2_drop", useless=0.0),
        )

    def reader(self, settings: Regression, description: SourceDescription) -> Reader:
        """Reads one output of numbers.

        Raises:
            UsageProblem: there is no such output.
        """
        return partial(_values, output_named(description, settings.output, self.name))

    def as_truth(self, settings: Regression, prediction: Values, label: Any = None) -> Values:
        """The label, or the source's numbers."""
        return prediction if label is None else np.asarray(label, np.float64)

    def tally(self, settings: Regression, classes: Sequence[str]) -> "Errors":
        """Of no example yet."""
        return Errors()


def _values(place: int, outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Values]:
    return list(np.asarray(outputs[place], np.float64))


@dataclass
class Errors:
    """Sums of errors, and of the right numbers from the first of them, since squares far from 0 lose digits.

    Outputs of one dimension are told apart in R², which is averaged over them (torchmetrics ``R2Score`` and
    scikit-learn's ``uniform_average``); of other shapes every number is of one quantity.
    """

    sums: Sums = field(default_factory=Sums)
    _from: Values | None = None

    def add(self, prediction: Values, truth: Values) -> None:
        """Take in one example; numbers that are not known are left out.

        Raises:
            UsageProblem: there are other numbers of numbers.
        """
        wanted = truth.reshape(prediction.shape) if truth.size == prediction.size else truth
        if wanted.shape != prediction.shape:
            raise UsageProblem(
                f"regression: the output is {list(prediction.shape)} an example and the labels are "
                f"{list(truth.shape)}; give labels of the output's shape."
            )
        columns = (1, -1) if prediction.ndim == 1 else (-1, 1)
        given, wanted = prediction.reshape(columns), wanted.reshape(columns)
        self.sums.add(self._row(given, wanted))

    def _row(self, given: Values, wanted: Values) -> Values:
        known = np.isfinite(wanted)
        if self._from is None:
            self._from = np.where(known, wanted, 0).mean(0)
        error = np.where(known, given - wanted, 0)
        moved = np.where(known, wanted - self._from, 0)
        return np.stack([known.sum(0), np.abs(error).sum(0), (error**2).sum(0), moved.sum(0), (moved**2).sum(0)])

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """``mae``, ``rmse`` and ``r2``; this is NaN where the right numbers are all the same."""
        count, off, squares, total, square = self.sums.of(sample)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = square - total**2 / count
            explained = np.where(spread > 1e-12 * square, 1 - squares / spread, np.nan)
            values = {
                "mae": float(off.sum() / count.sum()),
                "rmse": float(np.sqrt(squares.sum() / count.sum())),
                "r2": mean_of_known(explained),
            }
        return Figures(values, empty=int((self.sums.table[sample, 0].sum(-1) == 0).sum()))


TASK = RegressionTask()
