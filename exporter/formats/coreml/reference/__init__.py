"""Evaluates Core ML ML programs on any operating system, with torch on the CPU.

This proves what the file computes; it does not predict the Neural Engine's rounding.
"""

from exporter.formats.coreml.reference.errors import (
    EvaluationError,
    ModelFileError,
    ModelInputError,
    UnsupportedOpError,
)
from exporter.formats.coreml.reference.features import Feature
from exporter.formats.coreml.reference.model import ReferenceModel, State
from exporter.formats.coreml.reference.steps import Observation, Observer

__all__ = [
    "EvaluationError",
    "Feature",
    "ModelFileError",
    "ModelInputError",
    "Observation",
    "Observer",
    "ReferenceModel",
    "State",
    "UnsupportedOpError",
]
