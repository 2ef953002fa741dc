"""Runs an ONNX file in ONNX Runtime, as its source would be run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import NotEvaluableError, ToolError, first_line
from exporter.data.facts.source import InputSpec
from exporter.datasets.images import pixels_of, whole_pixels
from exporter.datasets.layout import arranged, fits_exactly, whole
from exporter.execution.heavy import load
from exporter.formats.common.one_by_one import OneByOne
from exporter.formats.common.pictures import read
from exporter.formats.common.ports import Pairing, Port, Shape, source_outputs, source_port
from exporter.formats.files import check_whole
from exporter.formats.format import Origin
from exporter.formats.onnx.keys import IMAGES

_TYPES = {"float": "float32", "double": "float64"}


class OnnxRunner(OneByOne):
    """An ONNX artifact that anyone made.

    Args:
        path: of the file.
        origin: the source.

    Attributes:
        outputs: names of its outputs, in the order of the source's.

    Raises:
        UsageProblem: the file is damaged, or its inputs and outputs are not the source's.
        NotEvaluableError: ONNX Runtime here does not know an operator, or a form of one.
        ToolError: it does not load.
    """

    def __init__(self, path: Path, origin: Origin) -> None:
        check_whole(path)
        onnxruntime = load("onnxruntime")
        self.path, self.description = path, origin.description
        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        self._session = _session(onnxruntime, path)
        given, wanted = self._session.get_inputs(), self._session.get_outputs()
        places = Pairing(path, "input").match(
            [source_port(spec) for spec in self.description.inputs], [_port(value) for value in given]
        )
        self._inputs = [given[place] if place >= 0 else None for place in places]
        self._pictures = read(self._session.get_modelmeta().custom_metadata_map.get(IMAGES, ""))
        ports = [_port(value) for value in wanted]
        source = source_outputs(self.description, ports, origin.output_shapes)
        self.outputs = [wanted[place].name for place in Pairing(path, "output").match(source, ports)]

    def __call__(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs for a batch of the artifact's size."""
        try:
            return [np.asarray(value) for value in self._session.run(self.outputs, self.fitted(inputs))]
        except ToolError:
            raise
        except Exception as error:  # ONNX Runtime's own exceptions share no base
            raise ToolError(f"{self.path} does not run in ONNX Runtime: {first_line(error)}") from error

    @property
    def takes_pictures(self) -> bool:
        """Whether an image input takes bytes, which hold whole pixels."""
        pairs = zip(self._inputs, self.description.inputs, strict=True)
        return any(value is not None and _takes_bytes(spec, value) for value, spec in pairs)

    def held(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """A batch as the artifact can hold it: whole pixels where it takes bytes."""
        pairs = zip(self._inputs, self.description.inputs, inputs, strict=True)
        return [
            whole_pixels(given, spec) if value is not None and _takes_bytes(spec, value) else given
            for value, spec, given in pairs
        ]

    def fitted(self, inputs: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """A batch as the artifact takes it, by its names."""
        pairs = zip(self._inputs, self.description.inputs, inputs, strict=True)
        return {value.name: self._fit(given, spec, value) for value, spec, given in pairs if value is not None}

    def _fit(self, given: NDArray[Any], spec: InputSpec, value: Any) -> NDArray[Any]:
        kind, shape = np.dtype(_dtype(value)), _shape(value)
        if _takes_bytes(spec, value):
            picture = self._pictures.get(value.name)
            given = pixels_of(given, spec, None if picture is None else picture.color)
        given = arranged(given, spec, shape)
        if not fits_exactly(given.shape, shape):
            raise ToolError(
                f"{self.path}: input {value.name} takes {list(shape)} and was given {list(given.shape)} for the "
                f"source's {spec.name}."
            )
        return given.astype(kind) if kind.kind in "fc" else whole(given, kind.type, value.name)


def _takes_bytes(spec: InputSpec, value: Any) -> bool:
    """Whether an image input takes pixels as bytes, and its source floats."""
    return _dtype(value) == "uint8" and spec.image is not None and spec.dtype != "uint8"


def _session(onnxruntime: Any, path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    # Fused int8 kernels of x86 processors saturate sums of products, which those of phones do not.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own exceptions share no base
        unknown = any(words in str(error) for words in ("NOT_IMPLEMENTED", "is not a registered function/op"))
        kind = NotEvaluableError if unknown else ToolError
        raise kind(f"{path} does not load in ONNX Runtime: {first_line(error)}") from error


def _port(value: Any) -> Port:
    return Port((value.name,), _shape(value), _dtype(value))


def _shape(value: Any) -> Shape:
    """Dimensions that the file leaves open are -1."""
    return tuple(size if isinstance(size, int) and size > 0 else -1 for size in value.shape)


def _dtype(value: Any) -> str:
    """``tensor(float)`` -> ``float32``."""
    name = str(value.type).removeprefix("tensor(").removesuffix(")")
    return _TYPES.get(name, name)
