"""Making, padding, sorting and selecting. Semantics: coremltools ``tensor_operation.py`` of iOS 15 to 17."""

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Family, Ints, Tensor

FAMILY = Family("tensors")


@FAMILY.op("band_part", exact=True)
def band_part(x: Tensor, lower: int = -1, upper: int = -1) -> Tensor:
    """Zero outside the diagonals from -lower to upper; a negative bound is none."""
    rows = torch.arange(x.shape[-2]).unsqueeze(1)
    columns = torch.arange(x.shape[-1])
    keep = torch.ones(x.shape[-2:], dtype=torch.bool)
    if lower >= 0:
        keep &= rows - columns <= lower
    if upper >= 0:
        keep &= columns - rows <= upper
    return torch.where(keep, x, torch.zeros_like(x))


@FAMILY.op("cumsum")
def cumsum(x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """Running sums; exclusive ones leave their own element out."""
    source = torch.flip(x, [axis]) if reverse else x
    total = torch.cumsum(source, axis)
    if exclusive:
        total = total - source
    return torch.flip(total, [axis]) if reverse else total


@FAMILY.op("fill", exact=True)
def fill(shape: Ints, value: Tensor | None = None) -> Tensor:
    """A tensor of one value."""
    return (torch.zeros(()) if value is None else value).expand(list(shape)).clone()


@FAMILY.op("fill_like", exact=True)
def fill_like(ref_tensor: Tensor, value: Tensor | None = None) -> Tensor:
    """A tensor of one value in the shape of another."""
    return (torch.zeros(()) if value is None else value).expand(ref_tensor.shape).clone()


@FAMILY.op("non_zero")
def non_zero(x: Tensor) -> Tensor:
    """Coordinates of the elements that are not zero, one row each."""
    return torch.nonzero(x)


@FAMILY.op("one_hot", exact=True)
def one_hot(
    indices: Tensor,
    one_hot_vector_size: int,
    axis: int = -1,
    on_value: Tensor | None = None,
    off_value: Tensor | None = None,
) -> Tensor:
    """`on_value` where the new dimension at `axis` equals the index, `off_value` elsewhere."""
    axis %= indices.dim() + 1
    places = torch.arange(one_hot_vector_size).reshape([-1, *[1] * (indices.dim() - axis)])
    on = torch.tensor(1) if on_value is None else on_value
    off = torch.zeros_like(on) if off_value is None else off_value
    return torch.where(indices.unsqueeze(axis) == places, on, off)


@FAMILY.op("pad", exact=True)
def pad(x: Tensor, pad: Ints, mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """The last ``len(pad) / 2`` dimensions padded before and after, in order."""
    first = x.dim() - len(pad) // 2
    pairs = [(pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]
    if mode == "constant":
        return F.pad(x, [amount for pair in reversed(pairs) for amount in pair], value=constant_val)
    for axis, (before, after) in enumerate(pairs, first):
        length = x.shape[axis]
        places = torch.arange(-before, length + after)
        if mode == "replicate":
            places = places.clamp(0, length - 1)
        elif mode == "reflect" and max(before, after) < length:
            places = (length - 1 - (places.abs() - (length - 1)).abs()).abs()
        else:
            raise ValueError(f"mode {mode!r} cannot pad a length of {length} by {before} and {after}")
        x = x.index_select(axis, places)
    return x


@FAMILY.op("range_1d", exact=True)
def range_1d(end: Tensor, start: Tensor, step: Tensor) -> Tensor:
    """``start, start + step, ...`` below `end`."""
    return torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)


@FAMILY.op("argsort")
def argsort(x: Tensor, axis: int = -1, ascending: bool = False) -> Tensor:
    """Places of the sorted elements; equal ones keep their order."""
    return torch.argsort(x, dim=axis, descending=not ascending, stable=True)


@FAMILY.op("topk")
def topk(
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest (or smallest) `k` elements in order, and their places; -1 is all; equal ones keep their order."""
    count = x.shape[axis] if k == -1 else k
    places = torch.argsort(x, dim=axis, descending=not ascending, stable=True).narrow(axis, 0, count)
    values = torch.gather(x, axis, places)
    return (values, places) if return_indices else values


@FAMILY.op("non_maximum_suppression")
def non_maximum_suppression(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    max_boxes: int,
    score_threshold: float | None = None,
    per_class_suppression: bool = False,
) -> tuple[Tensor, ...]:
    """Greedy suppression of boxes (centre x, centre y, width, height) by overlap with better ones.

    Before iOS 17 (told by `score_threshold`): boxes ``[n, B, 4]``, scores ``[n, B, K]`` and a fourth output, the
    number of boxes kept. From iOS 17 on: ``[n, 4, B]``, ``[n, K, B]`` and three outputs. Unused places hold zeros,
    and -1 as index.
    """
    old = score_threshold is not None
    if not old:
        boxes, scores = boxes.mT, scores.mT
    threshold = -torch.inf if score_threshold is None else score_threshold
    kept_boxes = boxes.new_zeros(boxes.shape[0], max_boxes, 4)
    kept_scores = scores.new_zeros(scores.shape[0], max_boxes, scores.shape[2])
    kept = torch.full((boxes.shape[0], max_boxes), -1, dtype=torch.int32)
    counts = torch.zeros(boxes.shape[0], dtype=torch.int32)
    for n, (some, points) in enumerate(zip(boxes, scores, strict=True)):
        picks = picked(some, points, iou_threshold, threshold, max_boxes, per_class_suppression)
        counts[n] = len(picks)
        kept_boxes[n, : len(picks)] = some[picks]
        kept_scores[n, : len(picks)] = points[picks]
        kept[n, : len(picks)] = torch.tensor(picks, dtype=torch.int32)
    return (kept_boxes, kept_scores, kept, counts) if old else (kept_boxes.mT, kept_scores.mT, kept)


def picked(
    boxes: Tensor, scores: Tensor, iou_threshold: float, score_threshold: float, most: int, per_class: bool
) -> list[int]:
    """Places of the boxes that greedy suppression leaves, the best first.

    Args:
        boxes: (B, 4), centre and size.
        scores: (B, K); a box is of the class of its best score.
        most: boxes that are left.
        per_class: whether a box leaves those of other classes alone.
    """
    best, classes = scores.max(1)
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    area = (high - low).clamp(min=0).prod(1)
    alive = best >= score_threshold
    picks: list[int] = []
    for place in torch.argsort(best, descending=True, stable=True).tolist():
        if len(picks) == most:
            break
        if not alive[place]:
            continue
        picks.append(place)
        overlap = (torch.minimum(high, high[place]) - torch.maximum(low, low[place])).clamp(min=0).prod(1)
        union = area + area[place] - overlap
        clash = torch.where(union > 0, overlap / union, torch.zeros_like(union)) > iou_threshold
        alive &= ~(clash & (classes == classes[place])) if per_class else ~clash
    return picks
