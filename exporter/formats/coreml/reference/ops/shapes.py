"""Slicing, joining and reordering. Semantics: coremltools ``tensor_transformation.py`` of iOS 15 to 18."""

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Bools, Family, Ints, Tensor

FAMILY = Family("shapes")


@FAMILY.op("identity", exact=True)
def identity(x: Tensor) -> Tensor:
    """The same value."""
    return x


@FAMILY.op("shape")
def shape_of(x: Tensor) -> Tensor:
    """The lengths of `x`'s dimensions."""
    return torch.tensor(list(x.shape), dtype=torch.int32)


@FAMILY.op("reshape", exact=True)
def reshape(x: Tensor, shape: Ints) -> Tensor:
    """-1 is what remains; 0 is the dimension of `x` at the same place from the right, or 1 past its rank."""
    offset = x.dim() - len(shape)
    lengths = [length if length else (x.shape[i + offset] if i + offset >= 0 else 1) for i, length in enumerate(shape)]
    return x.reshape(lengths)


@FAMILY.op("reshape_like", exact=True)
def reshape_like(x: Tensor, ref_tensors: list[Tensor], begins: Ints, ends: Ints, end_masks: Bools) -> Tensor:
    """To parts of the shapes of other tensors, joined."""
    lengths: list[int] = []
    for reference, begin, end, mask in zip(ref_tensors, begins, ends, end_masks, strict=True):
        lengths += list(reference.shape[begin:]) if mask else list(reference.shape[begin:end])
    return x.reshape(lengths)


@FAMILY.op("expand_dims", exact=True)
def expand_dims(x: Tensor, axes: Ints) -> Tensor:
    """Dimensions of length one inserted at `axes` of the result."""
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@FAMILY.op("squeeze", exact=True)
def squeeze(x: Tensor, axes: Ints | None = None) -> Tensor:
    """Without the dimensions of length one, or those of them in `axes`."""
    return x.squeeze() if not axes else x.squeeze(tuple(axes))


@FAMILY.op("transpose", exact=True)
def transpose(x: Tensor, perm: Ints) -> Tensor:
    """Dimensions in the order `perm`."""
    return x.permute(perm)


@FAMILY.op("flatten2d", exact=True)
def flatten2d(x: Tensor, axis: int = 1) -> Tensor:
    """Two dimensions: all before `axis`, all from it on."""
    before = x.shape[:axis].numel() if axis else 1
    return x.reshape(before, -1)


@FAMILY.op("concat", exact=True)
def concat(values: list[Tensor], axis: int, interleave: bool = False) -> Tensor:
    """Joined along `axis`, in turn or element by element; scalars are joined as vectors of one element."""
    values = [torch.atleast_1d(value) for value in values]
    if not interleave:
        return torch.cat(values, axis)
    axis %= values[0].dim()
    return torch.stack(values, axis + 1).flatten(axis, axis + 1)


@FAMILY.op("stack", exact=True)
def stack(values: list[Tensor], axis: int) -> Tensor:
    """Joined along a new dimension."""
    return torch.stack(values, axis)


@FAMILY.op("split", exact=True)
def split(x: Tensor, axis: int, num_splits: int | None = None, split_sizes: Ints | None = None) -> tuple[Tensor, ...]:
    """Parts of the given sizes, or as many equal parts."""
    if split_sizes:
        return torch.split(x, list(split_sizes), axis)
    if not num_splits or x.shape[axis] % num_splits:
        raise ValueError(f"a length of {x.shape[axis]} does not split into {num_splits} equal parts")
    return torch.tensor_split(x, num_splits, axis)


@FAMILY.op("tile", exact=True)
def tile(x: Tensor, reps: Ints) -> Tensor:
    """Each dimension repeated."""
    return torch.tile(x, tuple(reps))


@FAMILY.op("reverse", exact=True)
def reverse(x: Tensor, axes: Ints | None = None) -> Tensor:
    """In reverse order along `axes`, or all."""
    return torch.flip(x, list(axes) if axes else list(range(x.dim())))


@FAMILY.op("reverse_sequence", exact=True)
def reverse_sequence(x: Tensor, lengths: Tensor, seq_axis: int = 0, batch_axis: int = 0) -> Tensor:
    """The first ``lengths[i]`` elements of example i along `seq_axis` in reverse order."""
    seq_axis, batch_axis = seq_axis % x.dim(), batch_axis % x.dim()
    moved = x.movedim((batch_axis, seq_axis), (0, 1))
    steps = torch.arange(moved.shape[1])
    counts = lengths.long().unsqueeze(1)
    picks = torch.where(steps < counts, counts - 1 - steps, steps)
    picked = moved[torch.arange(moved.shape[0]).unsqueeze(1), picks]
    return picked.movedim((0, 1), (batch_axis, seq_axis))


def _index(
    x: Tensor,
    begin: list[int],
    end: list[int],
    stride: list[int] | None,
    begin_mask: list[bool] | None,
    end_mask: list[bool] | None,
    squeeze_mask: list[bool] | None,
) -> tuple[slice | int | Tensor, ...]:
    """Numpy's index; a negative step, which torch lacks, is a list of positions."""
    index: list[slice | int | Tensor] = []
    for axis, length in enumerate(x.shape):
        if squeeze_mask and squeeze_mask[axis]:
            index.append(begin[axis])
            continue
        step = stride[axis] if stride else 1
        start = None if begin_mask and begin_mask[axis] else begin[axis]
        stop = None if end_mask and end_mask[axis] else end[axis]
        span = slice(start, stop, step)
        index.append(span if step > 0 else torch.tensor(list(range(*span.indices(length))), dtype=torch.long))
    return tuple(index)


def _positions(x: Tensor, index: tuple[slice | int | Tensor, ...]) -> Tensor:
    """Flat positions in `x` that `index` selects, in the shape of the selection."""
    positions = torch.arange(x.numel()).reshape(x.shape)
    axis = 0
    for part in index:
        if isinstance(part, int):
            positions = positions.select(axis, part)
            continue
        positions = (
            positions.index_select(axis, part)
            if isinstance(part, Tensor)
            else positions[(slice(None),) * axis + (part,)]
        )
        axis += 1
    return positions


@FAMILY.op("slice_by_index", exact=True)
def slice_by_index(
    x: Tensor,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """``x[begin:end:stride]`` by dimension, as numpy; masks leave a bound open or drop the dimension."""
    index = _index(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    if any(isinstance(part, Tensor) for part in index):
        return x.reshape(-1)[_positions(x, index)]
    return x[index]


@FAMILY.op("slice_update", exact=True)
def slice_update(
    x: Tensor,
    update: Tensor,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """`x` with the part that `slice_by_index` would give replaced by `update`."""
    index = _index(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    result = x.clone()
    if any(isinstance(part, Tensor) for part in index):
        result.view(-1)[_positions(x, index)] = update
    else:
        result[index] = update.reshape(result[index].shape)
    return result


@FAMILY.op("slice_by_size", exact=True)
def slice_by_size(x: Tensor, begin: Ints, size: Ints) -> Tensor:
    """As many elements from `begin` on; -1 is all that remain."""
    for axis, (start, length) in enumerate(zip(begin, size, strict=True)):
        start = start % x.shape[axis] if start < 0 else start
        x = x.narrow(axis, start, x.shape[axis] - start if length == -1 else length)
    return x


@FAMILY.op("depth_to_space", exact=True)
def depth_to_space(x: Tensor, block_size: int) -> Tensor:
    """Channels, block position first, into space: TensorFlow's order."""
    n, c, h, w = x.shape
    b = block_size
    return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


@FAMILY.op("space_to_depth", exact=True)
def space_to_depth(x: Tensor, block_size: int) -> Tensor:
    """The inverse of `depth_to_space`."""
    n, c, h, w = x.shape
    b = block_size
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)


@FAMILY.op("pixel_shuffle", exact=True)
def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    """Channels, block position last, into space: PyTorch's order."""
    return F.pixel_shuffle(x, upscale_factor)


@FAMILY.op("pixel_unshuffle", exact=True)
def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of `pixel_shuffle`."""
    return F.pixel_unshuffle(x, downscale_factor)


@FAMILY.op("space_to_batch", exact=True)
def space_to_batch(x: Tensor, block_shape: Ints, paddings: Tensor) -> Tensor:
    """Blocks of space, zero-padded, into the batch, as TensorFlow orders them."""
    (top, bottom), (left, right) = paddings.tolist()
    x = F.pad(x, (left, right, top, bottom))
    n, c, h, w = x.shape
    b0, b1 = block_shape
    parts = x.reshape(n, c, h // b0, b0, w // b1, b1).permute(3, 5, 0, 1, 2, 4)
    return parts.reshape(n * b0 * b1, c, h // b0, w // b1)


@FAMILY.op("batch_to_space", exact=True)
def batch_to_space(x: Tensor, block_shape: Ints, crops: Tensor) -> Tensor:
    """The inverse of `space_to_batch`."""
    n, c, h, w = x.shape
    b0, b1 = block_shape
    whole = x.reshape(b0, b1, n // (b0 * b1), c, h, w).permute(2, 3, 4, 0, 5, 1)
    whole = whole.reshape(n // (b0 * b1), c, h * b0, w * b1)
    (top, bottom), (left, right) = crops.tolist()
    return whole[..., top : h * b0 - bottom, left : w * b1 - right]


@FAMILY.op("sliding_windows", exact=True)
def sliding_windows(x: Tensor, axis: int, size: int, stride: int = 1) -> Tensor:
    """All windows of `size` along `axis`; their elements are the dimension after it."""
    axis %= x.dim()
    return x.unfold(axis, size, stride).movedim(-1, axis + 1)


@FAMILY.op("crop", exact=True)
def crop(x: Tensor, crop_height: Ints, crop_width: Ints) -> Tensor:
    """Without so many rows at top and bottom, columns at left and right."""
    height, width = x.shape[-2:]
    return x[..., crop_height[0] : height - crop_height[1], crop_width[0] : width - crop_width[1]]
