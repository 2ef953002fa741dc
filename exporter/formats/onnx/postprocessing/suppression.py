"""Non-maximum suppression written into an ONNX graph, and padding to a fixed number of results."""

from typing import Any

import numpy as np
from onnx import TensorProto

from exporter.data.settings.suppression import MOST_CANDIDATES, Suppression
from exporter.formats.common.postprocessing.thresholds import at_most
from exporter.formats.onnx.conversion.writer import NodeWriter, renamed


def suppress(model: Any, suppression: Suppression) -> None:
    """Give detections for ``boxes`` (1, N, 4) and ``scores`` (1, N, classes), in place.

    The outputs are boxes (1, M, 4), scores (1, M), classes (1, M) and count (1,), the last two of int32.

    Operator NonMaxSuppression keeps the order of equal scores in no specification; it is therefore given the rank of
    each candidate in a stable order (TopK: "the element with the lower index will appear first"). It suppresses by
    ``>`` (https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html), and turns boxes whose corners are swapped: as
    those, like all without area, overlap nothing, they pass by it.
    """
    _Suppressed(model, suppression).write()


class _Suppressed:
    """The graph, part by part; K candidates, M results."""

    def __init__(self, model: Any, suppression: Suppression) -> None:
        self._write, self._asked = NodeWriter(model, "suppression"), suppression
        _, boxes, self._classes = _shapes(model)["scores"]
        self._given = renamed(model, {name: f"decoded/{name}" for name in ("boxes", "scores")})
        self._candidates = min(boxes * self._classes, MOST_CANDIDATES)
        self._most = min(suppression.most_detections, self._candidates)
        self._ranks = np.arange(self._candidates, 0, -1, dtype=np.float32)

    def write(self) -> None:
        """All of it."""
        add, classes = self._write.node, np.array(self._classes, np.int64)
        flat = add("Reshape", self._given["scores"], np.array([-1], np.int64))
        scores, places = self._write.nodes("TopK", 2, flat, np.array([self._candidates], np.int64))
        owners, kinds = add("Div", places, classes), add("Mod", places, classes)
        corners = add("Gather", add("Reshape", self._given["boxes"], np.array([-1, 4], np.int64)), owners)
        enough = add("GreaterOrEqual", scores, np.float32(self._asked.score_threshold))
        ranked = add("Where", enough, self._ranks, np.float32(0))
        kept = self._kept(corners, kinds, ranked) if self._asked.suppresses else ranked
        best, order = self._write.nodes("TopK", 2, kept, np.array([self._most], np.int64))
        self._results(add("Greater", best, np.float32(0.5)), order, corners, scores, kinds)

    def _kept(self, corners: str, kinds: str, ranked: str) -> str:
        """The rank of each candidate that is left, and 0 for the others."""
        add, has_area = self._write.node, self._has_area(corners)
        left = self._left(corners, kinds, add("Where", has_area, ranked, np.float32(0)))
        return add("Where", has_area, left, ranked)

    def _has_area(self, corners: str) -> str:
        add, axes = self._write.node, np.array([1], np.int64)
        starts, ends = (
            add("Slice", corners, np.array([low], np.int64), np.array([low + 2], np.int64), axes) for low in (0, 2)
        )
        sides = add("Max", add("Sub", ends, starts), np.float32(0))
        return add("Greater", add("ReduceProd", sides, axes=[1], keepdims=0), np.float32(0))

    def _left(self, corners: str, kinds: str, ranked: str) -> str:
        """As `_kept`, of boxes with an area."""
        add = self._write.node
        found = add(
            "NonMaxSuppression",
            add("Reshape", corners, np.array([1, -1, 4], np.int64)),
            self._of_each_class(kinds, ranked),
            np.array(self._most, np.int64),
            np.array(at_most(self._asked.iou_threshold or 0), np.float32),
            np.array(0.5, np.float32),
        )
        places = add("Gather", found, np.array(2, np.int64), axis=1)
        nothing = self._write.constant(np.zeros(self._candidates, np.float32))
        return add("ScatterElements", nothing, places, add("Gather", ranked, places))

    def _of_each_class(self, kinds: str, ranked: str) -> str:
        """Scores as the operator takes them: (1, classes, K)."""
        add = self._write.node
        if self._asked.class_agnostic:
            return add("Reshape", ranked, np.array([1, 1, -1], np.int64))
        own = add("Equal", kinds, np.arange(self._classes, dtype=np.int64)[:, None])
        return add("Unsqueeze", add("Where", own, ranked, np.float32(0)), np.array([0], np.int64))

    def _results(self, real: str, order: str, corners: str, scores: str, kinds: str) -> None:
        add, most = self._write.node, self._asked.most_detections
        of_box = add("Unsqueeze", real, np.array([1], np.int64))
        boxes = add("Where", of_box, add("Gather", corners, order), np.float32(0))
        best = add("Where", real, add("Gather", scores, order), np.float32(0))
        classes = add("Where", real, add("Gather", kinds, order), np.int64(0))
        count = add("ReduceSum", add("Cast", real, to=TensorProto.INT32), np.array([0], np.int64))
        self._write.results(
            [
                ("boxes", self._padded(boxes, 1), TensorProto.FLOAT, (1, most, 4)),
                ("scores", self._padded(best), TensorProto.FLOAT, (1, most)),
                ("classes", self._padded(add("Cast", classes, to=TensorProto.INT32)), TensorProto.INT32, (1, most)),
                ("count", count, TensorProto.INT32, (1,)),
            ]
        )

    def _padded(self, value: str, more_axes: int = 0) -> str:
        """Results and zeros up to the number that was asked for, with the batch."""
        missing, before = self._asked.most_detections - self._most, [0] * (1 + more_axes)
        if missing:
            value = self._write.node("Pad", value, np.array([*before, missing, *before[1:]], np.int64))
        return self._write.node("Unsqueeze", value, np.array([0], np.int64))


def _shapes(model: Any) -> dict[str, list[int]]:
    return {item.name: [axis.dim_value for axis in item.type.tensor_type.shape.dim] for item in model.graph.output}
