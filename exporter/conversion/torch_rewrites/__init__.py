"""Functions of torch that a converter does not know, or translates wrongly, in terms of functions that all know.

They take effect while a model is traced (`Rewritten`), so the model itself stays as it is.
"""

from exporter.conversion.torch_rewrites import elementwise, exported, layers, shapes, spectra  # noqa: F401 - they fill the table
from exporter.conversion.torch_rewrites.mode import Rewritten, as_constants

__all__ = ["Rewritten", "as_constants"]
