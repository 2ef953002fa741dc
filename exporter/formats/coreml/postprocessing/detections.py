"""A pipeline with Core ML's suppression, run as if its outputs were those of other files with suppression."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.reference.dtypes import by_mil_name
from exporter.formats.coreml.reference.features import Feature
from exporter.formats.coreml.reference.pipeline import Pipeline, ReferencePipeline
from exporter.formats.coreml.reference.steps import Precision


@dataclass(frozen=True)
class Detections:
    """Gives boxes (1, M, 4) of corners in pixels, scores (1, M), classes (1, M) and count (1,), padded with zeros.

    Attributes:
        inputs: of the pipeline's program.
        most: M.
        size: width and height of the input, of whose sides coordinates are shares.
    """

    run: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    inputs: list[Feature]
    most: int
    size: tuple[int, int]

    classifier = None
    scalars: frozenset[str] = frozenset()
    together = 1

    @property
    def outputs(self) -> list[Feature]:
        """Of the detections."""
        shapes = {"boxes": (1, self.most, 4), "scores": (1, self.most), "classes": (1, self.most), "count": (1,)}
        kinds = {"classes": "int32", "count": "int32"}
        return [Feature(name, "array", shape, by_mil_name(kinds.get(name, "fp32"))) for name, shape in shapes.items()]

    def predict(self, data: Mapping[str, Any], *_: Any) -> dict[str, NDArray[Any]]:
        """As `ReferenceModel.predict`."""
        found = self.run(data)
        confidence = np.asarray(found["confidence"], np.float32)
        real = confidence.max(1, initial=0) > 0
        confidence, boxes = confidence[real], np.asarray(found["coordinates"], np.float32)[real]
        half = boxes[:, 2:] / 2
        corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], 1) * np.array([*self.size] * 2, np.float32)
        return {
            "boxes": self._padded(corners),
            "scores": self._padded(confidence.max(1, initial=0)),
            "classes": self._padded(confidence.argmax(1).astype(np.int32)),
            "count": np.array([len(confidence)], np.int32),
        }

    def _padded(self, value: NDArray[Any]) -> NDArray[Any]:
        whole = np.zeros((1, self.most, *value.shape[1:]), value.dtype)
        whole[0, : len(value)] = value
        return whole


def detections(path: Path, found: Pipeline, size: tuple[int, int] | None, precision: Precision | None) -> Detections:
    """Runs a pipeline.

    Args:
        size: width and height of the source's picture.
        precision: of the reference evaluator; None for Core ML itself.

    Raises:
        UsageProblem: the source has no picture.
    """
    if size is None:
        raise UsageProblem(f"{path} gives boxes as shares of a picture, and the model has no image input.")
    reference = ReferencePipeline(found, precision or "declared")
    run = reference.predict if precision else load_coremltools().models.MLModel(str(path)).predict
    return Detections(run, reference.program.inputs, found.most, size)
