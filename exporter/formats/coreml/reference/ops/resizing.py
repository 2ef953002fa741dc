"""Resizing by every sampling mode. Semantics: coremltools ``image_resizing.py``; ``resize_bilinear`` has formulas."""

import torch

from exporter.formats.coreml.reference.family import Family, Ints, Tensor

FAMILY = Family("resizing")


def grid(mode: str, start: Tensor, end: Tensor, count: int) -> Tensor:
    """Sampling points of `count` outputs over inputs from place `start` to place `end`, both included.

    Args:
        mode: MIL's sampling mode.
        start: float tensor of any shape.
        end: the same shape.
        count: number of outputs.

    Returns:
        ``[..., count]``, between start and end; a box that runs backwards is sampled backwards.
    """
    steps = torch.arange(count, dtype=start.dtype)
    start, end = start.unsqueeze(-1), end.unsqueeze(-1)
    span = end - start
    if mode == "UNALIGN_CORNERS":
        spacing = (span + 1) / count
        points = (steps + 0.5) * spacing - 0.5
    elif mode == "OFFSET_CORNERS":
        points = (steps + 0.5) * span.clamp(min=1) / count
    elif mode == "DEFAULT":
        points = steps * (span + 1) / count
    elif mode == "ALIGN_CORNERS" and count == 1:
        points = span / 2
    elif mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        points = steps * span / max(count - 1, 1)
    else:
        raise ValueError(f"sampling mode {mode!r} is not known")
    return start + torch.maximum(torch.minimum(points, span.clamp(min=0)), span.clamp(max=0))


def _points(mode: str, length: int, count: int) -> Tensor:
    ends = torch.tensor([0.0, length - 1.0], dtype=torch.float64)
    return grid(mode, ends[0], ends[1], count)


def _linear(x: Tensor, axis: int, points: Tensor) -> Tensor:
    """`x` sampled at `points` of `axis` with linear interpolation."""
    below = points.floor().long()
    above = (below + 1).clamp(max=x.shape[axis] - 1)
    shape = [-1 if i == axis % x.dim() else 1 for i in range(x.dim())]
    share = (points - below).to(x.dtype).reshape(shape)
    return torch.lerp(x.index_select(axis, below), x.index_select(axis, above), share)


def _nearest(x: Tensor, sizes: list[int], mode: str, shift: float) -> Tensor:
    """The last ``len(sizes)`` dimensions, each output the input at the point plus `shift`, rounded down."""
    for axis, size in enumerate(sizes, x.dim() - len(sizes)):
        points = _points(mode, x.shape[axis], size) + shift
        x = x.index_select(axis, points.floor().long().clamp(max=x.shape[axis] - 1))
    return x


def _resize(x: Tensor, sizes: list[int], mode: str) -> Tensor:
    """The last ``len(sizes)`` dimensions with linear interpolation."""
    wide = x if x.is_floating_point() else x.to(torch.float32)
    for axis, size in enumerate(sizes, x.dim() - len(sizes)):
        if size != wide.shape[axis] or mode == "OFFSET_CORNERS":
            wide = _linear(wide, axis, _points(mode, wide.shape[axis], size))
    return wide.to(x.dtype)


@FAMILY.op("upsample_nearest_neighbor", exact=True)
def upsample_nearest_neighbor(x: Tensor, scale_factor_height: float = 1.0, scale_factor_width: float = 1.0) -> Tensor:
    """The last two dimensions by factors, rounded down."""
    sizes = [int(x.shape[-2] * scale_factor_height), int(x.shape[-1] * scale_factor_width)]
    return _nearest(x, sizes, "DEFAULT", 0.0)


@FAMILY.op("resize_nearest_neighbor", exact=True)
def resize_nearest_neighbor(x: Tensor, target_size_height: int, target_size_width: int) -> Tensor:
    """The last two dimensions to a size."""
    return _nearest(x, [target_size_height, target_size_width], "DEFAULT", 0.0)


@FAMILY.op("upsample_bilinear")
def upsample_bilinear(
    x: Tensor,
    scale_factor_height: float = 1.0,
    scale_factor_width: float = 1.0,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """The last two dimensions by factors; spacing follows from the resulting size."""
    half = not align_corners if half_pixel_centers is None else half_pixel_centers
    if align_corners and half:
        raise ValueError("align_corners and half_pixel_centers exclude each other")
    mode = "STRICT_ALIGN_CORNERS" if align_corners else "UNALIGN_CORNERS" if half else "DEFAULT"
    return _resize(x, [int(x.shape[-2] * scale_factor_height), int(x.shape[-1] * scale_factor_width)], mode)


@FAMILY.op("resize_bilinear")
def resize_bilinear(
    x: Tensor, target_size_height: int = 1, target_size_width: int = 1, sampling_mode: str = "DEFAULT"
) -> Tensor:
    """The last two dimensions to a size."""
    return _resize(x, [target_size_height, target_size_width], sampling_mode)


@FAMILY.op("resize")
def resize(
    x: Tensor,
    shape: Ints,
    resized_dims: int,
    interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> Tensor:
    """The last `resized_dims` dimensions to the last elements of `shape`; 0 leaves a dimension.

    The nearest neighbour is the nearest point here, also in mode DEFAULT, where the older operations take the one
    before: coremltools' own tests of this operation have it so.
    """
    current = list(x.shape[x.dim() - resized_dims :])
    wanted = list(shape)[len(shape) - resized_dims :]
    sizes = [want or have for want, have in zip(wanted, current, strict=True)]
    if interpolation_mode == "NEAREST_NEIGHBOR":
        return _nearest(x, sizes, sampling_mode, 0.5)
    return _resize(x, sizes, sampling_mode)
