"""What runs a source on one batch: torch, onnxruntime.

Every runner takes arrays as the source takes them (its layout, normalized) and gives arrays as the source gives them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.execution.heavy import load, load_torch

Arrays = Sequence[NDArray[Any]]


class Runner(Protocol):
    """Runs a model; `name` says what with."""

    name: str

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch."""


class TorchRunner:
    """The source itself."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.name = f"torch {load_torch().__version__}"

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of any size."""
        from exporter.sources.outputs import flatten

        torch = load_torch()
        with torch.inference_mode():
            results = flatten(self.module(*(torch.from_numpy(np.ascontiguousarray(value)) for value in inputs)))
        return [tensor.numpy() for tensor in results]


class OnnxRunner:
    """An ONNX source in onnxruntime."""

    def __init__(self, path: Path, description: SourceDescription) -> None:
        onnxruntime = load("onnxruntime")
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.names = [spec.name for spec in description.inputs]
        self.name = f"onnxruntime {onnxruntime.__version__}"

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of the file's size."""
        return list(self.session.run(None, dict(zip(self.names, inputs, strict=True))))
