"""Reads an ML program through coremltools' own loader."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exporter.artifacts.digests import tree_size
from exporter.errors import UsageProblem, first_line
from exporter.heavy import load, load_coremltools, quiet
from exporter.inspection.facts import Inspection, OpFact, TensorFact, WeightFact, WeightKind
from exporter.inspection.values import distinct, nonzeros

WEIGHTS_FOLDER = Path("Data/com.apple.CoreML/weights")
LEAST_CONSTANT = 16
"""Integer constants of fewer elements are parameters of operators (strides, axes), not weights."""

_NAMES = {"fp16": "float16", "fp32": "float32", "fp64": "float64"}
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
        for op in walk(function):
            if op.op_type == "const" or op.op_type.startswith("constexpr_"):
                continue
            ops.append(OpFact(name=op.name, type=op.op_type, dtype=_compute_dtype(op)))
            weights += _weights_of(op, seen)
    return Inspection(
        path=str(path),
        format="coreml",
        size_bytes=tree_size(path),
        inputs=tuple(_feature(feature) for feature in spec.description.input),
        outputs=tuple(_feature(feature) for feature in spec.description.output),
        ops=tuple(ops),
        weights=tuple(weights),
        metadata=_metadata(spec),
    )


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
    if spec.WhichOneof("Type") != "mlProgram":
        raise UsageProblem(
            f"{path} holds a {spec.WhichOneof('Type')}, not an ML program. "
            "Convert it with minimum_deployment_target iOS 15 or newer to have one."
        )
    try:
        return spec, load_spec(spec, path / WEIGHTS_FOLDER)
    except Exception as error:
        raise UsageProblem(f"{path} is damaged: {first_line(error)}") from error


def load_spec(spec: Any, weights: Path) -> Any:
    """The MIL program of an ML program's specification, its weights read from the folder `weights`."""
    loader = load("coremltools.converters.mil.frontend.milproto.load")
    with quiet():
        return loader.load(spec, specification_version=spec.specificationVersion, file_weights_dir=str(weights))


def walk(block: Any) -> Iterator[Any]:
    """Every operation of a block and of the blocks inside it, in order."""
    for op in block.operations:
        yield op
        for inner in op.blocks:
            yield from walk(inner)


def dtype_name(variable: Any) -> str:
    """Element type of a MIL variable: ``float16``, ``uint4``, ``string``, ..."""
    types = load("coremltools.converters.mil.mil").types
    kind = variable.sym_type
    primitive = kind.get_primitive() if types.is_tensor(kind) else kind
    name = str(types.builtin_to_string(primitive))
    return _NAMES.get(name, name)


def _compute_dtype(op: Any) -> str:
    """The type that an operation computes in: int8 where all its moving inputs are dequantized just before it."""
    moving = [variable for variable in _variables(op) if variable.op is None or not _is_constant(variable.op)]
    if moving and op.op_type != "dequantize" and all(item.op and item.op.op_type == "dequantize" for item in moving):
        return "int8"
    return dtype_name(op.outputs[0]) if op.outputs else "none"


def _variables(op: Any) -> Iterator[Any]:
    for value in op.inputs.values():
        yield from value if isinstance(value, list | tuple) else (value,)


def _is_constant(op: Any) -> bool:
    return bool(op.op_type == "const" or op.op_type.startswith("constexpr_"))


def _weights_of(op: Any, seen: set[str]) -> Iterator[WeightFact]:
    for parameter, value in op.inputs.items():
        for variable in value if isinstance(value, list | tuple) else (value,):
            if variable.op is not None and _is_constant(variable.op) and variable.op.name not in seen:
                fact = _weight(variable.op, op, parameter)
                if fact is not None:
                    seen.add(variable.op.name)
                    yield fact


def _weight(constant: Any, user: Any, parameter: str) -> WeightFact | None:
    values = constant.outputs[0].val if constant.op_type == "const" else constant.materialized_val_inference()
    values = np.asarray(values)
    small = values.size < LEAST_CONSTANT and (values.dtype.kind != "f" or values.size < 2)
    if small or values.dtype.kind not in "fiu":
        return None
    stored = constant.outputs[0] if constant.op_type == "const" else _main_input(constant)
    size = _stored_bits(constant) // 8
    return WeightFact(
        name=constant.name,
        layer=user.name,
        kind=_kind(user, parameter),
        op_type=user.op_type,
        dtype=dtype_name(stored),
        shape=tuple(int(extent) for extent in values.shape),
        parameters=int(values.size),
        size_bytes=size,
        nonzeros=nonzeros(values),
        distinct=distinct(values),
        quantization=_quantization(constant),
        bits_per_weight=8 * size / values.size,
    )


def _kind(user: Any, parameter: str) -> WeightKind:
    if parameter in _WEIGHT_PARAMETERS or (user.op_type in ("matmul", "gather", "einsum") and parameter != "indices"):
        return "weight"
    return "bias" if parameter in _BIAS_PARAMETERS else "constant"


def _main_input(constant: Any) -> Any:
    """The stored data of a ``constexpr_`` operation: its indices, quantized data, or non-zero values."""
    for name in ("indices", "quantized_data", "data", "indices_nonzero_data", "nonzero_data"):
        variable = constant.inputs.get(name)
        if variable is not None:
            return variable if variable.op.op_type == "const" else _main_input(variable.op)
    return constant.outputs[0]


def _stored_bits(op: Any) -> int:
    """Bits of an operation's stored inputs; of a const, its own."""
    if op.op_type == "const":
        variable = op.outputs[0]
        return int(np.asarray(variable.val).size) * _bits(dtype_name(variable))
    return sum(_stored_bits(variable.op) for variable in _variables(op) if variable.op is not None)


def _bits(dtype: str) -> int:
    digits = "".join(character for character in dtype if character.isdigit())
    return int(digits) if digits else 8


def _quantization(constant: Any) -> str:
    if constant.op_type == "const":
        return "none"
    chain = {constant.op_type} | {item.op.op_type for item in _variables(constant) if item.op is not None}
    words = ["sparse"] if any("sparse" in name for name in chain) else []
    if any("lut" in name for name in chain):
        words.append("palettized")
    for op in [constant, *(item.op for item in _variables(constant) if item.op is not None)]:
        if op.inputs.get("scale") is not None and "lut" not in op.op_type:
            words.append(f"linear {_granularity(op, constant.outputs[0].shape)}")
            break
    return " ".join(words) or constant.op_type


def _granularity(op: Any, dense: Sequence[int]) -> str:
    scale = np.asarray(op.inputs["scale"].val)
    if scale.size == 1:
        return "per_tensor"
    blocks = scale.ndim == len(dense) and any(1 < size < full for size, full in zip(scale.shape, dense, strict=True))
    return "per_block" if blocks else "per_channel"


def _feature(feature: Any) -> TensorFact:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        space = {10: "grayscale", 20: "RGB", 30: "BGR", 40: "grayscale float16"}.get(image.colorSpace, "?")
        return TensorFact(name=feature.name, dtype=f"image {space}", shape=(image.height, image.width))
    if kind == "multiArrayType":
        array = feature.type.multiArrayType
        names = {65568: "float32", 65552: "float16", 65600: "float64", 131104: "int32"}
        return TensorFact(name=feature.name, dtype=names.get(array.dataType, "?"), shape=tuple(array.shape))
    return TensorFact(name=feature.name, dtype=str(kind).removesuffix("Type"), shape=())


def _metadata(spec: Any) -> dict[str, str]:
    own = spec.description.metadata
    facts = {
        "specification_version": str(spec.specificationVersion),
        "author": own.author, "license": own.license, "version": own.versionString, "description": own.shortDescription,
    }  # fmt: skip
    prefix = "com.github.apple.coremltools."
    facts.update({"coremltools_" + key.removeprefix(prefix): value for key, value in own.userDefined.items()})
    return {key: value for key, value in facts.items() if value}
