"""Constants of a Core ML package, for the gates; class names are compared with its outputs, which carry them."""

from pathlib import Path

from exporter.data.facts.artifact import FileFacts
from exporter.execution.heavy import load


def file_facts(artifact: Path) -> FileFacts:
    """What the weight files at `artifact` show."""
    from exporter.formats.coreml.reference.files.blobs import float_blobs
    from exporter.formats.coreml.reference.files.package import read_model_file
    from exporter.formats.coreml.reference.pipeline import read_pipeline

    numpy = load("numpy")
    pipeline = read_pipeline(artifact)
    blobs = float_blobs(read_model_file(artifact) if pipeline is None else pipeline.program)
    return FileFacts(nan_constants=tuple(name for name, values in blobs if numpy.isnan(values).any()))
