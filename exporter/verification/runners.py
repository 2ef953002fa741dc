"""What runs a model on one batch: torch, onnxruntime, LiteRT, the Core ML reference evaluator, Core ML itself.

Every runner takes arrays as the source takes them (its layout, normalized) and gives arrays as the source gives them.
"""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.core_ml import core_ml_features
from exporter.errors import ToolError, first_line
from exporter.heavy import load, load_coremltools, load_torch, quiet
from exporter.sources.description import InputSpec, SourceDescription

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
        from exporter.sources.load import flatten

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


class LiteRTRunner:
    """A TFLite artifact, one example at a time, with quantized inputs and outputs converted as an app would."""

    def __init__(self, path: Path, description: SourceDescription, threads: int = 2) -> None:
        interpreter = load("ai_edge_litert.interpreter")
        self.description = description
        try:
            with quiet():
                self.model = interpreter.Interpreter(str(path), num_threads=threads)
                self.model.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ToolError(f"{path} does not load in LiteRT: {first_line(error)}") from error
        self.inputs = _by_name(self.model.get_input_details(), [spec.name for spec in description.inputs], path)
        self.outputs = _by_name(self.model.get_output_details(), description.outputs, path)
        self.name = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of one."""
        for spec, detail, value in zip(self.description.inputs, self.inputs, inputs, strict=True):
            self.model.set_tensor(detail["index"], _quantized(_fitted(value, spec, detail), detail))
        self.model.invoke()
        return [_dequantized(self.model.get_tensor(detail["index"]), detail) for detail in self.outputs]


class CoremlRunner:
    """A Core ML artifact, evaluated by the reference evaluator, or by Core ML itself on a Mac."""

    def __init__(self, path: Path, description: SourceDescription, *, native: bool = False) -> None:
        self.description = description
        if native:
            coremltools = load_coremltools()
            self.model = coremltools.models.MLModel(str(path))
            self.name = "Core ML"
            self.images = {feature.name for feature in self.model.get_spec().description.input
                           if feature.type.WhichOneof("Type") == "imageType"}  # fmt: skip
        else:
            from exporter.coreml_reference import ReferenceModel

            self.model = ReferenceModel(path)
            self.name = "Core ML reference evaluator"
            self.images = {feature.name for feature in self.model.inputs if feature.kind == "image"}

    def __call__(self, inputs: Arrays) -> list[NDArray[Any]]:
        """Outputs for a batch of one."""
        data = core_ml_features(self.description.inputs, inputs, self.images)
        results = self.model.predict(data)
        if not self.description.labels:
            return [np.asarray(results[name]) for name in self.description.outputs]
        scores = next(value for value in results.values() if isinstance(value, dict))
        return [np.asarray([[scores[label] for label in self.description.labels]], np.float32)]


def _by_name(details: Sequence[Any], names: Sequence[str], path: Path) -> list[Any]:
    found = {detail["name"]: detail for detail in details}
    if set(names) <= set(found):
        return [found[name] for name in names]
    if len(details) != len(names):
        raise ToolError(f"{path} has {len(details)} tensors where the source has {len(names)}: {', '.join(found)}")
    return list(details)


def _fitted(value: NDArray[Any], spec: InputSpec, detail: Any) -> NDArray[Any]:
    """Bring an input to the artifact's layout."""
    if spec.image is None or (tuple(value.shape) == tuple(detail["shape"]) and not _moved(spec, detail)):
        return value
    return np.moveaxis(value, 1, -1) if spec.layout == "NCHW" else np.moveaxis(value, -1, 1)


def _moved(spec: InputSpec, detail: Any) -> bool:
    """Whether the artifact has the channels on the other side than the source; channels are 1 or 3, pixels more."""
    assert spec.image is not None
    channels = len(spec.image.mean)
    first = int(detail["shape"][1]) == channels and int(detail["shape"][-1]) != channels
    return first == (spec.layout == "NHWC")


def _quantized(value: NDArray[Any], detail: Any) -> NDArray[Any]:
    kind = detail["dtype"]
    if np.issubdtype(kind, np.floating) or not np.issubdtype(value.dtype, np.floating):
        return value.astype(kind)
    scale, zero = detail["quantization"]
    limits = np.iinfo(kind)
    return np.asarray(np.clip(np.rint(value / scale) + zero, limits.min, limits.max), kind)


def _dequantized(value: NDArray[Any], detail: Any) -> NDArray[Any]:
    scale, zero = detail["quantization"]
    if np.issubdtype(value.dtype, np.floating) or scale == 0:
        return value
    return np.asarray((value.astype(np.float32) - zero) * scale, np.float32)
