"""Bags of rows of a table."""

from typing import Any

from exporter.formats.coreml.conversion.operators.registering import add_first, builder, known, operands, translation

_NAMES = ("weight", "indices", "offsets", "scale_grad_by_freq", "mode", "sparse", "per_sample_weights")
_REDUCTIONS = ("reduce_sum", "reduce_mean", "reduce_max")


@translation("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only", "embedding_bag.padding_idx")
def embedding_bag(context: Any, node: Any) -> None:
    """``embedding_bag(weight, indices, offsets, ..., mode, ...)``: sum (0), mean (1) or maximum (2) of each bag's rows.

    Bags begin at `offsets`, which must be known before the model runs. Of its four results only the first, the bags, is
    of use to a model that runs.
    """
    make = builder()
    weight, indices, offsets, _, mode, _, scales, last, padding = operands(
        context, node, *_NAMES, "include_last_offset", "padding_idx"
    )
    if known(padding, -1) >= 0:
        raise NotImplementedError("a row that does not count (padding_idx)")
    rows = make.gather(x=weight, indices=indices, axis=0)
    if scales is not None:
        rows = make.mul(x=rows, y=make.expand_dims(x=scales, axes=[1]))
    starts = known(offsets)
    ends = [*starts[1:], *([] if known(last, False) else [indices.shape[0]])]
    reduce = getattr(make, _REDUCTIONS[known(mode, 0)])
    bags = _bags(rows, starts[: len(ends)], ends, reduce)
    add_first(context, node, make.identity(x=bags, name=node.outputs[0]), 4)


def _bags(rows: Any, starts: list[int], ends: list[int], reduce: Any) -> Any:
    make, lengths = builder(), {end - start for start, end in zip(starts, ends, strict=True)}
    if len(lengths) == 1 and starts[0] == 0:
        return reduce(x=make.reshape(x=rows, shape=[len(starts), lengths.pop(), rows.shape[1]]), axes=[1])
    if 0 in lengths:
        raise NotImplementedError("a bag without rows")
    parts = [
        make.slice_by_size(x=rows, begin=[start, 0], size=[end - start, -1])
        for start, end in zip(starts, ends, strict=True)
    ]
    return make.concat(values=[reduce(x=part, axes=[0], keep_dims=True) for part in parts], axis=0)
