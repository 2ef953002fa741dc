"""Runs an ONNX file with ONNX Runtime in this process and prints a BenchDocument.

Started as a program in a process of its own (``python -m exporter.formats.onnx.bench``), on this machine's CPU.
"""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_harness.runners.bench_document import Acceleration
from device_harness.runners.measuring import measured_main
from device_harness.runners.phases import Asked, Slot, Start
from exporter.formats.onnx.keys import LARGEST_SHAPES

NAME = "onnxruntime_in_process"
VERSION = "1"
_TYPES = {"float": "float32", "double": "float64"}


class _OnnxRuntime:
    """Implements `Engine`."""

    compile_s: float | None = None

    def __init__(self, library: Any, model: Path, asked: Asked) -> None:
        if asked.signature is not None:
            raise ValueError("ONNX files have no signatures")
        options = library.SessionOptions()
        options.intra_op_num_threads = asked.threads
        self.runtime = f"ONNX Runtime {library.__version__}"
        self._given: dict[str, NDArray[Any]] = {}
        self._found: list[NDArray[Any]] = []
        self._session = _session(library, model, options)
        largest = json.loads(self._session.get_modelmeta().custom_metadata_map.get(LARGEST_SHAPES, "{}"))
        wanted = {**largest, **asked.shapes}
        unknown = set(asked.shapes) - {value.name for value in self._session.get_inputs()}
        if unknown:
            raise ValueError(f"--input-shape names {', '.join(unknown)}, which is no input of the model")
        self._slots = [_slot(value, wanted.get(value.name, ())) for value in self._session.get_inputs()]

    def inputs(self) -> Sequence[Slot]:
        return self._slots

    def fill(self, position: int, values: NDArray[Any]) -> None:
        self._given[self._slots[position].name] = values

    def run(self) -> None:
        self._found = self._session.run(None, self._given)

    def outputs(self) -> Sequence[tuple[str, NDArray[Any]]]:
        names = [value.name for value in self._session.get_outputs()]
        return [(name, np.asarray(value)) for name, value in zip(names, self._found, strict=True)]

    def acceleration(self) -> Acceleration:
        return Acceleration(
            used="cpu", fully_accelerated=None, registered=("cpu",), notes=tuple(self._session.get_providers())
        )


def _session(library: Any, model: Path, options: Any) -> Any:
    try:
        return library.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own exceptions share no base
        raise ValueError(str(error)) from error


def _slot(value: Any, largest: Sequence[int]) -> Slot:
    """An input; dimensions that the file leaves open are as long as its metadata says, else 1."""
    name = str(value.type).removeprefix("tensor(").removesuffix(")")
    fixed = (size if isinstance(size, int) and size > 0 else 1 for size in value.shape)
    shape = tuple(largest or fixed)
    return Slot(value.name, np.dtype(_TYPES.get(name, name)), shape)


def _runtime() -> Start:
    import onnxruntime

    return partial(_OnnxRuntime, onnxruntime)


if __name__ == "__main__":
    sys.exit(measured_main(NAME, VERSION, _runtime, "export"))
