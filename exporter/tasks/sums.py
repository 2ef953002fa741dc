"""Numbers that add up over examples: most metrics are ratios of them, so that a resample is one product."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass
class Sums:
    """A row of numbers an example, of any shape that is the same for all but for its last axis."""

    rows: list[Floats] = field(default_factory=list)
    _table: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def add(self, row: ArrayLike) -> None:
        """Those of the next example."""
        self.rows.append(np.asarray(row, np.float64))

    def of(self, sample: NDArray[np.intp]) -> Floats:
        """Summed over the examples at these places; a row that is shorter than others ends in zeros."""
        table = self.table
        times = np.bincount(sample, minlength=len(table)).astype(np.float64)
        chosen = np.flatnonzero(times)  # a NaN of an example that is not drawn is no NaN of the sample
        total = times[chosen] @ table[chosen].reshape(len(chosen), -1)
        return np.asarray(total.reshape(table.shape[1:]), np.float64)

    @property
    def table(self) -> Floats:
        """All rows."""
        if len(self._table) != len(self.rows):
            self._table = stacked(self.rows)
        return self._table


def stacked(rows: Sequence[NDArray[Any]]) -> Floats:
    """Rows on one another, with zeros where the last axis is shorter than the longest."""
    longest = max(row.shape[-1] for row in rows)
    table = np.zeros((len(rows), *rows[0].shape[:-1], longest))
    for place, row in enumerate(rows):
        table[place, ..., : row.shape[-1]] = row
    return table


def ratio(part: float, whole: float) -> float:
    """NaN of nothing."""
    return float(part / whole) if whole > 0 else float("nan")


def mean_of_known(values: Floats) -> float:
    """Of those that are no NaN; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
