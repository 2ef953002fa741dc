"""Whether an ONNX file is whole, with the files that hold its weights; field numbers are those of ``onnx.proto``."""

from pathlib import Path

from exporter.formats.common.bytes.damage import Damage, mapped
from exporter.formats.common.bytes.protobuf import proto_fields, sub_messages

_IR_VERSION, _GRAPH, _OPSETS = 1, 7, 8
_FIRST_WITH_OPSETS = 3
_INITIALIZER, _OUTPUT = 5, 12
_EXTERNAL_DATA = 13


def check_onnx(path: Path) -> None:
    """Check an ONNX file.

    Raises:
        Damage: it, or a file that it names, is missing, cut off or damaged.
    """
    for name, end in _check_model(mapped(path)).items():
        _check_external(path.parent / name, end)


def external_files(path: Path) -> list[Path]:
    """The files beside an ONNX file that hold its weights."""
    return [path.parent / name for name in sorted(_check_model(mapped(path)))]


def files_beside(path: Path) -> list[Path]:
    """The files beside an ONNX file that hold its weights: those that it names, and those that exporters call so."""
    names = (f"{path.name}.data", f"{path.name}_data", f"{path.stem}.data", f"{path.stem}.weights")
    usual = [path.with_name(name) for name in names if path.with_name(name).is_file()]
    return list(dict.fromkeys([*external_files(path), *usual]))


def _check_model(content: memoryview) -> dict[str, int]:
    """Names of files that hold weights, and the bytes that each must have."""
    fields = {field.number: field.value for field in proto_fields(content)}
    version = fields.get(_IR_VERSION)
    if (
        _GRAPH not in fields
        or not isinstance(version, int)
        or (version >= _FIRST_WITH_OPSETS and _OPSETS not in fields)
    ):
        raise Damage("it holds no ONNX model")
    ends: dict[str, int] = {}
    for graph in sub_messages(content, _GRAPH):
        inside = {field.number for field in proto_fields(graph)}
        if _OUTPUT not in inside:
            raise Damage("its graph has no output")
        for tensor in sub_messages(graph, _INITIALIZER):
            entries = dict(map(_entry, sub_messages(tensor, _EXTERNAL_DATA)))
            if "location" in entries:
                end = int(entries.get("offset") or 0) + int(entries.get("length") or 0)
                ends[entries["location"]] = max(end, ends.get(entries["location"], 0))
    return ends


def _entry(message: memoryview) -> tuple[str, str]:
    texts = {
        field.number: bytes(field.value).decode("utf-8", "replace")
        for field in proto_fields(message)
        if isinstance(field.value, memoryview)
    }
    return texts.get(1, ""), texts.get(2, "")


def _check_external(file: Path, end: int) -> None:
    if not file.is_file():
        raise Damage(f"its weights lie in {file.name}, which is missing")
    if file.stat().st_size < end:
        raise Damage(f"its weights in {file.name} reach to byte {end:,} of {file.stat().st_size:,}")
