"""Constants of a Core ML package, for the gates; class names are compared with its outputs, which carry them."""

from pathlib import Path

import numpy as np

from exporter.data.facts.artifact import FileFacts


def file_facts(artifact: Path) -> FileFacts:
    """What the weight files at `artifact` show."""
    from exporter.formats.coreml.reference.files.blobs import float_blobs
    from exporter.formats.coreml.reference.files.package import read_model_file

    blobs = float_blobs(read_model_file(artifact))
    return FileFacts(nan_constants=tuple(name for name, values in blobs if np.isnan(values).any()))
