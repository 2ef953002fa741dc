"""Translations of PyTorch operators that coremltools 9.0 lacks or gets wrong, registered with it.

They serve TorchScript, also that of files whose code nobody can rewrite, and programs of `torch.export`. Each is named
and has the operands of its ATen schema (``native_functions.yaml`` of PyTorch).
"""

from exporter.formats.coreml.conversion.operators import (  # noqa: F401 - they enter their translations
    elementwise,
    embeddings,
    pooling,
    recurrent,
    resizing,
    shapes,
)
from exporter.formats.coreml.conversion.operators.registering import register_operators

__all__ = ["register_operators"]
