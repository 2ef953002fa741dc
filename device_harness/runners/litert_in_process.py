"""Runs a .tflite model with LiteRT's Python interpreter in this process and prints a BenchDocument.

Started as a program in a process of its own (``python -m device_harness.runners.litert_in_process``). Light: no
TensorFlow, no compiler; needs `ai-edge-litert`.
"""

import importlib.metadata
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device_harness.runners.bench_document import Acceleration
from device_harness.runners.measuring import measured_main
from device_harness.runners.phases import Asked, Slot, Start

VERSION = "1"


class _Graph(NamedTuple):
    """Number of a graph in the file, and its tensors' indices."""

    number: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def _graph(interpreter: Any, signature: str | None) -> _Graph:
    if signature is None:
        details = interpreter.get_input_details(), interpreter.get_output_details()
        return _Graph(0, *(tuple(int(one["index"]) for one in found) for found in details))
    known = interpreter.get_signature_list()
    if signature not in known:
        raise ValueError(f"the model has no signature {signature!r}: it has {', '.join(known) or 'none'}")
    runner = interpreter.get_signature_runner(signature)
    found = runner.get_input_details().values(), runner.get_output_details().values()
    number = interpreter._interpreter.GetSubgraphIndexFromSignature(signature)
    return _Graph(int(number), *(tuple(int(one["index"]) for one in ports) for ports in found))


class _LiteRT:
    """Implements `Engine`."""

    def __init__(self, interpreter: Any, model: Path, asked: Asked) -> None:
        self._interpreter = interpreter(model_path=str(model), num_threads=asked.threads or None)
        self._graph = _graph(self._interpreter, asked.signature)
        self.compile_s: float | None = None
        start = time.monotonic()
        for name, shape in asked.shapes.items():
            self._native.ResizeInputTensor(self._index(name), np.array(shape, np.int32), False, self._graph.number)
        self._native.AllocateTensors(self._graph.number)
        self.compile_s = time.monotonic() - start
        self.runtime = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"

    @property
    def _native(self) -> Any:
        """The wrapped interpreter, which alone runs another graph than the first without copying its outputs."""
        return self._interpreter._interpreter

    def inputs(self) -> Sequence[Slot]:
        details = map(self._detail, self._graph.inputs)
        return [Slot(str(one["name"]), one["dtype"], tuple(map(int, one["shape"]))) for one in details]

    def fill(self, position: int, values: NDArray[Any]) -> None:
        self._native.SetTensor(self._graph.inputs[position], values, self._graph.number)

    def run(self) -> None:
        self._native.Invoke(self._graph.number)

    def outputs(self) -> Sequence[tuple[str, NDArray[Any]]]:
        return [
            (str(self._detail(index)["name"]), np.asarray(self._native.GetTensor(index, self._graph.number)))
            for index in self._graph.outputs
        ]

    def _detail(self, index: int) -> Any:
        return self._interpreter._get_tensor_details(index, self._graph.number)

    def _index(self, name: str) -> int:
        names = {str(self._detail(index)["name"]): index for index in self._graph.inputs}
        if name not in names:
            raise ValueError(f"--input-shape names {name}, which is no input of the model: {', '.join(names)}")
        return names[name]

    def acceleration(self) -> Acceleration:
        ops = [detail["op_name"] for detail in self._interpreter._get_ops_details()]
        notes = ("XNNPACK delegate applied",) if "DELEGATE" in ops else ("no delegate: LiteRT's own kernels",)
        return Acceleration(used="cpu", fully_accelerated=None, registered=("cpu",), notes=notes)


def _runtime() -> Start:
    from ai_edge_litert.interpreter import Interpreter

    return partial(_LiteRT, Interpreter)


if __name__ == "__main__":
    sys.exit(measured_main("litert_in_process", VERSION, _runtime, "litert"))
