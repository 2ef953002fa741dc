"""ONNX files as an app calls them: ONNX Runtime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.data.errors import ToolError, first_line
from exporter.data.facts.handoff import Language
from exporter.execution.heavy import load
from exporter.formats.files import check_whole
from exporter.formats.handoff import AppRuntime, OwnRuntime, Port, known_shape
from exporter.formats.onnx.metadata import labels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANDROID, APPLE = "1.23.0", "1.20.0"
_TYPES = {"float": "float32", "double": "float64"}


class OnnxRuntimeSupport:
    """Implements `HandoffSupport`."""

    @property
    def apps(self) -> Mapping[Language, AppRuntime]:
        """Android's and Apple's packages; the unit test of Kotlin runs the file itself."""
        folder, group = Path(__file__).parent, "com.microsoft.onnxruntime"
        return {
            "kotlin": AppRuntime(
                "ONNX Runtime",
                f"{group}:onnxruntime-android",
                ANDROID,
                "MIT",
                folder / "Engine.kt.jinja",
                jvm=f"{group}:onnxruntime",
            ),
            "swift": AppRuntime(
                "ONNX Runtime",
                "https://github.com/microsoft/onnxruntime-swift-package-manager",
                APPLE,
                "MIT",
                folder / "Engine.swift.jinja",
                product="onnxruntime",
            ),
        }

    def open(self, path: Path) -> OwnRuntime:
        """A file in ONNX Runtime."""
        return OnnxRuntime(path)


class OnnxRuntime:
    """Implements `OwnRuntime`."""

    def __init__(self, path: Path) -> None:
        check_whole(path)
        onnxruntime = load("onnxruntime")
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own exceptions share no base
            raise ToolError(f"{path} does not load in ONNX Runtime: {first_line(error)}") from error
        self._path = path
        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        self.inputs = tuple(map(_port, self._session.get_inputs()))
        self.outputs = tuple(_open_port(value) for value in self._session.get_outputs())
        self.labels = labels_of(path)

    def __call__(self, inputs: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
        """Its outputs for its inputs."""
        given = {port.name: value for port, value in zip(self.inputs, inputs, strict=True)}
        try:
            return list(self._session.run(None, given))
        except Exception as error:
            raise ToolError(f"{self._path} does not run in ONNX Runtime: {first_line(error)}") from error


def _port(value: Any) -> Port:
    found = _open_port(value)
    return Port(found.name, found.dtype, known_shape(found.name, found.shape))


def _open_port(value: Any) -> Port:
    """An output's open dimensions are what its values show."""
    name = str(value.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in value.shape)
    return Port(value.name, _TYPES.get(name, name), shape)


SUPPORT = OnnxRuntimeSupport()
