"""The two extension modules of TensorFlow that quantize flatbuffers, without the rest of TensorFlow.

``import tensorflow`` runs 3,800 modules to get at them; they alone load in a tenth of that time and half of the memory.
They are registered under their own names, so that TensorFlow, imported later, takes the same ones.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from exporter.data.errors import MissingExtraError, ToolError
from exporter.execution.heavy import quiet

_CONVERTER = "tensorflow.compiler.mlir.lite.python._pywrap_converter_api"
_CALIBRATION = "tensorflow.lite.python._pywrap_tensorflow_lite_calibration_wrapper"


def load_converter() -> Any:
    """The module with ``ExperimentalMlirQuantizeModel``."""
    return _extension(_CONVERTER)


def load_calibration() -> Any:
    """The module with ``CalibrationWrapper`` and ``AddIntermediateTensors``; it needs libraries of the converter's."""
    load_converter()
    return _extension(_CALIBRATION)


def _extension(name: str) -> ModuleType:
    """An extension module of TensorFlow, by its file.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ToolError: this TensorFlow has no such file.
    """
    if name in sys.modules:
        return sys.modules[name]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    path = _root().joinpath(*name.split(".")[1:]).with_suffix(".so")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.exists():
        raise ToolError(
            f"the installed TensorFlow has no {path}: install the version that mobile-export[export] names."
        )
    module = importlib.util.module_from_spec(spec)
    with quiet():
        spec.loader.exec_module(module)
    sys.modules[name] = module
    return module


def _root() -> Path:
    package = importlib.util.find_spec("tensorflow")
    if package is None or not package.origin:
        raise MissingExtraError("tensorflow", "export")
    return Path(package.origin).parent
