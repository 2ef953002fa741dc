"""Runs a .tflite model with LiteRT's Python interpreter in this process and prints a BenchDocument.

Started as a program in a process of its own (``python -m device_harness.runners.litert_in_process``). Light: no
TensorFlow, no compiler; needs `ai-edge-litert`.
"""

import importlib.metadata
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_harness.runners.bench_document import Acceleration
from device_harness.runners.measuring import Start, measured_main
from device_harness.runners.phases import Slot

VERSION = "1"


class _LiteRT:
    """Implements `Engine`."""

    def __init__(self, interpreter: Any, model: Path, threads: int) -> None:
        self._interpreter = interpreter(model_path=str(model), num_threads=threads or None)
        self._interpreter.allocate_tensors()
        self.runtime = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"

    def inputs(self) -> Sequence[Slot]:
        return [
            Slot(str(detail["name"]), detail["dtype"], tuple(map(int, detail["shape"])))
            for detail in self._interpreter.get_input_details()
        ]

    def fill(self, position: int, values: NDArray[Any]) -> None:
        self._interpreter.set_tensor(self._interpreter.get_input_details()[position]["index"], values)

    def run(self) -> None:
        self._interpreter.invoke()

    def outputs(self) -> Sequence[tuple[str, NDArray[Any]]]:
        details = self._interpreter.get_output_details()
        return [(str(detail["name"]), np.asarray(self._interpreter.get_tensor(detail["index"]))) for detail in details]

    def acceleration(self) -> Acceleration:
        ops = [detail["op_name"] for detail in self._interpreter._get_ops_details()]
        notes = ("XNNPACK delegate applied",) if "DELEGATE" in ops else ("no delegate: LiteRT's own kernels",)
        return Acceleration(used="cpu", fully_accelerated=None, registered=("cpu",), notes=notes)


def _runtime() -> Start:
    from ai_edge_litert.interpreter import Interpreter

    return partial(_LiteRT, Interpreter)


if __name__ == "__main__":
    sys.exit(measured_main("litert_in_process", VERSION, _runtime, "litert"))
