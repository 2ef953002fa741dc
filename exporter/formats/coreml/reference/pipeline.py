"""`ReferencePipeline`: an ML program, then a model of NonMaximumSuppression."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exporter.formats.coreml.reference.errors import ModelFileError
from exporter.formats.coreml.reference.files.blobs import check_blobs
from exporter.formats.coreml.reference.files.package import ModelFile, read_specification
from exporter.formats.coreml.reference.model import ReferenceModel
from exporter.formats.coreml.reference.ops.tensors import picked
from exporter.formats.coreml.reference.steps import Precision


@dataclass(frozen=True)
class Pipeline:
    """What a file holds.

    Attributes:
        program: the first model.
        suppression: the second, ``NonMaximumSuppression``.
        most: rows of its outputs.
    """

    program: ModelFile
    suppression: Any
    most: int


def read_pipeline(path: Path) -> Pipeline | None:
    """The parts of a pipeline of an ML program and suppression; None where the file is no pipeline.

    Raises:
        ModelFileError: it is damaged, or a pipeline of other models.
    """
    file = read_specification(path)
    if file.specification.WhichOneof("Type") != "pipeline":
        return None
    models = list(file.specification.pipeline.models)
    if [model.WhichOneof("Type") for model in models] != ["mlProgram", "nonMaximumSuppression"]:
        raise ModelFileError(f"{path} is a pipeline of other models than an ML program and NonMaximumSuppression")
    check_blobs(path, models[0], file.weights)
    program = ModelFile(path, models[0], file.weights)
    return Pipeline(program, models[1].nonMaximumSuppression, _most(models[1]))


def _most(model: Any) -> int:
    """Rows that the suppression gives at most, by the shape that its description pins."""
    ranges = (output.type.multiArrayType.shapeRange.sizeRanges for output in model.description.output)
    bounds = [sizes[0].upperBound for sizes in ranges if sizes and sizes[0].upperBound > 0]
    rows = [model.description.input[0].type.multiArrayType.shape[0]]
    return int(min(bounds or rows))


class ReferencePipeline:
    """Evaluates a pipeline with torch on the CPU.

    Suppression follows ``NonMaximumSuppression.proto`` of coremltools: boxes below the confidence threshold go, those
    that are left are taken by descending confidence, and suppress others whose IoU is greater than the threshold, of
    the same class (argmax of the confidence) where it says so. Boxes of equal confidence keep their order, and a box's
    confidence is its best: the specification leaves both open.

    Raises:
        ModelFileError: the file is damaged, or a pipeline of other models.
        UnsupportedOpError: an operation is refused.
    """

    def __init__(self, pipeline: Pipeline, precision: Precision = "declared") -> None:
        self.program = ReferenceModel(pipeline.program, precision)
        self._suppression, self._most = pipeline.suppression, pipeline.most

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Of the columns of the confidence."""
        return tuple(self._suppression.stringClassLabels.vector)

    def predict(self, data: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Confidence (rows, classes) and coordinates (rows, 4) of the boxes that are left, the best first.

        Args:
            data: inputs of the program, and thresholds other than the file's by their names.
        """
        asked = self._suppression
        names = asked.iouThresholdInputFeatureName, asked.confidenceThresholdInputFeatureName
        iou, confidence = data.get(names[0], asked.iouThreshold), data.get(names[1], asked.confidenceThreshold)
        found = self.program.predict({name: value for name, value in data.items() if name not in names})
        scores, boxes = (
            torch.from_numpy(np.asarray(found[name], np.float32))
            for name in (asked.confidenceInputFeatureName, asked.coordinatesInputFeatureName)
        )
        kept = picked(boxes, scores, float(iou), float(np.float32(confidence)), self._most, asked.pickTop.perClass)
        return {
            asked.confidenceOutputFeatureName: scores[kept].numpy(),
            asked.coordinatesOutputFeatureName: boxes[kept].numpy(),
        }
