"""Core ML packages as an app calls them; here in the reference evaluator, as everywhere in this program."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.data.errors import UsageProblem
from exporter.data.facts.handoff import Language
from exporter.execution.heavy import load
from exporter.formats.files import check_whole
from exporter.formats.handoff import AppRuntime, OwnRuntime, Port, known_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.formats.coreml.reference import Feature


class CoremlSupport:
    """Implements `HandoffSupport`."""

    @property
    def apps(self) -> Mapping[Language, AppRuntime]:
        """Apple's own framework, which every app has."""
        engine = Path(__file__).with_name("Engine.swift.jinja")
        return {"swift": AppRuntime("Core ML", "", "of the system", "part of the system", engine)}

    def open(self, path: Path) -> OwnRuntime:
        """A package in the reference evaluator."""
        return Coreml(path)


class Coreml:
    """Implements `OwnRuntime`. The probabilities of a classifier are one output, in the order of its classes."""

    name = "Core ML reference evaluator"

    def __init__(self, path: Path) -> None:
        from exporter.formats.coreml.reference import ReferenceModel
        from exporter.formats.coreml.reference.pipeline import read_pipeline

        check_whole(path)
        if read_pipeline(path) is not None:
            raise UsageProblem(
                f"{path} is a pipeline, for which no hand-off is made. Give a target without suppression."
            )
        self._model = ReferenceModel(path)
        if self._model.states:
            raise UsageProblem(f"{path} keeps states from call to call, for which no hand-off is made.")
        self.inputs = tuple(map(_input, self._model.inputs))
        classes = () if self._model.classifier is None else self._model.classifier.labels
        self._classes = classes
        self.labels = tuple(map(str, classes))
        self._results = [feature for feature in self._model.outputs if feature.kind != "label"]
        self.outputs = tuple(_output(feature, len(classes)) for feature in self._results)

    def __call__(self, inputs: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
        """Its outputs for its inputs."""
        pairs = zip(self._model.inputs, inputs, strict=True)
        found = self._model.predict({feature.name: _given(feature, value) for feature, value in pairs})
        return [self._array(found[feature.name]) for feature in self._results]

    def _array(self, value: Any) -> "NDArray[Any]":
        numpy = load("numpy")
        if isinstance(value, dict):
            return numpy.asarray([[value[name] for name in self._classes]], numpy.float32)  # type: ignore[no-any-return]
        return numpy.asarray(value, numpy.float32 if numpy.asarray(value).dtype.kind == "f" else None)  # type: ignore[no-any-return]


def _input(feature: "Feature") -> Port:
    shape = known_shape(feature.name, feature.flexible_shape() or feature.shape)
    if feature.kind != "image":
        assert feature.dtype is not None
        return Port(feature.name, feature.dtype.array.__name__, shape)
    _, channels, height, width = shape
    return Port(feature.name, "uint8", (1, height, width, channels), is_picture=True)


def _output(feature: "Feature", classes: int) -> Port:
    if feature.kind == "probabilities":
        return Port(feature.name, "float32", (1, classes))
    return Port(feature.name, "float32" if feature.dtype is None else feature.dtype.array.__name__, feature.shape)


def _given(feature: "Feature", value: "NDArray[Any]") -> Any:
    """A picture's bytes (1, height, width, channels), in RGB, as the image that Core ML is handed."""
    if feature.kind != "image":
        return value
    pixels = value[0, :, :, 0] if value.shape[-1] == 1 else value[0]
    image = load("PIL.Image").fromarray(pixels)
    return image.convert("F") if feature.colour == "F" else image


SUPPORT = CoremlSupport()
