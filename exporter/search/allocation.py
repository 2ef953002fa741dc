"""Gives every layer one storage: the least error within a budget of bytes, as an integer program.

The multiple-choice knapsack problem, solved exactly by HiGHS (Huangfu and Hall, "Parallelizing the dual revised simplex
method", 2018) through ``scipy.optimize.milp``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exporter.data.base import Frozen
from exporter.data.facts.storage import Storage
from exporter.execution.heavy import load, quiet

_GAP = 1e-6


class Option(Frozen):
    """One storage of one layer.

    Attributes:
        size_bytes: of the stored weight.
        error: that it alone adds to the model's outputs (`exporter.search.sensitivity`).
    """

    storage: Storage
    size_bytes: int
    error: float


class Allocation(Frozen):
    """A storage for every layer.

    Attributes:
        storages: by layer.
        size_bytes: of all weights.
        error: sum of the layers' own.
    """

    storages: dict[str, Storage]
    size_bytes: int
    error: float


Options = Mapping[str, Sequence[Option]]
"""By layer."""


def smallest(options: Options) -> int:
    """Bytes of the smallest allocation."""
    return sum(min(one.size_bytes for one in given) for given in options.values())


def largest(options: Options) -> int:
    """Bytes of the most exact allocation."""
    return sum(min(given, key=lambda one: (one.error, one.size_bytes)).size_bytes for given in options.values())


def allocate(options: Options, budget_bytes: int) -> Allocation | None:
    """The allocation of the least error within `budget_bytes`; None where none fits."""
    if not options:
        return Allocation(storages={}, size_bytes=0, error=0.0)
    if budget_bytes < smallest(options):
        return None
    rows = [(layer, one) for layer, given in options.items() for one in _efficient(given)]
    chosen = _solved(rows, list(options), budget_bytes)
    if chosen is None:
        return None
    return Allocation(
        storages={layer: one.storage for layer, one in chosen},
        size_bytes=sum(one.size_bytes for _, one in chosen),
        error=_sum(chosen),
    )


def _efficient(given: Sequence[Option]) -> list[Option]:
    """Without those that another one betters in bytes and error."""
    kept: list[Option] = []
    for one in sorted(given, key=lambda one: (one.size_bytes, one.error)):
        if not kept or one.error < kept[-1].error:
            kept.append(one)
    return kept


def _solved(
    rows: Sequence[tuple[str, Option]], layers: Sequence[str], budget_bytes: int
) -> list[tuple[str, Option]] | None:
    """On the scale of the answer: errors lie many orders of magnitude apart, and the solver's tolerances are absolute.

    What alone exceeds a sum that was found is in no better one, and is left out when the rest is solved once more.
    """
    found = _once(rows, layers, budget_bytes, max(one.error for _, one in rows))
    while found is not None and (total := _sum(found)) > 0:
        rows = [row for row in rows if row[1].error <= total]
        better = _once(rows, layers, budget_bytes, total)
        if better is None or _sum(better) >= total:
            break
        found = better
    return found


def _sum(chosen: Sequence[tuple[str, Option]]) -> float:
    return sum(one.error for _, one in chosen)


def _once(
    rows: Sequence[tuple[str, Option]], layers: Sequence[str], budget_bytes: int, scale: float
) -> list[tuple[str, Option]] | None:
    """Solved with errors in units of `scale`."""
    optimize: Any = load("scipy.optimize")
    sparse: Any = load("scipy.sparse")
    place = {layer: index for index, layer in enumerate(layers)}
    belongs = sparse.csr_array(
        (np.ones(len(rows)), ([place[layer] for layer, _ in rows], range(len(rows)))), (len(layers), len(rows))
    )
    sizes = np.array([one.size_bytes for _, one in rows], np.float64)
    with quiet():  # HiGHS writes lines of its own to standard output, where the answer goes
        found = optimize.milp(
            np.array([one.error for _, one in rows]) / max(scale, 1e-300),
            integrality=np.ones(len(rows)),
            bounds=optimize.Bounds(0, 1),
            constraints=[
                optimize.LinearConstraint(belongs, 1, 1),
                optimize.LinearConstraint(sizes[None] / budget_bytes, -np.inf, 1),
            ],
            options={"mip_rel_gap": _GAP},
        )
    return None if found.x is None else [row for row, taken in zip(rows, found.x, strict=True) if taken > 0.5]
