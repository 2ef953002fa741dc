"""Weight sharing: k-means tables of a few values (Han et al. 2016), whose values later trainings move."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Mask, SharedTable, constraints_of, share
from exporter.compression.forms.folding import fold_batch_norms
from exporter.compression.layers import Layer, left_alone, select, weight_of
from exporter.compression.model import Context, Outcome
from exporter.data.recipe import WeightSharing
from exporter.execution.heavy import load


def share_weights(module: nn.Module, step: WeightSharing, context: Context) -> Outcome:
    """Fold batch norms, then replace weights by tables; zeros of an earlier pruning keep an entry of their own."""
    folded = fold_batch_norms(module)
    layers, skipped = select(module, step.rules)
    changed = 0
    for layer in layers:
        reason = _obstacle(layer, step)
        if reason:
            skipped.append(left_alone(layer, reason))
            continue
        _share(layer, step, context.seed)
        changed += 1
    return Outcome(module, tuple(skipped), {"batch_norms_folded": len(folded)}, changed)


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


def _share(layer: Layer, step: WeightSharing, seed: int) -> None:
    weight = weight_of(layer.module).detach()
    bits = layer.options.get("bits", step.bits)
    group_size = step.group_size if step.granularity == "per_grouped_channel" else None
    has_zeros = any(isinstance(item, Mask) for item in constraints_of(layer.module))
    rows = weight.reshape(1 if group_size is None else -1, weight.numel() // _groups(weight, group_size))
    tables, indices = zip(*(_table(row, 2**bits, has_zeros, seed) for row in rows), strict=True)
    table = torch.stack(tables)
    trained = torch.ones_like(table)
    if has_zeros:
        trained[:, 0] = 0
    shared = SharedTable(torch.stack(indices).view_as(weight), bits, group_size, trained)
    share(layer.module, table, shared)


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


def _groups(weight: Tensor, group_size: int | None) -> int:
    return 1 if group_size is None else weight.shape[0] // group_size


def _obstacle(layer: Layer, step: WeightSharing) -> str | None:
    weight = weight_of(layer.module)
    others = [item for item in constraints_of(layer.module) if not isinstance(item, Mask)]
    if others:
        return f"already in the form of {type(others[-1]).__name__.lower()}"
    if weight.numel() < step.min_elements:
        return f"fewer than {step.min_elements} elements (min_elements)"
    if step.granularity == "per_grouped_channel" and weight.shape[0] % step.group_size:
        return f"its {weight.shape[0]} output channels are no multiple of {step.group_size} (group_size)"
    if layer.options.get("bits", step.bits) == 1 and any(isinstance(x, Mask) for x in constraints_of(layer.module)):
        return "1 bit leaves one value beside zero: use more bits after pruning"
    return None
