"""A TFLite artifact whose outputs were computed elsewhere."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.formats.format import Origin
from exporter.formats.tflite.postprocessing.detections import detection_outputs
from exporter.formats.tflite.runner import Arrays, Given, LiteRTRunner


class AnsweredRunner(LiteRTRunner):
    """Implements `Answered` for LiteRT: inputs and outputs are converted here, and computed where `learn` says."""

    def __init__(self, path: Path, origin: Origin) -> None:
        """As `LiteRTRunner`."""
        super().__init__(path, origin.description, output_shapes=origin.output_shapes)
        self._answers: dict[str, Mapping[str, NDArray[Any]]] = {}

    def encoded(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """See `Answered.encoded`."""
        given = self._given(inputs)
        for detail, value in given:
            if value.shape != tuple(detail["shape"]):
                raise ToolError(
                    f"{self.path}: input {detail['name']} takes {list(detail['shape'])} until it is resized, which the "
                    f"runner on devices does not do; the data has {list(value.shape)}."
                )
        return {detail["name"]: value for detail, value in given}

    def computed_here(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """See `Answered.computed_here`."""
        with self._one_at_a_time:
            found = super()._invoke(self._given(inputs))
        return {detail["name"]: value.copy() for detail, value in zip(self.outputs, found, strict=True)}

    def learn(self, inputs: Arrays, outputs: Mapping[str, NDArray[Any]]) -> None:
        """See `Answered.learn`."""
        missing = [detail["name"] for detail in self.outputs if detail["name"] not in outputs]
        if missing:
            raise ToolError(f"the device gave no output {missing[0]!r} of {self.path}.")
        self._answers[_key(self._given(inputs))] = outputs

    def _invoke(self, given: Given) -> list[NDArray[Any]]:
        answer = self._answers[_key(given)]
        return [answer[detail["name"]] for detail in self.outputs]


def answered_runner(path: Path, origin: Origin) -> AnsweredRunner:
    """See `Format.answered`."""
    if detection_outputs(path):
        raise ToolError(f"{path} decodes and suppresses detections itself; such outputs are not compared on devices.")
    return AnsweredRunner(path, origin)


def _key(given: Given) -> str:
    digest = hashlib.sha256()
    for _, value in given:
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
