"""Non-maximum suppression by TFLite's builtin operators, and padding to a fixed number of results."""

from typing import Any

import numpy as np

from exporter.data.settings.suppression import MOST_CANDIDATES, Suppression
from exporter.formats.common.postprocessing.thresholds import just_above
from exporter.formats.tflite.conversion.writer import OperatorWriter

_INT, _BOOL = np.int32, np.bool_


def suppress(model: Any, suppression: Suppression) -> list[int]:
    """Give detections for a model's two outputs, boxes (1, N, 4) and scores (1, N, classes), in place.

    NON_MAX_SUPPRESSION_V4 knows no classes, keeps no order among equal scores and suppresses by ``>=``
    (tensorflow/lite/kernels/internal/reference/non_max_suppression.h): it stands there once a class, is given the rank
    of each candidate in a stable order (TOPK_V2 gives "the lower-index element first"), and the next greater threshold.
    A box without area it gives again and again (LiteRT 2.1): those pass by it, as they overlap nothing.

    Returns:
        Indices of boxes (1, M, 4), scores (1, M), classes (1, M) of int32 and count (1,) of int32.
    """
    return _Suppressed(model, suppression).write()


class _Suppressed:
    """The graph, part by part; K candidates, M results before padding."""

    def __init__(self, model: Any, suppression: Suppression) -> None:
        self._write, self._asked = OperatorWriter(model, "suppression"), suppression
        graph = model.subgraphs[0]
        self._boxes, self._scores = map(int, graph.outputs)
        _, boxes, self._classes = map(int, graph.tensors[self._scores].shape)
        self._count = boxes
        self._k = min(boxes * self._classes, MOST_CANDIDATES)
        self._m = min(suppression.most_detections, self._k)
        self._ranks = np.arange(self._k, 0, -1, dtype=np.float32)

    def write(self) -> list[int]:
        """All of it."""
        scores, owners, kinds = self._candidates()
        corners = self._gather(self._write.reshape(self._boxes, (self._count, 4)), owners, (self._k, 4))
        least = np.array(self._asked.score_threshold, np.float32)
        enough = self._write.operator("GREATER_EQUAL", [scores, least], (self._k,), _BOOL)
        ranked = self._select(enough, self._ranks, np.zeros((), np.float32), (self._k,))
        kept = self._kept(corners, kinds, ranked) if self._asked.suppresses else ranked
        best, order = self._top(kept, self._k, self._m)
        real = self._write.operator("GREATER", [best, np.array(0.5, np.float32)], (self._m,), _BOOL)
        return self._results(real, order, corners, scores, kinds)

    def _candidates(self) -> tuple[int, int, int]:
        """Scores, boxes and classes of the best pairs of the two."""
        total = self._count * self._classes
        scores, places = self._top(self._write.reshape(self._scores, (total,)), total, self._k)
        classes = np.array(self._classes, _INT)
        owners, kinds = (
            self._write.operator(kind, [places, classes], (self._k,), _INT) for kind in ("FLOOR_DIV", "FLOOR_MOD")
        )
        return scores, owners, kinds

    def _kept(self, corners: int, kinds: int, ranked: int) -> int:
        """The rank of each candidate that is left, and 0 for the others."""
        has_area, nothing = self._has_area(corners), np.zeros((), np.float32)
        suppressible = self._select(has_area, ranked, nothing, (self._k,))
        left = self._left(corners, kinds, suppressible)
        return self._select(has_area, left, ranked, (self._k,))

    def _has_area(self, corners: int) -> int:
        starts, ends = (self._gather(corners, np.array(axes, _INT), (self._k, 2), axis=1) for axes in ((0, 1), (2, 3)))
        sides = self._write.operator("SUB", [ends, starts], (self._k, 2))
        sides = self._write.operator("MAXIMUM", [sides, np.zeros((), np.float32)], (self._k, 2))
        area = self._write.operator("REDUCE_PROD", [sides, np.array([1], _INT)], (self._k,), keepDims=False)
        return self._write.operator("GREATER", [area, np.zeros((), np.float32)], (self._k,), _BOOL)

    def _left(self, corners: int, kinds: int, ranked: int) -> int:
        """As `_kept`, of boxes with an area."""
        found = [self._suppressed(corners, ranks) for ranks in self._of_each_class(kinds, ranked)]
        places, counts = ([one[part] for one in found] for part in range(2))
        shape = (len(found), self._m)
        chosen = self._write.operator("PACK", places, shape, _INT, valuesCount=len(found))
        valid = self._write.operator("PACK", counts, (len(found),), _INT, valuesCount=len(found))
        real = self._write.operator(
            "LESS",
            [np.arange(self._m, dtype=_INT)[None], self._write.reshape(valid, (len(found), 1), _INT)],
            shape,
            _BOOL,
        )
        ones = self._write.operator("CAST", [real], shape, inDataType=6, outDataType=0)
        return self._scattered(chosen, ones, ranked, shape)

    def _scattered(self, chosen: int, ones: int, ranked: int, shape: tuple[int, int]) -> int:
        """Ranks where a one was put; SCATTER_ND adds, so that places without a box add nothing."""
        total = shape[0] * shape[1]
        places, values = self._write.reshape(chosen, (total, 1), _INT), self._write.reshape(ones, (total,))
        marks = self._write.operator("SCATTER_ND", [places, values, np.array([self._k], _INT)], (self._k,))
        return self._write.operator("MUL", [marks, ranked], (self._k,))

    def _of_each_class(self, kinds: int, ranked: int) -> list[int]:
        """For each class the ranks of its own candidates."""
        if self._asked.class_agnostic or self._classes == 1:
            return [ranked]
        shape = (self._classes, self._k)
        column = np.arange(self._classes, dtype=_INT)[:, None]
        row = self._write.reshape(kinds, (1, self._k), _INT)
        own = self._write.operator("EQUAL", [row, column], shape, _BOOL)
        each = self._select(own, self._write.reshape(ranked, (1, self._k)), np.zeros((1, 1), np.float32), shape)
        return self._write.operators(
            "UNPACK", [each], [((self._k,), np.float32)] * self._classes, num=self._classes, axis=0
        )

    def _suppressed(self, corners: int, ranks: int) -> list[int]:
        """Places of the boxes that are left, the best first, and how many there are."""
        threshold = just_above(self._asked.iou_threshold or 0)
        settings = [np.array(self._m, _INT), np.array(threshold, np.float32), np.array(0.5, np.float32)]
        return self._write.operators(
            "NON_MAX_SUPPRESSION_V4", [corners, ranks, *settings], [((self._m,), _INT), ((), _INT)]
        )

    def _results(self, real: int, order: int, corners: int, scores: int, kinds: int) -> list[int]:
        m, zero = self._m, np.zeros((), np.float32)
        of_box = self._write.reshape(real, (m, 1), _BOOL)
        nowhere = np.zeros((1, 1), np.float32)
        boxes = self._select(of_box, self._gather(corners, order, (m, 4)), nowhere, (m, 4))
        best = self._select(real, self._gather(scores, order, (m,)), zero, (m,))
        classes = self._select(real, self._gather(kinds, order, (m,), _INT), np.zeros((), _INT), (m,), _INT)
        ones = self._write.operator("CAST", [real], (m,), _INT, inDataType=6, outDataType=2)
        count = self._write.operator("SUM", [ones, np.array([0], _INT)], (1,), _INT, keepDims=True)
        return [self._padded(boxes, (m, 4)), self._padded(best, (m,)), self._padded(classes, (m,), _INT), count]

    def _padded(self, value: int, shape: tuple[int, ...], dtype: Any = np.float32) -> int:
        """Results and zeros up to the number that was asked for, with the batch."""
        whole, missing = (self._asked.most_detections, *shape[1:]), self._asked.most_detections - shape[0]
        if missing:
            sides = np.array([[0, missing], *[[0, 0]] * (len(shape) - 1)], _INT)
            value = self._write.operator("PAD", [value, sides], whole, dtype)
        return self._write.reshape(value, (1, *whole), dtype)

    def _top(self, values: int, total: int, most: int) -> list[int]:
        written = [((most,), np.float32), ((most,), _INT)]
        return self._write.operators("TOPK_V2", [values, np.array(most, _INT)], written)

    def _gather(self, values: int, places: Any, shape: tuple[int, ...], dtype: Any = np.float32, axis: int = 0) -> int:
        return self._write.operator("GATHER", [values, places], shape, dtype, axis=axis)

    def _select(self, condition: int, yes: Any, no: Any, shape: tuple[int, ...], dtype: Any = np.float32) -> int:
        return self._write.operator("SELECT_V2", [condition, yes, no], shape, dtype)
