"""Runs a float program once in the reference evaluator, to see whether it computes what its source computes."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from numpy.typing import NDArray

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.datasets.images import whole_pixels
from exporter.execution.heavy import quiet
from exporter.formats.common.routes import LEAST_SNR_DB, least_snr
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.reference.layers import compare_layers
from exporter.formats.coreml.runner import CoremlRunner
from exporter.sources.outputs import flatten

LEAST_DB: dict[Literal["float32", "float16"], float] = {"float32": LEAST_SNR_DB, "float16": 40.0}
"""What a right program reaches; its values are evaluated in float32, so float16 costs the rounding of weights alone.

That left 59 to 75 dB in nine networks of torchvision, and float32 more than 120 dB.
"""


class Check:
    """Compares float programs of one source with it, on one sample with the declared shapes."""

    def __init__(self, graph: SourceGraph) -> None:
        self._description = graph.description
        self._module = graph.source.module
        self._noise = [tensor.numpy() for tensor in graph.source.example_inputs()]

    def snr_of(self, mlmodel: Any) -> float:
        """Signal-to-noise ratio of the worst output in dB.

        Raises:
            NotEvaluableError: the evaluator refuses one of the program's operators.
            ToolError: the program is not valid, or its outputs are not the source's.
        """
        with self._runner(mlmodel) as runner:
            sample = self._sample(runner)
            found = runner(sample)
        with torch.no_grad():
            expected = [tensor.numpy() for tensor in flatten(self._module(*map(torch.from_numpy, sample)))]
        return least_snr(found, expected)

    def first_wrong(self, mlmodel: Any, least_db: float) -> str:
        """A sentence that names the first layer below `least_db`; empty where none of those found is."""
        with self._runner(mlmodel) as runner:
            sample = self._sample(runner)
            layers = compare_layers(
                runner.model, runner.features(sample), self._module, [*map(torch.from_numpy, sample)]
            )
        layer = next((layer for layer in layers if not layer.snr_db >= least_db), None)
        return "" if layer is None else f"The first wrong layer is {layer.module or 'the model itself'} ({layer.kind})"

    @contextmanager
    def _runner(self, mlmodel: Any) -> Iterator[CoremlRunner]:
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / "checked.mlpackage"
            with quiet():
                mlmodel.save(str(package))
            try:
                yield CoremlRunner(package, self._description, precision="float32")
            except UsageProblem as error:  # nobody gave this file: it was made here
                raise ToolError(f"what was converted cannot be run: {error}") from error

    def _sample(self, runner: CoremlRunner) -> Sequence[NDArray[Any]]:
        """Noise; whole pixels where the program takes pictures, which hold nothing else."""
        if not runner.takes_pictures:
            return self._noise
        return [_pictured(value, spec) for value, spec in zip(self._noise, self._description.inputs, strict=True)]


def _pictured(value: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    return value if spec.image is None else whole_pixels(value, spec)
