"""Whether a model file is whole, told without the libraries that run it.

A file that was cut off while it was written or copied must not be measured, verified or profiled as if it were the
model. Only the structure is checked: what every value means is for whoever reads the file.
"""

from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.formats.tflite.inspection.flatbuffer import Damage, mapped

_TFLITE = (".tflite", ".lite")


def check_whole(path: Path) -> None:
    """Check a .tflite, .mlpackage, .mlmodel or .onnx; other forms are not known and pass.

    Raises:
        UsageProblem: the file is truncated, damaged, or not what its name says.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in _TFLITE and path.is_file():
            check_tflite_bytes(mapped(path))
        elif suffix in (".mlpackage", ".mlmodel"):
            from exporter.formats.coreml.inspection.structure import check_coreml

            check_coreml(path)
        elif suffix == ".onnx" and path.is_file():
            from exporter.formats.onnx.inspection.structure import check_onnx

            check_onnx(path)
    except (ValueError, RecursionError) as error:  # a Damage, or a name or number that Python cannot read
        raise UsageProblem(f"{path} is damaged or cut off: {error}. Copy or export it again.") from error
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror or error}.") from error


def check_tflite_bytes(content: memoryview) -> None:
    """Check a TFLite file's content.

    Raises:
        Damage: it is truncated or damaged, or no TFLite file.
    """
    from exporter.formats.tflite.inspection.structure import check_tflite

    if len(content) < 8 or bytes(content[4:8]) != b"TFL3":
        raise Damage("it is not a TFLite model: the identifier TFL3 is missing")
    check_tflite(content)
