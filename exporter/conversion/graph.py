"""SourceGraph: a loaded source as both converters want it, traced once."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exporter.conversion.layer_names import layer_weights
from exporter.conversion.trace import trace
from exporter.datasets.dataset import Dataset
from exporter.sources.load import ModelSource

Example = tuple[NDArray[Any], ...]


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
    def traced_dividing(self) -> Any:
        """The same, dividing image inputs by their standard deviations where these differ between channels."""
        divisors = [
            torch.tensor(spec.image.std).reshape(1, -1, 1, 1) if spec.image and len(set(spec.image.std)) > 1 else None
            for spec in self.description.inputs
        ]
        if all(divisor is None for divisor in divisors):
            return self.traced
        return trace(self.source.module, self.description.inputs, divisors)

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
