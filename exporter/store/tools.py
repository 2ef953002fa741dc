"""Versions of the libraries and facts of the machine, for records and cache keys."""

import importlib.metadata
import os
import platform
from functools import cache

from device_harness.machine import processor_name
from exporter import __version__

_LIBRARIES = (
    "torch", "torchvision", "coremltools", "onnx", "onnx2tf", "onnxsim", "onnxruntime", "tensorflow", "ai-edge-litert",
    "numpy", "pillow", "scikit-learn", "torch-pruning",
)  # fmt: skip


@cache
def tool_versions() -> dict[str, str]:
    """Installed versions of everything that decides an artifact; read from metadata, nothing is imported."""
    versions = {"mobile-export": __version__}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def machine_facts() -> dict[str, str]:
    """What readings of this machine depend on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name() or platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    }
