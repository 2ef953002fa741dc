"""Damages artifacts in place, their constants, labels or outputs, for `verifier_mutations.py`."""

import copy
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from mutation_damages import Constants, Damage

from exporter.formats.coreml.reference.files import blobs
from exporter.formats.coreml.reference.files.package import read_model_file
from exporter.formats.tflite.conversion import file as tflite_file

TFLITE_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
}


def damaged_tflite(path: Path, damage: Damage) -> bool:
    """Changes constants and scales; False where there is nothing that this damage can change."""
    content = path.read_bytes()
    model = tflite_file.parse(content)
    constants = Constants([], [], [], [])
    arrays: dict[int, Any] = {}
    graph = model.subgraphs[0]
    for operator in graph.operators:
        weighted = tflite_file.operator_code(model, operator)
        for index in operator.inputs if weighted in (*tflite_file.WEIGHT_INPUT, schema.BuiltinOperator.GATHER) else []:
            tensor = graph.tensors[tflite_file._constant(model, graph, index)]
            data = model.buffers[tensor.buffer].data
            if data is None or tensor.buffer in arrays or tensor.type not in TFLITE_TYPES or len(data) < 16:
                continue
            value = np.frombuffer(bytes(bytearray(data)), TFLITE_TYPES[tensor.type]).reshape(tensor.shape).copy()
            arrays[tensor.buffer] = value
            depthwise = weighted == schema.BuiltinOperator.DEPTHWISE_CONV_2D
            _file(constants, value, outputs=value.ndim - 1 if depthwise else 0, inputs=value.ndim - 1)
            scale = tensor.quantization.scale if tensor.quantization is not None else None
            if scale is not None and len(scale) and value.ndim > 1:
                tensor.quantization.scale = np.asarray(scale, np.float32).copy()
                constants.vectors.append(tensor.quantization.scale)
    if not damage(constants):
        return False
    for index, value in arrays.items():
        model.buffers[index].data = np.frombuffer(value.tobytes(), np.uint8)
    path.write_bytes(_packed(model) + _after_flatbuffer(path))
    return True


def _after_flatbuffer(path: Path) -> bytes:
    """The zip of labels behind the model."""
    if not zipfile.is_zipfile(path):
        return b""
    content = path.read_bytes()
    return content[content.rindex(b"PK\x03\x04") :]


def _packed(model: Any) -> bytes:
    import flatbuffers

    from exporter.formats.tflite.inspection.structure import IDENTIFIER

    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _file(constants: Constants, value: Any, *, outputs: int, inputs: int) -> None:
    if value.ndim < 2 or value.size == value.shape[0]:
        constants.vectors.append(value.reshape(-1))
        return
    constants.weights.append(value)
    constants.outputs.append(outputs)
    constants.inputs.append(inputs)


COREML_TYPES = {10: np.float16, 11: np.float32, 21: np.int8, 31: np.uint8}


def damaged_coreml(path: Path, damage: Damage) -> bool:
    """Changes the weight file in place; tables of indices are changed as the indices that they are."""
    file = read_model_file(path)
    weights = file.weights / "weight.bin"
    content = bytearray(weights.read_bytes())
    constants = Constants([], [], [], [])
    views = []
    for _, value in blobs._file_values(file.specification.mlProgram):
        tensor = value.type.tensorType
        _, _, length, start, _ = blobs._RECORD.unpack_from(content, value.blobFileValue.offset)
        dtype = COREML_TYPES.get(tensor.dataType, np.uint8)
        shape = [dimension.constant.size for dimension in tensor.dimensions]
        array = np.frombuffer(bytes(content[start : start + length]), dtype).copy()
        array = array.reshape(shape) if array.size == np.prod(shape) else array.reshape(shape[0], -1)
        views.append((start, array))
        _file(constants, array, outputs=0, inputs=1)
    if not damage(constants):
        return False
    for start, array in views:
        content[start : start + array.nbytes] = array.tobytes()
    weights.write_bytes(content)
    return True


def moved_tflite(path: Path, labelled: bool) -> bool:
    """Labels move by one place, or two outputs change names; False where there is neither."""
    if labelled:
        content = path.read_bytes()
        start = content.rindex(b"PK\x03\x04")
        with zipfile.ZipFile(path) as archive:
            name = archive.namelist()[0]
            lines = archive.read(name).decode().splitlines()
        path.write_bytes(content[:start])
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, "\n".join(np.roll(lines, 1)) + "\n")
        return True
    model = tflite_file.parse(path.read_bytes())
    graph = model.subgraphs[0]
    if len(graph.outputs) < 2:
        return False
    names = [graph.tensors[index].name for index in graph.outputs]
    for index, name in zip(graph.outputs, reversed(names), strict=True):
        graph.tensors[index].name = name
    path.write_bytes(_packed(model))
    return True


def moved_coreml(path: Path, labelled: bool) -> bool:
    """Labels move by one place, or two outputs change names; False where there is neither."""
    file = read_model_file(path)
    specification = copy.deepcopy(file.specification)
    (function,) = specification.mlProgram.functions.values()
    (block,) = function.block_specializations.values()
    if labelled:
        operation = next(item for item in block.operations if item.type == "classify")
        argument = operation.inputs["classes"].arguments[0]
        consts = [item for item in block.operations if item.type == "const" and item.outputs[0].name == argument.name]
        holder = consts[0].attributes["val"] if consts else argument.value
        values = holder.immediateValue.list.values
        names = [item.immediateValue.tensor.strings.values[0] for item in values]
        for item, label in zip(values, np.roll(names, 1), strict=True):
            item.immediateValue.tensor.strings.values[0] = str(label)
    elif len(block.outputs) == 2:
        swapped = dict(zip(block.outputs, reversed(block.outputs), strict=True))
        for item in block.operations:
            for output in item.outputs:
                output.name = swapped.get(output.name, output.name)
    else:
        return False
    for item in (path / "Data").rglob("*.mlmodel"):
        item.write_bytes(specification.SerializeToString())
    return True
