"""What an artifact's file itself shows, by its format."""

from importlib import import_module
from pathlib import Path

from exporter.data.artifact import FileFacts

_READERS = {".tflite": "exporter.formats.tflite.inspection.file_facts"}
_CORE_ML = "exporter.formats.coreml.inspection.file_facts"


def file_facts(artifact: Path) -> FileFacts:
    """Class names and constants of `artifact` that the gates judge."""
    found: FileFacts = import_module(_READERS.get(artifact.suffix, _CORE_ML)).file_facts(artifact)
    return found
