"""Cubic resizing of images: a product with a constant matrix along each axis."""

from typing import Any

import torch
from torch.nn import functional

from exporter.formats.coreml.conversion.operators.registering import builder, known, operands, translation

_BY_SCALES = ("self", "output_size", "align_corners", "scales_h", "scales_w")
_BY_FACTORS = ("input", "output_size", "align_corners", "scale_factors")


@translation("upsample_bicubic2d", "upsample_bicubic2d.vec")
def upsample_bicubic2d(context: Any, node: Any) -> None:
    """``upsample_bicubic2d`` and its overload ``vec``: Keys' cubic convolution (a = -0.75), as PyTorch computes it.

    It is linear, so that what PyTorch makes of every unit vector is its matrix.
    """
    factors_only = node.kind.endswith("vec") or len(node.inputs) == 4
    given = [known(item) for item in operands(context, node, *(_BY_FACTORS if factors_only else _BY_SCALES))[1:]]
    size, corners, *scales = given
    factors = (scales[0] or [None, None]) if factors_only else scales
    x = operands(context, node, "self" if not factors_only else "input")[0]
    x = _along(x, 2, bool(corners), size, factors)
    x = _along(x, 3, bool(corners), size, factors)
    context.add(builder().identity(x=x, name=node.name))


def _along(x: Any, axis: int, corners: bool, size: Any, factors: Any) -> Any:
    line = _line(x.shape[axis], corners, size and size[axis - 2], factors[axis - 2]).numpy()
    if axis == 3:
        return builder().matmul(x=x, y=line)
    return builder().matmul(x=line.T, y=x)


def _line(length: int, corners: bool, size: int | None, factor: float | None) -> torch.Tensor:
    """What PyTorch makes of the rows of a unit matrix: shape (before, after)."""
    units = torch.eye(length).reshape(length, 1, 1, length)
    given: dict[str, Any] = {"size": (1, size)} if factor is None else {"scale_factor": (1.0, factor)}
    return functional.interpolate(units, **given, mode="bicubic", align_corners=corners).reshape(length, -1)
