"""Whether a Core ML package or model file is whole: manifest, specification, weight files.

Specification: coremltools ``mlmodel/format/Model.proto``. Weight files: ``mlmodel/src/MILBlob/Blob/StorageFormat.hpp``:
a header of 64 bytes with the number of blobs, then each blob's record of 64 bytes and, further on, its data.
"""

import json
import re
import struct
from pathlib import Path

from exporter.formats.common.bytes.damage import Damage, mapped
from exporter.formats.common.bytes.protobuf import proto_fields

_SPECIFICATION_VERSION, _FIRST_TYPE = 1, 200
_HEADER, _RECORD, _RECORD_BYTES = struct.Struct("<II"), struct.Struct("<IIQQ"), 64
_SENTINEL = 0xDEADBEEF
_WEIGHT_FILE = re.compile(rb"(.)@model_path/", re.DOTALL)


def check_coreml(path: Path) -> None:
    """Check an .mlpackage, or an .mlmodel.

    Raises:
        Damage: a file is missing, cut off or damaged.
    """
    specification = _root_model(path) if path.is_dir() else path
    if specification.is_dir():
        return  # a package around something else than a model file, which only Apple's tools read
    content = mapped(specification)
    _check_specification(content)
    for name in _weight_files(content):
        _check_weights(specification.parent / name)


def _root_model(package: Path) -> Path:
    manifest = package / "Manifest.json"
    try:
        entries = json.loads(manifest.read_text("utf-8"))
        item = str(entries["itemInfoEntries"][entries["rootModelIdentifier"]]["path"])
    except FileNotFoundError:
        raise Damage("it has no Manifest.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Damage(f"its Manifest.json cannot be read ({type(error).__name__})") from error
    data = (package / "Data").resolve()
    found = (data / item).resolve()
    if not found.is_relative_to(data):
        raise Damage(f"its manifest names a model outside of the package ({item})")
    if not found.exists():
        raise Damage(f"its manifest names {item}, which is missing")
    return found


def _check_specification(content: memoryview) -> None:
    numbers = {field.number for field in proto_fields(content)}
    if _SPECIFICATION_VERSION not in numbers or max(numbers) < _FIRST_TYPE:
        raise Damage("its specification holds no model")


def _weight_files(content: memoryview) -> set[str]:
    """Files that the specification reads weights from, relative to it."""
    names = set()
    raw = bytes(content)
    for match in _WEIGHT_FILE.finditer(raw):
        start = match.start() + 1
        name = raw[start : start + match.group(1)[0]].removeprefix(b"@model_path/")
        names.add(name.decode("utf-8", "replace"))
    return {name for name in names if ".." not in Path(name).parts and not name.startswith("/")}


def _check_weights(file: Path) -> None:
    if not file.is_file():
        raise Damage(f"its weight file {file.name} is missing")
    size = file.stat().st_size
    with file.open("rb") as stream:
        header = stream.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise Damage(f"its weight file {file.name} has {size} bytes")
        place = _RECORD_BYTES
        for number in range(_HEADER.unpack(header)[0]):
            stream.seek(place)
            record = stream.read(_RECORD.size)
            if len(record) < _RECORD.size:
                raise Damage(f"its weight file {file.name} ends before blob {number + 1}: it has {size:,} bytes")
            sentinel, _, length, start = _RECORD.unpack(record)
            if sentinel != _SENTINEL or start < place:
                raise Damage(f"blob {number + 1} of its weight file {file.name} does not start at byte {place:,}")
            if start + length > size:
                raise Damage(f"its weight file {file.name} reaches to byte {start + length:,} of {size:,}")
            place = -(-(start + length) // _RECORD_BYTES) * _RECORD_BYTES
