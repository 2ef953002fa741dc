"""TFLite files as an app calls them: LiteRT's Interpreter."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.handoff import Language
from exporter.execution.heavy import load, quiet
from exporter.formats.files import check_whole
from exporter.formats.handoff import AppRuntime, OwnRuntime, Port, known_shape
from exporter.formats.tflite.inspection.file_facts import embedded_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANDROID = "2.1.0"
"""The version of the migration guide of LiteRT (2026), whose `org.tensorflow.lite.Interpreter` the engine calls."""


class LiteRtSupport:
    """Implements `HandoffSupport`."""

    @property
    def apps(self) -> Mapping[Language, AppRuntime]:
        """Android's alone: LiteRT has no Swift package of its makers'."""
        engine = Path(__file__).with_name("Engine.kt.jinja")
        return {"kotlin": AppRuntime("LiteRT", "com.google.ai.edge.litert:litert", ANDROID, "Apache-2.0", engine)}

    def open(self, path: Path) -> OwnRuntime:
        """A file in LiteRT."""
        return LiteRt(path)


class LiteRt:
    """Implements `OwnRuntime`."""

    def __init__(self, path: Path) -> None:
        check_whole(path)
        interpreter = load("ai_edge_litert.interpreter")
        try:
            with quiet():
                self._model = interpreter.Interpreter(str(path), num_threads=1)
                self._model.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{path} does not load in LiteRT: {first_line(error)}") from error
        self._path = path
        self.name = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"
        self.inputs = tuple(map(_port, self._model.get_input_details()))
        self.outputs = tuple(map(_port, self._model.get_output_details()))
        self.labels = embedded_labels(path)

    def __call__(self, inputs: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
        """Its outputs for its inputs."""
        try:
            for detail, value in zip(self._model.get_input_details(), inputs, strict=True):
                self._model.set_tensor(detail["index"], value)
            self._model.invoke()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{self._path} does not run in LiteRT: {first_line(error)}") from error
        return [self._model.get_tensor(detail["index"]).copy() for detail in self._model.get_output_details()]


def _port(detail: dict[str, Any]) -> Port:
    numpy = load("numpy")
    signature = detail["shape_signature"]
    shape = known_shape(detail["name"], [int(size) for size in (signature if len(signature) else detail["shape"])])
    scale, zero = detail["quantization"]
    return Port(detail["name"], numpy.dtype(detail["dtype"]).name, shape, float(scale), int(zero))


SUPPORT = LiteRtSupport()
