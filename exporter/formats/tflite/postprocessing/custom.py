"""Suppression in a file with TFLite_Detection_PostProcess, the operator that detectors of libraries expect."""

from typing import Any

import numpy as np

from exporter.data.settings.suppression import Suppression
from exporter.formats.common.postprocessing.thresholds import SMALLEST, at_most
from exporter.formats.tflite.conversion.writer import OperatorWriter
from exporter.formats.tflite.inspection.names import DETECTION_POSTPROCESS
from exporter.formats.tflite.postprocessing.suppression import suppress

_NO_CLASS = np.array(-1, np.float32)
_NOTHING = np.zeros((), np.float32)
_HALF = np.array(0.5, np.float32)


def suppress_by_custom(model: Any, suppression: Suppression, size: tuple[int, int]) -> list[int]:
    """Give detections as the operator does for a model's two outputs, boxes (1, N, 4) and scores (1, N, classes).

    Source: tensorflow/lite/kernels/detection_postprocess.cc, and what LiteRT 2.1 computes.

    - Its way for several classes is not used: on T threads it never looks at class T (tensorflow/tensorflow issue
      56058; TFLite 2.14, LiteRT 2.1 and 2.3). Its fast way suppresses all boxes alike, by ``>``, in a stable order. It
      is given what is to be suppressed so, and else what builtin operators have left, in which nothing overlaps.
    - It decodes boxes from anchors, which it reads in every inference: the boxes themselves are its anchors, with no
      offset from them. So nothing is rounded through a logarithm, and every head goes the same way.
    - It ends the inference where a side is negative: such boxes are given without area.
    - It leaves in rows behind its count what was in memory: they become zeros.

    Args:
        size: width and height of the picture, of whose sides coordinates become shares.

    Returns:
        Indices of boxes (1, M, 4) of top, left, bottom, right; classes (1, M); scores (1, M); count (1,). All are
        float32.
    """
    _, _, classes = map(int, model.subgraphs[0].tensors[model.subgraphs[0].outputs[1]].shape)
    alone = suppression.suppresses and (suppression.class_agnostic or classes == 1)
    left = _Operator(model, suppression, classes, size)
    return left.of_all() if alone else left.of_those_left()


class _Operator:
    """The operator and what it needs; N candidates, M results, C classes."""

    def __init__(self, model: Any, suppression: Suppression, classes: int, size: tuple[int, int]) -> None:
        self._model, self._asked, self._size = model, suppression, size
        self._write = OperatorWriter(model, "detections")
        self._m, self._c = suppression.most_detections, classes

    def of_all(self) -> list[int]:
        """It suppresses the model's boxes by itself."""
        boxes, scores = map(int, self._model.subgraphs[0].outputs)
        threshold = max(at_most(self._asked.iou_threshold or 0), SMALLEST)
        return self._results(boxes, scores, float(threshold), self._asked.score_threshold)

    def of_those_left(self) -> list[int]:
        """It is given detections, each with the score of its class and less than the threshold everywhere else."""
        boxes, best, kinds, count = suppress(self._model, self._asked)
        m, shape = self._m, (1, self._m, self._c)
        real = self._write.operator("LESS", [np.arange(m, dtype=np.int32)[None, :, None], count], (1, m, 1), np.bool_)
        column = self._write.reshape(kinds, (1, m, 1), np.int32)
        own = self._write.operator("EQUAL", [column, np.arange(self._c, dtype=np.int32)], shape, np.bool_)
        own = self._write.operator("LOGICAL_AND", [own, real], shape, np.bool_)
        scores = self._write.operator("SELECT_V2", [own, self._write.reshape(best, (1, m, 1)), _NO_CLASS], shape)
        return self._results(boxes, scores, 1.0, 0.0)

    def _results(self, boxes: int, scores: int, iou_threshold: float, score_threshold: float) -> list[int]:
        count = int(self._write.graph.tensors[boxes].shape[1])
        offsets = self._write.operator("ZEROS_LIKE", [boxes], (1, count, 4))
        shapes: list[tuple[int, ...]] = [(1, self._m, 4), (1, self._m), (1, self._m), (1,)]
        *rows, found = self._write.custom(
            DETECTION_POSTPROCESS,
            [offsets, scores, self._anchors(boxes, count)],
            [(shape, np.float32) for shape in shapes],
            {
                "max_detections": self._m,
                "max_classes_per_detection": 1,
                "detections_per_class": self._m,
                "use_regular_nms": False,
                "nms_score_threshold": float(np.float32(score_threshold)),
                "nms_iou_threshold": iou_threshold,
                "num_classes": self._c,
                **{f"{side}_scale": 1.0 for side in "yxhw"},
            },
        )
        return [*self._without_rest(rows, shapes, found), found]

    def _anchors(self, boxes: int, count: int) -> int:
        """Centres and sides (N, 4), vertical before horizontal, as shares of the picture."""
        write, shape, (width, height) = self._write, (count, 2), self._size
        corners = write.reshape(boxes, (count, 4))
        starts, ends = (
            write.operator("GATHER", [corners, np.array(axes, np.int32)], shape, axis=1) for axes in ((1, 0), (3, 2))
        )
        centres = write.operator("MUL", [write.operator("ADD", [starts, ends], shape), _HALF], shape)
        sides = write.operator("MAXIMUM", [write.operator("SUB", [ends, starts], shape), _NOTHING], shape)
        pixels = write.operator("CONCATENATION", [centres, sides], (count, 4), axis=1)
        return write.operator("DIV", [pixels, np.array([[height, width] * 2], np.float32)], (count, 4))

    def _without_rest(self, rows: list[int], shapes: list[tuple[int, ...]], found: int) -> list[int]:
        """Results with zeros behind them."""
        places = np.arange(self._m, dtype=np.float32)[None]
        real = self._write.operator("LESS", [places, found], (1, self._m), np.bool_)
        of_box = self._write.reshape(real, (1, self._m, 1), np.bool_)
        return [
            self._write.operator("SELECT_V2", [of_box if len(shape) == 3 else real, row, _NOTHING], shape)
            for row, shape in zip(rows, shapes[:3], strict=True)
        ]
