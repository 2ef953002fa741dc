"""A file with TFLite_Detection_PostProcess, run as if its outputs were those of other files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.common.bytes.damage import mapped
from exporter.formats.common.one_by_one import OneByOne
from exporter.formats.common.ports import Pairing, Port, source_outputs
from exporter.formats.files import check_whole
from exporter.formats.format import Origin
from exporter.formats.tflite.inspection.names import DETECTION_POSTPROCESS
from exporter.formats.tflite.inspection.tables import read_model
from exporter.formats.tflite.runner import LiteRTRunner

_PORTS = (
    Port(("boxes",), None, "float32"),
    Port(("scores",), None, "float32"),
    Port(("classes",), None, "int32"),
    Port(("count",), None, "int32"),
)


def litert_runner(path: Path, origin: Origin) -> ArtifactRunner:
    """Runs a file in LiteRT, its detections as other files give them.

    Raises:
        UsageProblem: the file is damaged, or its inputs and outputs are not the source's.
        ToolError: LiteRT cannot load it.
    """
    check_whole(path)
    names = detection_outputs(path)
    if names:
        return DetectionRunner(path, origin, names)
    return LiteRTRunner(path, origin.description, output_shapes=origin.output_shapes)


class DetectionRunner(OneByOne):
    """Gives boxes (1, M, 4) of corners in pixels, scores (1, M), classes (1, M) and count (1,), padded with zeros.

    Args:
        names: of the file's outputs, in the operator's order.

    Raises:
        UsageProblem: the file's inputs and outputs are not the source's, or that has no image input.
        ToolError: LiteRT cannot load it.
    """

    takes_pictures = False

    def __init__(self, path: Path, origin: Origin, names: Sequence[str]) -> None:
        self._size = _picture(path, origin.description)
        wanted = source_outputs(origin.description, _PORTS, origin.output_shapes)
        self._places = Pairing(path, "output").match(wanted, _PORTS)
        own = origin.description.model_copy(update={"outputs": tuple(names), "output_shapes": ()})
        self._runner = LiteRTRunner(path, own)
        self.name = self._runner.name

    def __call__(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Of one picture."""
        boxes, classes, scores, count = self._runner(inputs)
        corners = boxes[:, :, [1, 0, 3, 2]] * np.array([*self._size] * 2, np.float32)
        results = [corners, scores, *(np.rint(value).astype(np.int32) for value in (classes, count))]
        return [results[place] for place in self._places]


def detection_outputs(path: Path) -> list[str]:
    """Names of the outputs of a file with the operator; none for other files."""
    main = read_model(mapped(path)).graphs[0]
    holds = any(operator.type == DETECTION_POSTPROCESS for operator in main.operators)
    return [main.tensors[index].name for index in main.outputs] if holds and len(main.outputs) == 4 else []


def _picture(path: Path, description: SourceDescription) -> tuple[int, int]:
    """Width and height of the first image input."""
    for spec in description.inputs:
        if spec.image is not None:
            height, width = spec.height_width
            return width, height
    raise UsageProblem(f"{path} gives boxes as shares of a picture, and the model has no image input.")
