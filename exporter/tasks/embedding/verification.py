"""How many pairs of one identity are accepted where few pairs of two are (the protocol of LFW and IJB)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.tasks.embedding.neighbours import ROWS

MOST_GENUINE = 500_000
"""Pairs of one identity that are looked at, evenly spread; few identities of many examples have millions."""

MARGIN = 4
"""A resample can move the threshold; so many times the pairs above it are kept."""

Weights = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of different examples.

    Attributes:
        identities: of each example, from 0.
        genuine: int64 (pairs, 2), examples of one identity, and their scores.
        impostor: likewise of two identities, the most alike first; those that decide no threshold are left out.
        false_accepts: share of impostors that may be accepted.
        whole: whether no impostor is left out.
    """

    identities: NDArray[np.int64]
    genuine: NDArray[np.int64]
    genuine_scores: NDArray[np.float64]
    impostor: NDArray[np.int64]
    impostor_scores: NDArray[np.float64]
    false_accepts: float
    whole: bool

    def accepted(self, times: Weights) -> float:
        """Share of genuine pairs above the least threshold that accepts no more impostors than may be.

        Args:
            times: how often each example is counted; two countings of one are no pair.

        Returns:
            NaN where there are no genuine pairs, or no impostors.
        """
        genuine = (times[self.genuine[:, 0]] * times[self.genuine[:, 1]]).astype(np.float64)
        impostors = self._impostors(times)
        if not genuine.sum() or not impostors:
            return float("nan")
        above = self.genuine_scores > self._threshold(times, self.false_accepts * impostors)
        return float(genuine[above].sum() / genuine.sum())

    def _impostors(self, times: Weights) -> float:
        """All pairs less those of one identity; those of one example are in both."""
        of_identity = np.bincount(self.identities, times)
        return float(times.sum() ** 2 - (of_identity**2).sum()) / 2

    def _threshold(self, times: Weights, allowed: float) -> float:
        accepted = np.cumsum(times[self.impostor[:, 0]] * times[self.impostor[:, 1]])
        place = int(np.searchsorted(accepted, allowed, side="right"))
        if place < len(accepted):
            return float(self.impostor_scores[place])
        return -np.inf if self.whole else float(self.impostor_scores[-1])


def pairs(table: NDArray[np.float64], identities: NDArray[np.int64], false_accepts: float) -> Pairs:
    """All pairs of genuine examples, and the impostors that come near them.

    Args:
        table: (vectors, size), of length 1.
    """
    _, identities = np.unique(identities, return_inverse=True)
    counts = np.bincount(identities)
    total = (len(table) ** 2 - int((counts**2).sum())) // 2
    kept = int(np.ceil(MARGIN * false_accepts * total)) + ROWS
    genuine, impostor = _compared(table, identities, kept)
    order = np.argsort(-impostor[:, 2], kind="stable")[:kept]
    genuine = genuine[:: -(-len(genuine) // MOST_GENUINE) or 1]
    return Pairs(
        identities,
        genuine[:, :2].astype(np.int64),
        genuine[:, 2],
        impostor[order, :2].astype(np.int64),
        impostor[order, 2],
        false_accepts,
        kept >= total,
    )


def _compared(
    table: NDArray[np.float64], identities: NDArray[np.int64], kept: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows of first, second and score: pairs of one identity, and the `kept` most alike of two and some more."""
    genuine: NDArray[np.float64] = np.zeros((0, 3))
    impostor = genuine
    for start in range(0, len(table), ROWS):
        first, second = np.nonzero(np.tri(len(table), k=-1, dtype=bool)[start : start + ROWS])
        first += start
        scores = (table[start : start + ROWS] @ table.T)[first - start, second]
        rows, same = np.stack([first, second, scores], 1), identities[first] == identities[second]
        genuine = np.concatenate([genuine, rows[same]])
        impostor = _most_alike(np.concatenate([impostor, rows[~same]]), kept)
    return genuine, impostor


def _most_alike(rows: NDArray[np.float64], kept: int) -> NDArray[np.float64]:
    return rows if len(rows) <= kept else rows[np.argpartition(-rows[:, 2], kept)[:kept]]
