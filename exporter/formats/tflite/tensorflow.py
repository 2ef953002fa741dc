"""TensorFlow, imported late and quietly."""

import importlib
import importlib.util
import logging
import os
from typing import Any

from exporter.execution.heavy import load, quiet


def load_tensorflow() -> Any:
    """Import TensorFlow without its start-up log lines."""
    load_triton()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    with quiet():
        tensorflow = load("tensorflow")
    tensorflow.get_logger().setLevel(logging.ERROR)
    return tensorflow


def load_triton() -> None:
    """Import Triton where it is installed, as beside torch for CUDA, before any library of TensorFlow is loaded.

    Loaded after one it ends the process (both bring an LLVM), and `torch.export` loads it.
    """
    if importlib.util.find_spec("triton") is not None:
        importlib.import_module("triton")
