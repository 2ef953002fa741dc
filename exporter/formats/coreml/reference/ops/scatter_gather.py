"""Scatter and gather. Semantics: coremltools ``scatter_gather.py`` of iOS 15, 16 and 17.

Negative indices count from the end. Out-of-range indices are undefined in MIL; here they are an error, whatever
``validate_indices`` says, because a result that a device does not define proves nothing.
"""

import torch

from exporter.formats.coreml.reference.family import Family, Tensor

FAMILY = Family("scatter and gather")


def _indices(indices: Tensor, length: int) -> Tensor:
    """Indices as int64, negative ones counted from the end, all in range."""
    wide = indices.long()
    if wide.numel() and (int(wide.min()) < -length or int(wide.max()) >= length):
        raise IndexError(f"indices reach from {int(wide.min())} to {int(wide.max())}, outside of length {length}")
    return torch.where(wide < 0, wide + length, wide)


@FAMILY.op("gather", exact=True)
def gather(x: Tensor, indices: Tensor, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """``D[:axis] + indices.shape[batch_dims:] + D[axis + 1:]``, as ``tf.gather``."""
    axis %= x.dim()
    picks = _indices(indices, x.shape[axis])
    if batch_dims == 0:
        flat = torch.index_select(x, axis, picks.reshape(-1))
        return flat.reshape(x.shape[:axis] + picks.shape + x.shape[axis + 1 :])
    batch = x.shape[:batch_dims]
    rows = x.reshape(-1, *x.shape[batch_dims:])
    parts = [
        gather(row, pick, axis - batch_dims)
        for row, pick in zip(rows, picks.reshape(-1, *picks.shape[batch_dims:]), strict=True)
    ]
    stacked = torch.stack(parts)
    return stacked.reshape(batch + stacked.shape[1:])


@FAMILY.op("gather_along_axis", exact=True)
def gather_along_axis(x: Tensor, indices: Tensor, axis: int = 0, validate_indices: bool = False) -> Tensor:
    """``numpy.take_along_axis``."""
    picks = _indices(indices, x.shape[axis])
    shape = list(picks.shape)
    shape[axis] = x.shape[axis]
    return torch.gather(x.expand(shape), axis, picks)


@FAMILY.op("gather_nd", exact=True)
def gather_nd(x: Tensor, indices: Tensor, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """The last dimension of `indices` holds coordinates into `x`, as ``tf.gather_nd``."""
    batch = list(indices.shape[:batch_dims])
    depth = indices.shape[-1]
    parts = [_indices(indices[..., i], x.shape[batch_dims + i]) for i in range(depth)]
    grids = [
        torch.arange(length).reshape([-1 if axis == i else 1 for axis in range(indices.dim() - 1)])
        for i, length in enumerate(batch)
    ]
    return x[(*grids, *parts)] if grids or parts else x


def _combine(data: Tensor, where: tuple[Tensor, ...], updates: Tensor, mode: str) -> Tensor:
    """`updates` put into a copy of `data` at advanced indices `where`; repeated targets accumulate."""
    flat_index = torch.zeros((), dtype=torch.long)
    for length, index in zip(data.shape, where, strict=False):
        flat_index = flat_index * length + index
    rest = data.shape[len(where) :]
    inner = rest.numel()
    target = (flat_index.unsqueeze(-1) * inner + torch.arange(inner)).reshape(-1)
    flat = data.reshape(-1).clone()
    source = updates.expand(flat_index.shape + rest).reshape(-1)
    if mode == "update":
        flat[target] = source
    elif mode in ("add", "sub"):
        flat.index_add_(0, target, source, alpha=1 if mode == "add" else -1)
    elif mode == "mul":
        flat.scatter_reduce_(0, target, source, "prod")
    elif mode == "div":
        product = torch.ones_like(flat).scatter_reduce_(0, target, source, "prod")
        flat = (flat / product).to(data.dtype)
    elif mode in ("max", "min"):
        flat.scatter_reduce_(0, target, source, "amax" if mode == "max" else "amin")
    else:
        raise ValueError(f"mode {mode!r} is not one of update, add, sub, mul, div, max, min")
    return flat.reshape(data.shape)


@FAMILY.op("scatter")
def scatter(
    data: Tensor, indices: Tensor, updates: Tensor, axis: int = 0, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """Slices of `updates` put into `data` at `indices` of `axis`."""
    axis %= data.dim()
    picks = _indices(indices, data.shape[axis])
    many = updates.reshape((*data.shape[:axis], picks.numel(), *data.shape[axis + 1 :]))
    moved = _combine(data.movedim(axis, 0), (picks.reshape(-1),), many.movedim(axis, 0), mode)
    return moved.movedim(0, axis)


@FAMILY.op("scatter_along_axis")
def scatter_along_axis(
    data: Tensor, indices: Tensor, updates: Tensor, axis: int = 0, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """The inverse of `gather_along_axis`."""
    axis %= data.dim()
    picks = _indices(indices, data.shape[axis])
    grids = torch.meshgrid(*(torch.arange(length) for length in picks.shape), indexing="ij")
    where = tuple(picks if i == axis else grid for i, grid in enumerate(grids))
    return _combine(data, where, updates, mode)


@FAMILY.op("scatter_nd")
def scatter_nd(
    data: Tensor, indices: Tensor, updates: Tensor, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """Slices of `updates` put at the coordinates in the last dimension of `indices`."""
    where = tuple(_indices(indices[..., i], data.shape[i]) for i in range(indices.shape[-1]))
    return _combine(data, where, updates, mode)
