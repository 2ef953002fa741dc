"""Checking every reference into the weight files before anything reads them.

The format (coremltools ``mlmodel/src/MILBlob/Blob/StorageFormat.hpp``): a 64-byte header, then for each blob a
64-byte aligned metadata record of 64 bytes (sentinel, data type, size in bytes, offset of the data, bits of padding),
then its data.
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.formats.coreml.reference.errors import ModelFileError
from exporter.formats.coreml.walk import blocks_of_file, operations

_SENTINEL = 0xDEADBEEF
_RECORD = struct.Struct("<IIQQQ")
_RECORD_BYTES = 64
_BITS = {
    "FLOAT16": 16,
    "FLOAT32": 32,
    "FLOAT64": 64,
    "INT4": 4,
    "INT8": 8,
    "INT16": 16,
    "INT32": 32,
    "INT64": 64,
    "UINT1": 1,
    "UINT2": 2,
    "UINT3": 3,
    "UINT4": 4,
    "UINT6": 6,
    "UINT8": 8,
    "UINT16": 16,
    "UINT32": 32,
    "UINT64": 64,
    "BOOL": 8,
}

_FLOATS = {"FLOAT16": np.float16, "FLOAT32": np.float32}


def check_blobs(path: Path, specification: Any, weights: Path) -> None:
    """Raise `ModelFileError` for a missing weight file, or a blob not wholly in it or not of its declared size."""
    files: dict[str, bytes] = {}
    sizes: dict[str, int] = {}
    for owner, value in _file_values(specification.mlProgram):
        name = value.blobFileValue.fileName
        if not name.startswith("@model_path/weights/") or "/" in name.removeprefix("@model_path/weights/"):
            raise ModelFileError(
                f"{path}: {owner} reads weights from {name!r}, outside of the package. Do not use this package"
            )
        file = weights / name.rpartition("/")[2]
        if name not in sizes:
            if not file.is_file() or file.is_symlink():
                raise ModelFileError(f"{path} is incomplete: its weight file {file.name} is missing. Export it again")
            sizes[name] = file.stat().st_size
        files.setdefault(name, b"")
        problem = _problem(file, sizes[name], value)
        if problem:
            raise ModelFileError(f"{path}: the weights of {owner} {problem}. The package is damaged: export it again")


def _problem(file: Path, size: int, value: Any) -> str | None:
    offset = value.blobFileValue.offset
    if offset % 64 or offset + _RECORD_BYTES > size:
        return f"lie at offset {offset} of {file.name}, which has {size} bytes"
    with file.open("rb") as stream:
        stream.seek(offset)
        sentinel, _, length, start, _ = _RECORD.unpack(stream.read(_RECORD.size))
    if sentinel != _SENTINEL:
        return f"do not start at offset {offset} of {file.name}"
    if start < offset or start + length > size:
        return f"reach from byte {start} to {start + length} of {file.name}, which has {size} bytes"
    wanted = _declared_bytes(value.type.tensorType)
    if wanted is not None and length != wanted:
        return f"have {length} bytes in {file.name} where their type needs {wanted}"
    return None


def float_blobs(file: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Owner and values of every float16 and float32 value in the weight files of a `ModelFile` that was checked."""
    contents: dict[str, NDArray[np.uint8]] = {}
    for owner, value in _file_values(file.specification.mlProgram):
        tensor, blob = value.type.tensorType, value.blobFileValue
        kind = _FLOATS.get(_type_name(tensor))
        if kind is None:
            continue
        if blob.fileName not in contents:
            contents[blob.fileName] = np.memmap(file.weights / blob.fileName.rpartition("/")[2], np.uint8, "r")
        content = contents[blob.fileName]
        _, _, length, start, _ = _RECORD.unpack(content[blob.offset : blob.offset + _RECORD.size].tobytes())
        yield owner, content[start : start + length].view(kind)


def blob_values(value: Any, weights: Path) -> NDArray[Any]:
    """The elements of a value of float32 or int32 in a weight file, flat.

    Args:
        value: of a specification, whose elements are in a file.
        weights: the folder of weight files.
    """
    kind = {"FLOAT32": np.float32, "INT32": np.int32}[_type_name(value.type.tensorType)]
    content = np.memmap(weights / value.blobFileValue.fileName.rpartition("/")[2], np.uint8, "r")
    offset = value.blobFileValue.offset
    _, _, length, start, _ = _RECORD.unpack(content[offset : offset + _RECORD.size].tobytes())
    return np.array(content[start : start + length].view(kind))


def file_values(program: Any) -> list[Any]:
    """Every value of an ``MILSpec.Program`` whose elements are in a weight file."""
    return [value for _, value in _file_values(program)]


def _declared_bytes(tensor: Any) -> int | None:
    """Bytes of a tensor of constant shape; None when the dtype is not known."""
    bits = _BITS.get(_type_name(tensor))
    if bits is None:
        return None
    lengths: list[int] = [dimension.constant.size for dimension in tensor.dimensions]
    return -(-math.prod(lengths) * bits // 8)


def _type_name(tensor: Any) -> str:
    known = type(tensor).DESCRIPTOR.fields_by_name["dataType"].enum_type.values_by_number.get(tensor.dataType)
    return "" if known is None else str(known.name)


def _file_values(program: Any) -> Iterator[tuple[str, Any]]:
    for operation in (found for block in blocks_of_file(program) for found in operations(block)):
        owner = operation.outputs[0].name if operation.outputs else operation.type
        values = list(operation.attributes.values())
        for argument in operation.inputs.values():
            values += [binding.value for binding in argument.arguments if binding.WhichOneof("binding") == "value"]
        yield from ((owner, value) for value in values if value.WhichOneof("value") == "blobFileValue")
