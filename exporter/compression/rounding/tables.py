"""Tables found on data: their values and the index of each weight, by what they do to a layer's outputs.

k-means weighted by the diagonal of the Hessian finds first values (Choi et al., "Towards the Limit of Network
Quantization", 2017); each weight is given an index while those without one make up for its error; then the values are
the least squares of the wanted outputs, as few unknowns as the table has entries. The last two alternate.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import FLOAT16, SharedTable, share
from exporter.compression.forms.precision import Precision
from exporter.compression.layers import weight_of
from exporter.compression.rounding.layers import Problem, damped
from exporter.compression.rounding.snaps import living

Compensate = Callable[[Tensor, Tensor, "TableSnap"], Tensor]
"""`exporter.compression.rounding.gptq.rounded`."""

_BINS = 512
_CLUSTERINGS = 60
"""Steps of k-means; from quantiles, few more change anything."""

_ROUNDS = 3
"""How often indices and values are found in turn; the best pair is taken."""

_TRUST = 1e-3
"""Share of the mean curvature with which a table's values hold on to where they were."""


@dataclass(frozen=True)
class TableSnap:
    """Takes the nearest value of a channel's table.

    Attributes:
        table: (tables, values), ascending; a table's channels follow one another.
        alive: (groups, outputs, inputs): where weights are not kept at zero.
    """

    table: Tensor
    alive: Tensor

    def __call__(self, column: Tensor, index: Tensor) -> Tensor:
        """See `exporter.compression.rounding.gptq.Snap`."""
        alive = self.alive.gather(2, index[:, None, None].expand(-1, self.alive.shape[1], 1))[:, :, 0]
        places = self.indices(column.flatten())
        return self.table.gather(1, places).view_as(column) * alive

    def indices(self, values: Tensor) -> Tensor:
        """Entry of each value, (tables, channels of one and whatever follows); values are of all channels in turn."""
        rows = values.reshape(len(self.table), -1).contiguous()
        return torch.searchsorted(_between(self.table), rows)


def put_table(problem: Problem, precision: Precision, compensate: Compensate) -> None:
    """Give the layer its table; zeros of a mask keep an entry of their own.

    Args:
        problem: of the layer.
        precision: a table.
        compensate: rounds weights one input after the other.
    """
    alive = living(problem.layer, problem.weight)
    has_zeros = not bool(alive.all())
    channels = alive.shape[0] * alive.shape[1]
    tables = 1 if precision.group_size is None else channels // precision.group_size
    importance = damped(problem.hessian).diagonal(dim1=1, dim2=2)[:, None] * alive
    entries = 2**precision.bits - has_zeros
    table = _half(clustered(problem.weight.reshape(tables, -1), importance.reshape(tables, -1), entries))
    found = []
    for _ in range(_ROUNDS):
        snap = TableSnap(table.sort(1).values, alive)
        places = snap.indices(compensate(problem.weight, problem.hessian, snap)).view_as(alive)
        table, loss = fitted(snap.table, places, problem, alive)
        found.append((loss, table, places))
    _, table, places = min(found, key=operator.itemgetter(0))
    _share(problem.layer, precision, table, places, alive if has_zeros else None)


def clustered(values: Tensor, importance: Tensor, count: int) -> Tensor:
    """Centres of `count` clusters of each row, ascending (Lloyd, from quantiles of the cube root of the density).

    Args:
        values: (rows, values).
        importance: of each value's square error, the same shape; 0 where it does not count.
        count: of clusters.
    """
    order = values.argsort(1)
    ordered, weight = values.gather(1, order).double(), importance.gather(1, order).double()
    masses = torch.nn.functional.pad(weight.cumsum(1), (1, 0))
    moments = torch.nn.functional.pad((weight * ordered).cumsum(1), (1, 0))
    centres = _quantiles(ordered, weight, count)
    for _ in range(_CLUSTERINGS):
        borders = torch.searchsorted(ordered, _between(centres))
        ends = torch.nn.functional.pad(torch.nn.functional.pad(borders, (1, 0)), (0, 1), value=values.shape[1])
        mass, moment = masses.gather(1, ends).diff(), moments.gather(1, ends).diff()
        centres = torch.where(mass > 0, moment / mass, centres).sort(1).values
    return centres.to(values.dtype)


def _quantiles(ordered: Tensor, weight: Tensor, count: int) -> Tensor:
    """First centres: where fine quantization puts them (Panter and Dite 1951)."""
    low, high = ordered[:, :1], ordered[:, -1:]
    width = ((high - low) / _BINS).clamp_min(1e-30)
    bins = ((ordered - low) / width).long().clamp(0, _BINS - 1)
    density = torch.zeros(len(ordered), _BINS, dtype=torch.float64).scatter_add_(1, bins, weight) ** (1 / 3)
    shares = density.cumsum(1) / density.sum(1, keepdim=True).clamp_min(1e-300)
    wanted = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return low + width * (torch.searchsorted(shares, wanted.expand(len(ordered), -1).contiguous()) + 0.5)


def fitted(table: Tensor, places: Tensor, problem: Problem, alive: Tensor) -> tuple[Tensor, float]:
    """The values that give the wanted outputs best with these indices, in float16, and the loss that they leave.

    Args:
        table: (tables, values) to hold on to where data say nothing.
        places: (groups, outputs, inputs) of each weight.
        problem: what is wanted.
        alive: where weights are not kept at zero.
    """
    count = table.shape[1]
    outputs, per_table = places.shape[1], places.shape[0] * places.shape[1] // len(table)
    curvature = torch.zeros(len(table), count, count, dtype=torch.float64)
    moment = torch.zeros(len(table), count, dtype=torch.float64)
    for channel, own in enumerate(places.flatten(0, 1)):
        group, output, number = channel // outputs, channel % outputs, channel // per_table
        lives = alive[group, output]
        rows = problem.hessian[group] * lives[:, None] if not lives.all() else problem.hessian[group]
        half = rows.new_zeros(count, len(own)).index_add_(0, own, rows) * lives
        curvature[number] += half.new_zeros(count, count).index_add_(0, own, half.mT.contiguous())
        moment[number].index_add_(0, own, (problem.moment[group, output] * lives).double())
    steady = curvature.diagonal(dim1=1, dim2=2).mean(1)[:, None].clamp_min(1e-30) * _TRUST
    system = curvature + torch.diag_embed(steady.expand(-1, count))
    found = _half(torch.linalg.solve(system, moment + steady * table).to(table.dtype))
    exact = found.double()
    losses = (exact[:, None] @ curvature @ exact[:, :, None])[:, 0, 0] - 2 * (exact * moment).sum(1)
    return found, float(losses.sum())


def _between(values: Tensor) -> Tensor:
    """Middles of neighbouring values of each row."""
    return ((values[:, 1:] + values[:, :-1]) / 2).contiguous()


def _half(values: Tensor) -> Tensor:
    """As Core ML stores them."""
    return values.to(FLOAT16).to(values.dtype)


def _share(layer: nn.Module, precision: Precision, table: Tensor, places: Tensor, alive: Tensor | None) -> None:
    """Make the weight a lookup; with zeros, entry 0 is theirs alone."""
    trained = torch.ones_like(table)
    if alive is not None:
        table = torch.nn.functional.pad(table, (1, 0))
        trained = torch.nn.functional.pad(trained, (1, 0))
        places = (places + 1) * alive
    indices = places.reshape(weight_of(layer).shape)
    share(layer, table, SharedTable(indices, precision.bits, precision.group_size, trained))
