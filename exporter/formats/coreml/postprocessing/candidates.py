"""The candidates of suppression and what is left of them, in MIL.

Shapes: N boxes, C classes, K candidates, M results before padding.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from exporter.data.settings.suppression import MOST_CANDIDATES, Suppression
from exporter.execution.heavy import load
from exporter.formats.common.postprocessing.thresholds import at_most


def builder() -> Any:
    """Coremltools' builder of MIL."""
    return load("coremltools.converters.mil").Builder


@dataclass(frozen=True)
class Candidates:
    """Pairs of a box and a class, those with the best scores, in the order of their scores.

    Attributes:
        corners: (K, 4).
        scores: (K,).
        classes: (K,) of int32.
        ranks: (K,), K for the first and 1 for the last; 0 for those below the threshold of scores.
        has_area: (K,) of bool.
        centres: (K, 4), centre and size.
    """

    corners: Any
    scores: Any
    classes: Any
    ranks: Any
    has_area: Any
    centres: Any


def candidates(boxes: Any, scores: Any, asked: Suppression) -> Candidates:
    """Of boxes (1, N, 4), corners, and scores (1, N, C)."""
    mb = builder()
    _, count, classes = scores.shape
    k = min(count * classes, MOST_CANDIDATES)
    values, places = mb.topk(x=mb.reshape(x=scores, shape=[count * classes]), k=k, axis=0)
    owners = mb.floor_div(x=places, y=np.int32(classes))
    kinds = mb.sub(x=places, y=mb.mul(x=owners, y=np.int32(classes)))
    corners = mb.gather(x=mb.reshape(x=boxes, shape=[count, 4]), indices=owners, axis=0)
    starts, ends = (mb.slice_by_size(x=corners, begin=[0, low], size=[k, 2]) for low in (0, 2))
    sides = mb.sub(x=ends, y=starts)
    middles = mb.add(x=starts, y=mb.mul(x=sides, y=np.float32(0.5)))
    area = mb.reduce_prod(x=mb.maximum(x=sides, y=np.float32(0)), axes=[1], keep_dims=False)
    enough = mb.greater_equal(x=values, y=np.float32(asked.score_threshold))
    ranks = mb.select(cond=enough, a=np.arange(k, 0, -1, dtype=np.float32), b=np.zeros(k, np.float32))
    return Candidates(
        corners,
        values,
        kinds,
        ranks,
        mb.greater(x=area, y=np.float32(0)),
        mb.concat(values=[middles, sides], axis=1),
    )


def left(found: Candidates, asked: Suppression, classes: int, most: int, *, with_threshold: bool) -> Any:
    """The ranks of candidates that are left, and 0 for the others: (K,).

    MIL's ``non_maximum_suppression`` knows of each box its best class alone: it is given a box for each candidate, with
    its rank as the only score, so that the order of equal scores is fixed as well. Where it finds nothing it gives the
    best box all the same, and what it pads with differs between runtimes: neither has a rank of its own then.

    Args:
        with_threshold: whether the operation is that of systems before iOS 17.
    """
    if not asked.suppresses:
        return found.ranks
    mb, (k,) = builder(), found.ranks.shape
    nothing = np.zeros(k, np.float32)
    ranks = mb.select(cond=found.has_area, a=found.ranks, b=nothing)
    table = mb.expand_dims(x=ranks, axes=[1])
    if not asked.class_agnostic and classes > 1:
        own = mb.equal(x=mb.expand_dims(x=found.classes, axes=[1]), y=np.arange(classes, dtype=np.int32)[None])
        table = mb.mul(x=table, y=mb.cast(x=own, dtype="fp32"))
    given = [mb.expand_dims(x=value, axes=[0]) for value in (found.centres, table)]
    places = mb.reshape(x=_suppressed(given, asked, most, with_threshold), shape=[most])
    real = mb.maximum(x=places, y=np.int32(0))
    chosen = mb.select(
        cond=mb.greater_equal(x=places, y=np.int32(0)),
        a=mb.gather(x=ranks, indices=real, axis=0),
        b=np.zeros(most, np.float32),
    )
    kept = mb.scatter(data=nothing, indices=real, updates=chosen, axis=0, mode="max")
    return mb.select(cond=found.has_area, a=kept, b=found.ranks)


def _suppressed(given: list[Any], asked: Suppression, most: int, with_threshold: bool) -> Any:
    """Places of the boxes that are left, (1, M), and what the runtime pads with."""
    mb = builder()
    settings = {
        "iou_threshold": at_most(asked.iou_threshold or 0),
        "max_boxes": most,
        "per_class_suppression": not asked.class_agnostic,
    }
    if with_threshold:
        return mb.non_maximum_suppression(boxes=given[0], scores=given[1], score_threshold=np.float32(0.5), **settings)[
            2
        ]
    boxes, scores = (mb.transpose(x=value, perm=[0, 2, 1]) for value in given)
    return mb.non_maximum_suppression(boxes=boxes, scores=scores, **settings)[2]
