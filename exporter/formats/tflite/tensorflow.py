"""TensorFlow, imported late and quietly."""

import logging
import os
from typing import Any

from exporter.execution.heavy import load, quiet


def load_tensorflow() -> Any:
    """Import TensorFlow without its start-up log lines."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    with quiet():
        tensorflow = load("tensorflow")
    tensorflow.get_logger().setLevel(logging.ERROR)
    return tensorflow
