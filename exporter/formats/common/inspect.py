"""Chooses the reader of an artifact by its form."""

from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.inspection import Inspection
from exporter.formats.common.whole import check_whole


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
        from exporter.formats.tflite.inspection.reader import inspect_tflite

        return inspect_tflite(path)
    if path.suffix in (".mlpackage", ".mlmodel"):
        from exporter.formats.coreml.inspection.reader import inspect_coreml

        return inspect_coreml(path)
    if path.suffix == ".onnx":
        from exporter.formats.onnx.inspection.reader import inspect_onnx

        return inspect_onnx(path)
    raise UsageProblem(f"{path}: only .tflite, .mlpackage, .mlmodel and .onnx can be inspected.")
