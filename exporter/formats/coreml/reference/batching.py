"""Which programs for one example can evaluate many at once, and how.

Most image models are converted for a batch of one. Stacking examples along axis 0 is right only if every operation
treats that axis as a list of independent examples; some name its length of one in a shape. Each operation type has a
rule here that says whether that holds for the operation, and gives the constants that must change. An operation
without a rule makes the program one at a time.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from exporter.formats.coreml.reference.registry import OPERATIONS

Changes = dict[str, Any]
_Rule = Callable[[Any, set[Any]], Changes | None]


def plan_batch(function: Any, size: int) -> dict[str, Changes] | None:
    """Constants to change for `size` examples at once, by operation name and input; None when it cannot be done.

    Args:
        function: a loaded MIL function.
        size: number of examples.
    """
    batched = set(function.inputs.values())
    if not all(_length(var) == 1 for var in batched):
        return None
    changes: dict[str, Changes] = {}
    for op in function.operations:
        inputs = [var for source in op.inputs.values() for var in _many(source)]
        if not any(var in batched for var in inputs):
            continue
        rule = _RULES.get(op.op_type)
        found = None if rule is None or op.blocks else rule(op, batched)
        if found is None or not all(_length(var) == 1 for var in op.outputs):
            return None
        batched.update(op.outputs)
        if found:
            changes[op.name] = {name: _with_size(value, size) for name, value in found.items()}
    return changes if all(var in batched for var in function.outputs) else None


def largest_value(function: Any) -> int:
    """Elements of the largest value of a loaded MIL function whose shape is known, at least 1."""
    shapes = [var.shape for op in function.operations for var in op.outputs if _length(var) is not None]
    shapes += [var.shape for var in function.inputs.values() if _length(var) is not None]
    known = (shape for shape in shapes if all(isinstance(length, int | np.integer) for length in shape))
    return max((math.prod(map(int, shape)) for shape in known), default=1)


class _Size:
    """Stands for the number of examples in a constant that a rule gives."""


def _with_size(value: Any, size: int) -> Any:
    return [size if isinstance(one, _Size) else one for one in value]


def _many(source: Any) -> list[Any]:
    return list(source) if isinstance(source, (list, tuple)) else [] if source is None else [source]


def _length(var: Any) -> Any:
    try:
        return var.shape[0]
    except (AttributeError, IndexError, TypeError):
        return None


def _value(op: Any, name: str) -> Any:
    var = op.inputs.get(name)
    return None if var is None else var.val


def _first_only(op: Any, batched: set[Any]) -> Changes | None:
    """Only the first operand carries examples, and axis 0 is never touched."""
    carriers = {name for name, source in op.inputs.items() if any(var in batched for var in _many(source))}
    return {} if carriers <= {"x", "input"} else None


def _broadcast(op: Any, batched: set[Any]) -> Changes | None:
    """Both operands carry examples in axis 0 of equal rank, or the other broadcasts along it."""
    operands = [var for name in ("x", "y", "cond", "a", "b", "alpha") for var in _many(op.inputs.get(name))]
    rank = max(var.rank for var in operands)
    for var in operands:
        if var in batched:
            if var.rank != rank:
                return None
        elif var.rank == rank and rank and var.shape[0] != 1:
            return None
    return {}


def _not_axis_zero(*names: str) -> _Rule:
    """The axis or axes named are given, and axis 0 is not among them."""

    def rule(op: Any, batched: set[Any]) -> Changes | None:
        rank = _many(op.inputs.get("x") or op.inputs.get("values"))[0].rank
        values = [_value(op, name) for name in names]
        if any(value is None for value in values):
            return None
        axes = [int(axis) % rank for value in values for axis in (value if getattr(value, "ndim", 0) else [value])]
        every = [var for name in ("x", "values") for var in _many(op.inputs.get(name))]
        return {} if 0 not in axes and all(var in batched for var in every) else None

    return rule


def _reshape(op: Any, batched: set[Any]) -> Changes | None:
    shape = _value(op, "shape")
    if shape is None or op.shape in batched or int(shape[0]) not in (1, -1, 0):
        return None
    rest = [int(length) for length in shape[1:]]
    if 0 in rest or (int(shape[0]) == 0 and len(shape) != op.x.rank):
        return None
    return {"shape": [_Size(), *rest]}


def _expand_dims(op: Any, batched: set[Any]) -> Changes | None:
    rank = op.x.rank + len(op.axes.val)
    return {} if all(int(axis) % rank for axis in op.axes.val) else None


def _squeeze(op: Any, batched: set[Any]) -> Changes | None:
    axes = _value(op, "axes")
    return {} if axes is not None and all(int(axis) % op.x.rank for axis in axes) else None


def _transpose(op: Any, batched: set[Any]) -> Changes | None:
    return {} if int(op.perm.val[0]) % op.x.rank == 0 else None


def _slice(op: Any, batched: set[Any]) -> Changes | None:
    """Axis 0 must be taken whole; then it stays whole for more examples."""
    begin, end = _value(op, "begin"), _value(op, "end")
    stride, squeeze = _value(op, "stride"), _value(op, "squeeze_mask")
    if begin is None or end is None or (stride is not None and int(stride[0]) != 1):
        return None
    if squeeze is not None and bool(squeeze[0]):
        return None
    begin_mask, end_mask = _value(op, "begin_mask"), _value(op, "end_mask")
    starts = bool(begin_mask is not None and begin_mask[0]) or int(begin[0]) in (0, -1)
    ends = bool(end_mask is not None and end_mask[0]) or int(end[0]) >= 1
    if not starts or not ends:
        return None
    rank = op.x.rank

    def opened(mask: Any) -> list[bool]:
        return [True, *(bool(mask[i]) if mask is not None else False for i in range(1, rank))]

    return {"begin_mask": opened(begin_mask), "end_mask": opened(end_mask)}


def _matmul(op: Any, batched: set[Any]) -> Changes | None:
    rank = max(op.x.rank, op.y.rank)
    sides = [op.x, op.y]
    if all(var in batched for var in sides):
        return {} if op.x.rank == op.y.rank >= 3 else None
    if op.x in batched:  # rows of x are independent, whatever their number
        return {} if op.x.rank >= 2 and op.y.rank <= 2 and not _transposed_rows(op) else None
    return {} if op.y.rank == rank >= 3 and op.x.rank <= 2 else None


def _transposed_rows(op: Any) -> bool:
    return op.x.rank == 2 and bool(op.transpose_x.val)


def _attention(op: Any, batched: set[Any]) -> Changes | None:
    mask = op.inputs.get("attn_mask")
    if not all(var in batched for var in (op.query, op.key, op.value)):
        return None
    return {} if mask is None or (mask not in batched and (mask.rank < op.query.rank or mask.shape[0] == 1)) else None


def _pad(op: Any, batched: set[Any]) -> Changes | None:
    pad = _value(op, "pad")
    return {} if pad is not None and (len(pad) // 2 < op.x.rank or not any(pad[:2])) else None


def _tile(op: Any, batched: set[Any]) -> Changes | None:
    reps = _value(op, "reps")
    return {} if reps is not None and int(reps[0]) == 1 else None


def _stack(op: Any, batched: set[Any]) -> Changes | None:
    return {} if int(op.axis.val) % (op.values[0].rank + 1) and set(op.values) <= batched else None


def _quantized(op: Any, batched: set[Any]) -> Changes | None:
    axis = _value(op, "axis")
    return {} if axis is None or int(axis) % op.input.rank else None


def _gather(op: Any, batched: set[Any]) -> Changes | None:
    fits = op.indices not in batched and int(op.axis.val) % op.x.rank and not int(_value(op, "batch_dims") or 0)
    return {} if fits else None


def _names(text: str) -> list[str]:
    return text.split()


_ELEMENTWISE = _names(
    "abs acos asin atan atanh cast ceil clip cos cosh erf exp exp2 floor inverse log logical_not round rsqrt "
    "sign sin sinh sqrt square tan tanh threshold clamped_relu elu gelu leaky_relu linear_activation relu "
    "relu6 scaled_tanh sigmoid sigmoid_hard silu softplus softsign thresholded_relu identity"
)
_SPATIAL = _names(
    "conv max_pool avg_pool l2_pool batch_norm instance_norm local_response_norm prelu softplus_parametric "
    "upsample_bilinear upsample_nearest_neighbor resize_bilinear resize_nearest_neighbor pixel_shuffle "
    "pixel_unshuffle depth_to_space space_to_depth crop linear"
)
_BINARY = _names(
    "add sub mul real_div floor_div mod pow maximum minimum equal not_equal greater greater_equal less "
    "less_equal logical_and logical_or logical_xor select"
)
_REDUCTIONS = [name for name in OPERATIONS if name.startswith("reduce_") and "arg" not in name]
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _first_only),
    **dict.fromkeys(_SPATIAL, _first_only),
    **dict.fromkeys(_BINARY, _broadcast),
    **dict.fromkeys(_REDUCTIONS, _not_axis_zero("axes")),
    **dict.fromkeys(("softmax", "reduce_argmax", "reduce_argmin", "concat", "split", "cumsum"), _not_axis_zero("axis")),
    "layer_norm": _not_axis_zero("axes"),
    "stack": _stack,
    "reshape": _reshape,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "slice_by_index": _slice,
    "matmul": _matmul,
    "scaled_dot_product_attention": _attention,
    "pad": _pad,
    "tile": _tile,
    "quantize": _quantized,
    "dequantize": _quantized,
    "gather": _gather,
}
