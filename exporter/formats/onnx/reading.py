"""ONNX files that anyone made: read, not made."""

from pathlib import Path

from exporter.data.inspection import Inspection
from exporter.formats.format import Packing
from exporter.formats.onnx.inspection.structure import check_onnx, files_beside


class OnnxFiles:
    """What can be told of an ONNX file."""

    name = "onnx"
    title = "ONNX"
    suffixes = (".onnx",)
    packing = Packing(beside=files_beside)
    layers = None

    def check_whole(self, path: Path) -> None:
        """Raises `Damage`."""
        check_onnx(path)

    def inspect(self, path: Path) -> Inspection:
        """The facts of a whole file."""
        from exporter.formats.onnx.inspection.reader import inspect_onnx

        return inspect_onnx(path)


FORMAT = OnnxFiles()
