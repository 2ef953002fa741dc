"""The libraries that decide what a run finds out."""

from functools import cache

from exporter.formats.registry import all_formats
from exporter.store.tools import versions_of

_SHARED = ("torch", "torchvision", "onnx", "onnxsim", "onnxruntime", "numpy", "pillow", "torch-pruning")
"""Of sources, compression and the forms that formats share."""


@cache
def tool_versions() -> dict[str, str]:
    """Installed versions of everything that decides an artifact or what is found out about it."""
    return versions_of(dict.fromkeys((*_SHARED, *(name for form in all_formats() for name in form.libraries))))
