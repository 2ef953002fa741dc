"""Chooses the reader of an artifact by its form."""

from pathlib import Path

from exporter.errors import UsageProblem
from exporter.inspection.facts import Inspection
from exporter.inspection.whole import check_whole


def inspect(path: Path) -> Inspection:
    """The facts of a .tflite, .mlpackage, ML-program .mlmodel or .onnx.

    Raises:
        UsageProblem: not there, of another form, or damaged.
        MissingExtraError: reading this form needs the export extra.
    """
    if not path.exists():
        raise UsageProblem(f"{path}: there is no such file or folder.")
    check_whole(path)
    if path.suffix == ".tflite":
        from exporter.inspection.tflite import inspect_tflite

        return inspect_tflite(path)
    if path.suffix in (".mlpackage", ".mlmodel"):
        from exporter.inspection.coreml import inspect_coreml

        return inspect_coreml(path)
    if path.suffix == ".onnx":
        from exporter.inspection.onnx import inspect_onnx

        return inspect_onnx(path)
    raise UsageProblem(f"{path}: only .tflite, .mlpackage, .mlmodel and .onnx can be inspected.")
