"""Layers: pools, normalizations, look-ups, grids."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from exporter.sources.tracing.torch_rewrites.mode import as_constants, rewrite


@rewrite("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avg_pool(x: Tensor, output_size: Any) -> Any:
    """Means of parts that need not be equal: the ONNX exporter knows equal ones only."""
    sizes = _sizes(x, output_size)
    if len(sizes) < 3 and all(before % after == 0 for before, after in zip(x.shape[-len(sizes) :], sizes, strict=True)):
        return NotImplemented
    return averaged(x, output_size)


def averaged(x: Tensor, output_size: Any) -> Tensor:
    """The same by a matrix of shares an axis; where one element is left, by the mean."""
    sizes = _sizes(x, output_size)
    count = len(sizes)
    if all(size == 1 for size in sizes):
        return x.mean(tuple(range(-count, 0)), keepdim=True)
    for place, size in enumerate(sizes):
        axis = x.ndim - count + place
        if x.shape[axis] != size:
            with as_constants():
                shares = _shares(int(x.shape[axis]), size).to(x.dtype)
            x = torch.matmul(x.transpose(axis, -1), shares.t()).transpose(axis, -1)
    return x


def _sizes(x: Tensor, output_size: Any) -> list[int]:
    given = output_size if isinstance(output_size, tuple | list) else (output_size,) * (x.ndim - 2)
    before = x.shape[-len(given) :]
    return [int(old if size is None else size) for size, old in zip(given, before, strict=True)]


def _shares(before: int, after: int) -> Tensor:
    """Rows of equal shares of the elements that torch averages: shape (after, before)."""
    matrix = torch.zeros(after, before)
    for row in range(after):
        start, end = row * before // after, math.ceil((row + 1) * before / after)
        matrix[row, start:end] = 1 / (end - start)
    return matrix


@rewrite("rms_norm")
def rms_norm(x: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divided by the root of the mean square of the last axes."""
    axes = tuple(range(-len(normalized_shape), 0))
    epsilon = torch.finfo(x.dtype).eps if eps is None else eps
    normal = x * torch.rsqrt((x * x).mean(axes, keepdim=True) + epsilon)
    return normal if weight is None else normal * weight


@rewrite("bilinear")
def bilinear(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The products x W y for every matrix W."""
    products = torch.matmul(x.unsqueeze(-2).unsqueeze(-2), weight).squeeze(-2)
    result = (products * y.unsqueeze(-2)).sum(-1)
    return result if bias is None else result + bias


@rewrite("cdist")
def cdist(x: Tensor, y: Tensor, p: float = 2.0, compute_mode: Any = None) -> Tensor:
    """Distances of all pairs of rows."""
    apart = torch.abs(x.unsqueeze(-2) - y.unsqueeze(-3))
    if p == 2.0:
        return torch.sqrt((apart * apart).sum(-1))
    return apart.amax(-1) if p == math.inf else apart.pow(p).sum(-1).pow(1 / p)


@rewrite("embedding_bag")
def embedding_bag(x: Tensor, weight: Tensor, *given: Any, mode: str = "mean", **named: Any) -> Any:
    """Rows of a table, added up, averaged, or the largest of each column."""
    defaults = ("offsets", None), ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False), ("mode", mode)
    options = dict(defaults) | dict(zip([name for name, _ in defaults], given, strict=False)) | named
    if x.ndim != 2 or not isinstance(options["mode"], str) or options.get("padding_idx") is not None:
        return NotImplemented
    rows = functional.embedding(x, weight)
    scale = options.get("per_sample_weights")
    if scale is not None:
        rows = rows * scale.unsqueeze(-1)
    if options["mode"] == "max":
        return rows.amax(1)
    return rows.sum(1) if options["mode"] == "sum" else rows.mean(1)


@rewrite("affine_grid", "affine_grid_generator")
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Any:
    """The places of an affine transform's pixels: a product of a constant grid and the matrix."""
    batch, _, *spatial = (int(item) for item in size)
    with as_constants():
        axes = [_centres(length, bool(align_corners)) for length in spatial]
        grids = torch.meshgrid(*axes, indexing="ij")[::-1]
        base = torch.stack([*grids, torch.ones(spatial)], -1).reshape(1, -1, len(spatial) + 1).to(theta.dtype)
    places = torch.matmul(base, theta.transpose(1, 2))
    return places.reshape(batch, *spatial, len(spatial))


def _centres(length: int, corners: bool) -> Tensor:
    if corners:
        return torch.linspace(-1, 1, length) if length > 1 else torch.zeros(1)
    return (torch.arange(length) * 2 + 1) / length - 1


@rewrite("interpolate", "upsample")
def interpolate(
    x: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Another number of pixels: cubic, or with antialiasing, by a matrix an axis that torch itself gives."""
    if mode != "bicubic" and not antialias:
        return NotImplemented
    options: dict[str, Any] = {"mode": mode, "align_corners": align_corners, "antialias": antialias}
    for axis in (2, 3):
        with as_constants():
            line = _resized_line(int(x.shape[axis]), axis, size, scale_factor, recompute_scale_factor, options)
        x = torch.matmul(x.transpose(axis, 3), line).transpose(axis, 3)
    return x


def _resized_line(
    length: int, axis: int, size: Any, scale_factor: Any, recompute: bool | None, options: dict[str, Any]
) -> Tensor:
    """What torch makes of every unit vector: shape (before, after).

    The vectors are rows: torch 2.13 is wrong on columns of width one when it filters.
    """
    units = torch.eye(length).reshape(length, 1, 1, length)
    if size is not None:
        wanted = int(size if isinstance(size, int) else size[axis - 2])
        given: dict[str, Any] = {"size": (1, wanted)}
    else:
        factor = float(scale_factor if isinstance(scale_factor, int | float) else scale_factor[axis - 2])
        given = {"scale_factor": (1.0, factor), "recompute_scale_factor": recompute}
    line: Tensor = functional.interpolate(units, **given, **options)
    return line.reshape(length, -1)
