"""`path/to/file.onnx`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.execution.heavy import load
from exporter.sources.inputs import input_specs
from exporter.sources.labels import Names, given_names
from exporter.sources.sizes import try_sizes
from exporter.sources.source import ModelSource, Source
from exporter.store.given import given_digest

DTYPES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64"}
"""Of inputs that can be converted, by ONNX's element type."""


class Onnx:
    """An ONNX file, which has no module."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Read the file."""
        return _load(spec, settings)

    def files(self, spec: str) -> Sequence[Path]:
        """The file, and those beside it that hold its larger tensors."""
        return files_of_model(Path(spec))


SOURCE: Source = Onnx()


def _load(spec: str, settings: ModelSettings) -> ModelSource:
    path = Path(spec)
    model = read_model(path)
    known = input_settings(model, spec, settings)
    if settings.layout is None and any(image_layout(item.example) == "NHWC" for item in known):
        settings = settings.model_copy(update={"layout": "NHWC"})
    inputs = input_specs(spec, settings.model_copy(update={"inputs": ()}), known, None)
    outputs = tuple(value.name for value in model.graph.output)
    shapes = output_shapes(model, path, inputs)
    try_sizes(inputs, lambda sized: _run_on_least(path, sized), len(shapes), spec)
    has_task = settings.task is not None
    names = given_names(settings.labels, outputs[0], shapes[0], has_task=has_task) if settings.labels else Names()
    digest = hashlib.sha256("\0".join(item.model_dump_json() for item in inputs).encode())
    digest.update("".join(given_digest(file) for file in files_of_model(path)).encode())
    arrays = [value for _, value in weights(model)]
    description = SourceDescription(
        spec=spec,
        kind=SourceKind.ONNX,
        digest=digest.hexdigest(),
        inputs=inputs,
        outputs=outputs,
        output_shapes=shapes,
        labels=names.labels,
        classes=names.classes,
        parameters=sum(value.size for value in arrays),
        size_bytes=sum(value.nbytes for value in arrays),
    )
    return ModelSource(description, settings, None, path)


def files_of_model(path: Path) -> list[Path]:
    """The file itself, and those beside it that hold its larger tensors."""
    onnx = load("onnx")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # noqa: BLE001 - whoever loads it says what is wrong with it
        return [path]
    places = {
        entry.value
        for tensor in onnx.external_data_helper._get_all_tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path, *(file for place in sorted(places) if (file := path.parent / place).is_file())]


def read_model(path: Path) -> Any:
    """The checked model of a file.

    Raises:
        UsageProblem: it is none, or has weights that are not finite.
    """
    onnx = load("onnx")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(str(path))
    except Exception as error:
        raise UsageProblem(f"model {path} is not a readable ONNX file: {first_line(error)}") from error
    bad = [name for name, value in weights(model) if value.dtype.kind == "f" and not np.isfinite(value).all()]
    if bad:
        raise UsageProblem(f"model {path} has weights that are NaN or infinite: {', '.join(bad[:3])}.")
    return model


def weights(model: Any) -> list[tuple[str, Any]]:
    """Initializers by name, as arrays."""
    from onnx import numpy_helper

    return [(item.name, numpy_helper.to_array(item)) for item in model.graph.initializer]


def input_settings(model: Any, spec: str, settings: ModelSettings) -> tuple[InputSettings, ...]:
    """Names, shapes and element types of the inputs, the user's shapes in place of dynamic ones.

    Raises:
        UsageProblem: a dimension is not known, or an element type cannot be converted.
    """
    initializers = {item.name for item in model.graph.initializer}
    values = [value for value in model.graph.input if value.name not in initializers]
    given = {item.name: item for item in settings.inputs}
    if len(values) == len(settings.inputs) == 1:
        given = {values[0].name: settings.inputs[0]}
    unknown = given.keys() - {value.name for value in values}
    if unknown:
        names = ", ".join(value.name for value in values)
        raise UsageProblem(f"model {spec} has no input {', '.join(sorted(unknown))}; its inputs are {names}.")
    return tuple(_input(value, spec, given.get(value.name)) for value in values)


def _input(value: Any, spec: str, given: InputSettings | None) -> InputSettings:
    kind = value.type.tensor_type
    dims = [dim.dim_value if dim.dim_value > 0 else (1 if axis == 0 else 0) for axis, dim in enumerate(kind.shape.dim)]
    shape = tuple(dims) if given is None else given.example
    if 0 in shape:
        raise UsageProblem(
            f"model {spec}: input {value.name} has dynamic dimensions {dims}; "
            f"fix them with --input-shape {value.name}=1,3,224,224, or say what they may be: 128..512."
        )
    dtype = DTYPES.get(kind.elem_type)
    if dtype is None or (dtype == "uint8" and image_layout(shape) is None):
        raise UsageProblem(
            f"model {spec}: input {value.name} takes {_type_name(kind.elem_type)}; float32, int32, int64 and images of "
            "uint8 can be converted. Give the model one of these and a Cast to what it takes."
        )
    sizes = shape if given is None else given.shape
    return InputSettings.model_validate({"name": value.name, "shape": sizes, "dtype": dtype})


def image_layout(shape: Sequence[int]) -> str | None:
    """``NHWC`` or ``NCHW`` where `shape` can be an image's; TensorFlow's models have their channels last."""
    if len(shape) != 4:
        return None
    if shape[1] in (1, 3):
        return "NCHW"
    return "NHWC" if shape[3] in (1, 3) else None


def output_shapes(model: Any, path: Path, inputs: Sequence[InputSpec]) -> tuple[tuple[int, ...], ...]:
    """As the file says them, or where it does not, as running it gives them.

    Raises:
        UsageProblem: the model does not run on inputs of these shapes.
    """
    shapes = [tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in model.graph.output]
    static = all(shape and min(shape) > 0 for shape in shapes)
    fixed = [tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in model.graph.input]
    if static and all(spec.shape in fixed for spec in inputs):
        return tuple(shapes)
    try:
        return tuple(tuple(np.shape(result)) for result in _run_on_least(path, inputs))
    except Exception as error:
        given = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in inputs)
        raise UsageProblem(f"model {path} does not run on inputs {given}: {first_line(error)}") from error


def _run_on_least(path: Path, inputs: Sequence[InputSpec]) -> list[Any]:
    """Outputs for zeros, or for ones where integers must be above 0 (lengths)."""
    failures: list[Exception] = []
    for integer in (0, 1):
        try:
            return _run(path, inputs, integer)
        except Exception as error:  # noqa: BLE001 - raised below, when neither runs
            failures.append(error)
    raise failures[0]


def _run(path: Path, inputs: Sequence[InputSpec], integer: int) -> list[Any]:
    """Outputs for zeros, and for `integer` where integers are taken."""
    session = load("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = {spec.name: integer if spec.dtype.startswith("int") else 0 for spec in inputs}
    return list(session.run(None, {spec.name: np.full(spec.shape, values[spec.name], spec.dtype) for spec in inputs}))


def _type_name(number: int) -> str:
    name: str = load("onnx").TensorProto.DataType.Name(number)
    return name.lower()
