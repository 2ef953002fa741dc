"""Writes a package so that the same model gives the same bytes."""

from pathlib import Path
from typing import Any

from exporter.execution.heavy import load, quiet

_PROGRAM = Path("Data", "com.apple.CoreML", "model.mlmodel")


def save(mlmodel: Any, path: Path) -> None:
    """Write `mlmodel` as an .mlpackage; its maps, which protobuf writes in no order, are sorted by key."""
    with quiet():
        mlmodel.save(str(path))
    program = path / _PROGRAM
    spec = load("coremltools.proto.Model_pb2").Model.FromString(program.read_bytes())
    program.write_bytes(spec.SerializeToString(deterministic=True))
