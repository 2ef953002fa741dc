"""Weights as indices into tables that k-means finds."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Mask, SharedTable, constraints_of, share
from exporter.compression.layers import weight_of
from exporter.execution.heavy import load


def to_table(layer: nn.Module, bits: int, group_size: int | None, seed: int) -> None:
    """Make the layer's weight a lookup; zeros of a mask keep an entry of their own.

    Args:
        layer: one without an obstacle (`exporter.compression.forms.nearest`).
        bits: of an index.
        group_size: output channels that share a table; None for the whole tensor.
        seed: of k-means.
    """
    weight = weight_of(layer).detach()
    has_zeros = any(isinstance(item, Mask) for item in constraints_of(layer))
    rows = weight.reshape(1 if group_size is None else weight.shape[0] // group_size, -1)
    tables, indices = zip(*(_table(row, 2**bits, has_zeros, seed) for row in rows), strict=True)
    table = torch.stack(tables)
    trained = torch.ones_like(table)
    if has_zeros:
        trained[:, 0] = 0
    share(layer, table, SharedTable(torch.stack(indices).view_as(weight), bits, group_size, trained))


def cluster(values: Tensor, clusters: int, seed: int) -> Tensor:
    """Centres of at most `clusters` clusters of `values`, ascending (k-means, scikit-learn).

    Values are counted by their float16 first, so the time does not grow with the size of the tensor.
    """
    points, counts = torch.unique(values.to(torch.float16), return_counts=True)
    if len(points) <= clusters:
        few: Tensor = points.to(values.dtype)
        return few
    kmeans: Any = load("sklearn.cluster").KMeans(clusters, n_init=1, random_state=seed, max_iter=100)
    found = kmeans.fit(points.double()[:, None].numpy(), sample_weight=counts.numpy())
    centres: Tensor = torch.from_numpy(np.sort(found.cluster_centers_[:, 0]))
    return centres.to(values.dtype)


def _table(row: Tensor, entries: int, has_zeros: bool, seed: int) -> tuple[Tensor, Tensor]:
    """Table of `entries` values and the entry of each element; with zeros, entry 0 is theirs alone."""
    alive = row != 0 if has_zeros else torch.ones_like(row, dtype=torch.bool)
    first = int(has_zeros)
    centres = cluster(row[alive], entries - first, seed) if alive.any() else row.new_zeros(0)
    table = row.new_zeros(entries)
    table[first : first + len(centres)] = centres
    indices = torch.zeros(row.shape, dtype=torch.int64)
    if len(centres):
        borders = (centres[1:] + centres[:-1]) / 2
        indices[alive] = torch.bucketize(row[alive], borders) + first
    return table, indices
