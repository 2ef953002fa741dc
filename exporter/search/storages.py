"""Weights as each storage would hold them, rounded on data as the recipe's step will."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from exporter.compression.forms.batches import spread
from exporter.compression.forms.constraints import FLOAT16, Grid
from exporter.compression.forms.precision import Precision
from exporter.compression.layers import select, weight_of
from exporter.compression.model import Examples
from exporter.compression.rounding.gptq import rounded
from exporter.compression.rounding.layers import Problem, damped
from exporter.compression.rounding.patches import TAKEN, patches_at, places, weight_rows
from exporter.compression.rounding.snaps import grid_snap
from exporter.compression.rounding.tables import TableSnap, clustered
from exporter.data.facts.storage import Storage, WeightFacts
from exporter.data.progress import Advance

_EXACT_BITS = 8
"""With so many bits rounding to nearest is as good."""

Storages = Mapping[str, Sequence[Storage]]
"""By layer."""


def weights_of(module: nn.Module) -> dict[str, WeightFacts]:
    """Facts of the weights of convolutions and linear layers that a recipe can give a form, by layer."""
    found = {}
    for layer in select(module, ())[0]:
        kind = next(one.__name__ for one in type(layer.module).__mro__ if one.__module__.startswith("torch.nn.modules"))
        groups = int(getattr(layer.module, "groups", 1))
        shape = tuple(weight_of(layer.module).shape)
        found[layer.name] = WeightFacts(layer=layer.name, type=kind, shape=shape, groups=groups)
    return found


def changes(
    module: nn.Module, storages: Storages, batches: Sequence[Examples], seed: int, advance: Advance
) -> dict[str, list[Tensor]]:
    """How each layer's weight changes in each of its storages; layers that no example reaches are left out.

    Each layer on its own: where weights of one input are rounded, those of the others make up for it (GPTQ), but no
    layer makes up for another.

    Args:
        module: in float, its batch norms folded.
        storages: of the layers that are looked at.
        batches: calibration data.
        seed: of the places that are looked at.
        advance: called with the layers that are done and all.
    """
    found: dict[str, list[Tensor]] = {}
    generator = torch.Generator().manual_seed(seed)

    def look(name: str, layer: nn.Module, inputs: Any, named: Any, output: Tensor) -> None:
        if name in found:
            return
        value = inputs[0] if inputs else named["input"]
        read = patches_at(layer, value, places(layer, output, generator)) if isinstance(layer, TAKEN) else None
        hessian = None if read is None else read.mT @ read / read.shape[1]
        found[name] = [_change(layer, storage, hessian) for storage in storages[name]]
        advance(len(found), len(storages))

    with contextlib.ExitStack() as hooks, torch.no_grad():
        for name in storages:
            hook = module.get_submodule(name).register_forward_hook(partial(look, name), with_kwargs=True)
            hooks.callback(hook.remove)
        module(*spread(batches))
    return found


def _change(layer: nn.Module, storage: Storage, hessian: Tensor | None) -> Tensor:
    weight = weight_of(layer).detach()
    return stored(layer, storage, hessian).view_as(weight) - weight


def stored(layer: nn.Module, storage: Storage, hessian: Tensor | None) -> Tensor:
    """The layer's weight as `storage` holds it.

    Args:
        hessian: (groups, inputs, inputs) of what it reads; None rounds to nearest.
    """
    weight = weight_of(layer).detach()
    precision = Precision(storage.form if storage.form != "float32" else "float16", storage.bits)
    precision = precision._replace(group_size=storage.group_size, block_size=storage.block_size)
    match storage.form:
        case "float32":
            return weight
        case "float16":
            return weight.to(FLOAT16).to(weight.dtype)
        case "grid":
            return _on_grid(layer, precision, hessian)
        case _:
            return _in_table(layer, precision, hessian)


def _on_grid(layer: nn.Module, precision: Precision, hessian: Tensor | None) -> Tensor:
    weight = weight_of(layer).detach()
    if hessian is None or precision.bits == _EXACT_BITS:
        grid: Tensor = Grid(precision.bits, precision.block_size, int("Transpose" in type(layer).__name__))(weight)
        return grid.detach()
    rows = weight_rows(layer, weight)
    return rounded(rows, hessian, grid_snap(Problem(layer, rows, hessian, rows @ hessian), precision))


def _in_table(layer: nn.Module, precision: Precision, hessian: Tensor | None) -> Tensor:
    rows = weight_rows(layer, weight_of(layer).detach())
    tables = rows.shape[0] * rows.shape[1] // precision.group_size if precision.group_size else 1
    importance = torch.ones_like(rows)
    if hessian is not None:
        importance = damped(hessian).diagonal(dim1=1, dim2=2)[:, None].expand_as(rows)
    centres = clustered(rows.reshape(tables, -1), importance.reshape(tables, -1), 1 << precision.bits)
    snap = TableSnap(centres.to(FLOAT16).to(rows.dtype).sort(1).values, torch.ones_like(rows, dtype=torch.bool))
    if hessian is not None:
        return rounded(rows, hessian, snap)
    return snap.table.gather(1, snap.indices(rows)).view_as(rows)
