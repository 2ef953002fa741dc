"""Functions of torch that a converter does not know, or translates wrongly, in terms of functions that all know.

They take effect while a model is traced (`Rewritten`), so the model itself stays as it is.
"""

from exporter.sources.tracing.torch_rewrites import (  # noqa: F401 - they enter their rewrites
    elementwise,
    exported,
    layers,
    shapes,
    spectra,
    statistics,
)
from exporter.sources.tracing.torch_rewrites.mode import Rewritten, as_constants

__all__ = ["Rewritten", "as_constants"]
