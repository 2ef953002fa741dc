"""Reads an ML program through coremltools' own loader."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.inspection import Inspection, OpFact, TensorFact, WeightFact, WeightKind
from exporter.data.settings.flexible import Flexible
from exporter.execution.heavy import load, quiet
from exporter.formats.common.bytes.values import distinct, nonzeros
from exporter.formats.common.pictures import read
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.inspection.values import (
    dtype_name,
    is_constant,
    quantization_words,
    stored_bytes,
    stored_form,
    values_of,
    variables,
)
from exporter.formats.coreml.walk import operations
from exporter.store.digests import tree_size

IMAGES = "com.github.mobile-export.images"
"""Key of what says how pictures become inputs (`exporter.formats.common.pictures`)."""
WEIGHTS_FOLDER = Path("Data/com.apple.CoreML/weights")
LEAST_CONSTANT = 16
"""Integer constants of fewer elements are parameters of operators (strides, axes), not weights."""

_WEIGHT_PARAMETERS = {"weight", "weight_ih", "weight_hh"}
_BIAS_PARAMETERS = {"bias", "beta", "gamma"}


def inspect_coreml(path: Path) -> Inspection:
    """The facts of a Core ML ML program.

    Raises:
        UsageProblem: not an ML program, or damaged.
    """
    spec, program = load_program(path)
    ops: list[OpFact] = []
    weights: list[WeightFact] = []
    seen: set[str] = set()
    for function in program.functions.values():
        for op in operations(function):
            if op.op_type == "const" or op.op_type.startswith("constexpr_"):
                continue
            ops.append(OpFact(name=op.name, type=op.op_type, dtype=_compute_dtype(op)))
            weights += _weights_of(op, seen)
    ops += _models_behind(spec)
    pictures = read(spec.description.metadata.userDefined.get(IMAGES, ""))
    return Inspection(
        path=str(path),
        format="coreml",
        size_bytes=tree_size(path),
        inputs=tuple(
            _feature(feature).model_copy(update={"picture": pictures.get(feature.name)})
            for feature in spec.description.input
        ),
        outputs=tuple(_feature(feature) for feature in spec.description.output),
        ops=tuple(ops),
        weights=tuple(weights),
        metadata=_metadata(spec),
    )


def _models_behind(spec: Any) -> list[OpFact]:
    """Of a pipeline the models behind its program, each as one operation."""
    kinds = [model.WhichOneof("Type") for model in spec.pipeline.models[1:]] if spec.HasField("pipeline") else []
    return [OpFact(name=kind, type=kind, dtype="float32") for kind in kinds]


def load_program(path: Path) -> tuple[Any, Any]:
    """The protobuf specification and the MIL program of a package or file.

    Raises:
        UsageProblem: not there, not an ML program, or damaged.
    """
    coremltools = load_coremltools()
    try:
        with quiet():
            spec = coremltools.utils.load_spec(str(path))
    except Exception as error:
        raise UsageProblem(f"{path} is not a readable Core ML model: {first_line(error)}") from error
    inner = ml_program_of(spec)
    if inner is None:
        raise UsageProblem(
            f"{path} holds a {spec.WhichOneof('Type')}, not an ML program. "
            "Convert it with minimum_deployment_target iOS 15 or newer to have one."
        )
    try:
        return spec, load_spec(inner, path / WEIGHTS_FOLDER)
    except Exception as error:
        raise UsageProblem(f"{path} is damaged: {first_line(error)}") from error


def ml_program_of(spec: Any) -> Any | None:
    """The specification of the ML program that a model is, or that a pipeline begins with; None where there is none."""
    if spec.WhichOneof("Type") == "pipeline" and spec.pipeline.models:
        spec = spec.pipeline.models[0]
    return spec if spec.WhichOneof("Type") == "mlProgram" else None


def load_spec(spec: Any, weights: Path) -> Any:
    """The MIL program of an ML program's specification, its weights read from the folder `weights`."""
    loader = load("coremltools.converters.mil.frontend.milproto.load")
    with quiet():
        return loader.load(spec, specification_version=spec.specificationVersion, file_weights_dir=str(weights))


def _compute_dtype(op: Any) -> str:
    """The type that an operation computes in: int8 where all its moving inputs are dequantized just before it."""
    moving = [variable for variable in variables(op) if variable.op is None or not is_constant(variable.op)]
    if moving and op.op_type != "dequantize" and all(item.op and item.op.op_type == "dequantize" for item in moving):
        return "int8"
    return dtype_name(op.outputs[0]) if op.outputs else "none"


def _weights_of(op: Any, seen: set[str]) -> Iterator[WeightFact]:
    for parameter, value in op.inputs.items():
        for variable in value if isinstance(value, list | tuple) else (value,):
            if variable is None or variable.op is None or not is_constant(variable.op) or variable.op.name in seen:
                continue
            fact = _weight(variable, op, parameter)
            if fact is not None:
                seen.add(variable.op.name)
                yield fact


def _weight(variable: Any, user: Any, parameter: str) -> WeightFact | None:
    constant = variable.op
    values = values_of(variable)
    small = values.size < LEAST_CONSTANT and (values.dtype.kind != "f" or values.size < 2)
    if small or values.dtype.kind not in "fiub":
        return None
    size = stored_bytes(constant)
    return WeightFact(
        name=constant.name,
        layer=user.name,
        kind=_kind(user, parameter),
        op_type=user.op_type,
        dtype=dtype_name(stored_form(variable)),
        shape=tuple(int(extent) for extent in values.shape),
        parameters=int(values.size),
        size_bytes=size,
        nonzeros=nonzeros(values),
        distinct=distinct(values),
        quantization=quantization_words(constant),
        bits_per_weight=8 * size / values.size if values.size else 0.0,
    )


def _kind(user: Any, parameter: str) -> WeightKind:
    if parameter in _WEIGHT_PARAMETERS or (user.op_type in ("matmul", "gather", "einsum") and parameter != "indices"):
        return "weight"
    return "bias" if parameter in _BIAS_PARAMETERS else "constant"


def _feature(feature: Any) -> TensorFact:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        space = {10: "grayscale", 20: "RGB", 30: "BGR", 40: "grayscale float16"}.get(image.colorSpace, "?")
        sizes = (image.height, image.width)
        return TensorFact(name=feature.name, dtype=f"image {space}", shape=sizes, flexible=_sizes(image))
    if kind == "multiArrayType":
        array = feature.type.multiArrayType
        names = {65568: "float32", 65552: "float16", 65600: "float64", 131104: "int32"}
        return TensorFact(
            name=feature.name, dtype=names.get(array.dataType, "?"), shape=tuple(array.shape), flexible=_shapes(array)
        )
    return TensorFact(name=feature.name, dtype=str(kind).removesuffix("Type"), shape=())


def _sizes(image: Any) -> Flexible | None:
    """Height and width that an image may have; None where it has one size."""
    match image.WhichOneof("SizeFlexibility"):
        case "enumeratedSizes":
            return Flexible(shapes=tuple((size.height, size.width) for size in image.enumeratedSizes.sizes))
        case "imageSizeRange":
            both = (image.imageSizeRange.heightRange, image.imageSizeRange.widthRange)
            return Flexible(ranges=tuple((size.lowerBound, size.upperBound) for size in both))
    return None


def _shapes(array: Any) -> Flexible | None:
    """Shapes that a multi-array may have; None where it has one, and for an output whose shape nothing tells."""
    match array.WhichOneof("ShapeFlexibility"):
        case "enumeratedShapes":
            return Flexible(shapes=tuple(tuple(one.shape) for one in array.enumeratedShapes.shapes))
        case "shapeRange":
            sizes = array.shapeRange.sizeRanges
            return Flexible(ranges=tuple((size.lowerBound, size.upperBound) for size in sizes))
    return None


def _metadata(spec: Any) -> dict[str, str]:
    own = spec.description.metadata
    facts = {
        "specification_version": str(spec.specificationVersion),
        "author": own.author,
        "license": own.license,
        "version": own.versionString,
        "description": own.shortDescription,
    }
    prefix = "com.github.apple.coremltools."
    others = {key: value for key, value in own.userDefined.items() if key != IMAGES}
    facts.update({"coremltools_" + key.removeprefix(prefix): value for key, value in others.items()})
    return {key: value for key, value in facts.items() if value}
