"""SourceGraph: a loaded source as both converters want it, traced once."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from exporter.data.facts.source import at_every_size
from exporter.datasets.dataset import Dataset
from exporter.formats.common.layer_names import layer_weights
from exporter.formats.common.routes import once
from exporter.formats.common.tracing import onnx_graph
from exporter.formats.common.tracing.dynamo import exported_onnx
from exporter.formats.common.tracing.rewritten import RewrittenCall, rewritten_calls
from exporter.formats.common.trials import Trial
from exporter.sources.outputs import flatten
from exporter.sources.source import ModelSource
from exporter.sources.tracing.trace import decomposed, example_tensors, trace, traceable

Example = tuple[NDArray[Any], ...]

OnnxForm = Literal["trace", "dynamo", "core", "onnx"]
"""A module traced, a module by `torch.export`, a module in torch's core operators and traced, a file."""


class SourceGraph:
    """A source, its traced graph and its calibration data.

    Args:
        source: the loaded model.
        calibration: representative data, or None.
        calibration_samples: at most so many examples are used, evenly spread.
    """

    def __init__(self, source: ModelSource, calibration: Dataset | None, calibration_samples: int) -> None:
        self.source = source
        self.description = source.description
        self.calibration = calibration
        self.calibration_samples = calibration_samples

    @cached_property
    def traced(self) -> Any:
        """The TorchScript graph; image inputs are NCHW."""
        return trace(self.source.module, self.description.inputs)

    @cached_property
    def onnx_forms(self) -> dict[OnnxForm, Callable[[], Any]]:
        """Ways to the source as a simplified ONNX model with images NCHW, in the order in which they should be tried.

        Each is gone once; one that leads nowhere raises `ToolError`.
        """
        path, inputs = self.source.onnx_path, self.description.inputs
        if path is not None:
            return {"onnx": once(lambda: onnx_graph.read_onnx(path, inputs))}
        return {
            "trace": once(lambda: self._traced_onnx(self._traceable)),
            "dynamo": once(self._exported_onnx),
            "core": once(lambda: self._traced_onnx(decomposed(self._traceable, inputs))),
        }

    @cached_property
    def rewritten_calls(self) -> list[RewrittenCall]:
        """Calls that are computed by other functions while the module is traced; none for ONNX."""
        return [] if self.source.module is None else rewritten_calls(self._traceable, self.description.inputs)

    @cached_property
    def _traceable(self) -> Any:
        return traceable(self.source.module, self.description.inputs)

    def sample(self) -> Example:
        """One example as the graphs take it, with the batch dimension; no two axes of it are alike."""
        return self.samples()[0]

    def samples(self) -> list[Example]:
        """One example of every shape that is tried, the shapes with which the source is traced first."""
        sizes = reversed(at_every_size(self.description.inputs))
        return [tuple(tensor.numpy() for tensor in example_tensors(sized)) for sized in sizes]

    @cached_property
    def trials(self) -> list[Trial]:
        """What the source gives for each of `samples`."""
        return [Trial(sample, self.outputs_of(sample)) for sample in self.samples()]

    def _traced_onnx(self, module: torch.nn.Module) -> Any:
        graph = lambda: self.traced.inlined_graph  # noqa: E731 - made only when something is refused
        return self._to_front(onnx_graph.to_onnx(module, self.description.inputs, self.description.outputs, graph))

    def _exported_onnx(self) -> Any:
        model = exported_onnx(self._traceable, self.description.inputs, self.description.outputs)
        return self._to_front(onnx_graph.simplified(model))

    def _to_front(self, model: Any) -> Any:
        return onnx_graph.maps_to_front(model) if self._channels_last else model

    @property
    def _channels_last(self) -> bool:
        """Whether the source's own images, and so its outputs of four dimensions, have their channels last."""
        return any(spec.image is not None and spec.layout == "NHWC" for spec in self.description.inputs)

    def outputs_of(self, sample: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """What the source gives for one example, whose images are NCHW; outputs of four dimensions are NCHW too."""
        inputs = self.description.inputs
        if self.source.onnx_path is not None:
            named = {spec.name: value for spec, value in zip(inputs, sample, strict=True)}
            return onnx_graph.run_onnx(self.onnx_forms["onnx"](), named)
        with torch.no_grad():
            found = [tensor.numpy() for tensor in flatten(self._traceable(*map(torch.from_numpy, sample)))]
        return [np.moveaxis(value, -1, 1) if self._channels_last and value.ndim == 4 else value for value in found]

    @cached_property
    def layer_weights(self) -> dict[str, NDArray[Any]]:
        """Layer name -> weight, output channels first; empty for ONNX."""
        return layer_weights(self.source.module) if self.source.module is not None else {}

    def of(self, source: ModelSource) -> "SourceGraph":
        """The same with another source, for example one with other weights."""
        return SourceGraph(source, self.calibration, self.calibration_samples)

    def calibration_batches(self) -> Iterator[Example]:
        """Calibration data as the source takes it, one run of the model at a time."""
        if self.calibration is not None:
            for indices in self.calibration.runs(self.calibration_samples):
                yield self.calibration.batch(indices)

    def calibration_examples(self) -> list[Example]:
        """Calibration data as the traced graph takes it, one run of the model at a time."""
        return [self._channels_first(batch) for batch in self.calibration_batches()]

    def _channels_first(self, example: Sequence[NDArray[Any]]) -> Example:
        return tuple(
            np.ascontiguousarray(np.moveaxis(value, -1, 1)) if spec.image and spec.layout == "NHWC" else value
            for spec, value in zip(self.description.inputs, example, strict=True)
        )
