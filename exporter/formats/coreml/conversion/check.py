"""Runs a float program once in the reference evaluator, to see whether it computes what its source computes."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from numpy.typing import NDArray

from exporter.data.errors import NotEvaluableError, first_line
from exporter.data.facts.layers import Layers
from exporter.execution.heavy import quiet
from exporter.formats.common.routes import LEAST_SNR_DB
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.common.trials import Trial, least_over
from exporter.formats.coreml.reference.layers import compare_layers
from exporter.formats.coreml.runner import CoremlRunner
from exporter.sources.outputs import flatten

LEAST_DB: dict[Literal["float32", "float16"], float] = {"float32": LEAST_SNR_DB, "float16": 40.0}
"""What a right program reaches; its values are evaluated in float32, so float16 costs the rounding of weights alone.

That left 59 to 75 dB in nine networks of torchvision, and float32 more than 120 dB. Deep networks of random weights may
leave 34 dB and no more: none of their routes is called right, and the note says how far they are.
"""


@contextmanager
def _not_evaluable() -> Iterator[None]:
    """Whatever is raised becomes `NotEvaluableError`."""
    try:
        yield
    except NotEvaluableError:
        raise
    except Exception as error:
        raise NotEvaluableError(f"it could not be run here: {first_line(error)}") from error


class Check:
    """Compares float programs of one source with it, on one sample of each shape that is tried."""

    def __init__(self, graph: SourceGraph) -> None:
        self._description = graph.description
        self._module = graph.source.module
        self._samples = [[tensor.numpy() for tensor in sized] for sized in graph.source.example_sizes()]

    def snr_of(self, mlmodel: Any) -> float:
        """Signal-to-noise ratio of the worst output in dB.

        Raises:
            NotEvaluableError: it could not be run, whatever kept it from being; the evaluator is no phone, so that this
                says nothing against the program. A verification meets the same, and reports it.
            ToolError: it runs on the shapes with which the source was traced, and not on others.
        """
        with ExitStack() as stack:
            with _not_evaluable():
                runner = stack.enter_context(self._runner(mlmodel))
                trials = [self._trial(runner, sample) for sample in self._samples]
                first = runner(trials[0].sample)
            return least_over(trials, lambda trial: first if trial is trials[0] else runner(trial.sample))

    def _trial(self, runner: CoremlRunner, noise: Sequence[NDArray[Any]]) -> Trial:
        sample = tuple(runner.held(noise))
        with torch.no_grad():
            expected = [tensor.numpy() for tensor in flatten(self._module(*map(torch.from_numpy, sample)))]
        return Trial(sample, expected)

    def first_wrong(self, mlmodel: Any, least_db: float) -> str:
        """A sentence that names the first layer below `least_db`, or says why none is known; empty where none is."""
        try:
            layers = self._layers(mlmodel)
        except Exception as error:  # noqa: BLE001 - which layer it is, is a hint: the model is called wrong without it
            return f"Its layers could not be compared: {first_line(error)}"
        layer = next((layer for layer in layers.compared if not layer.snr_db >= least_db), None)
        return "" if layer is None else f"The first wrong layer is {layer.module or 'the model itself'} ({layer.kind})"

    def _layers(self, mlmodel: Any) -> Layers:
        with self._runner(mlmodel) as runner:
            sample = runner.states.at_start(runner.held(self._samples[0]))
            values = runner.features(sample)
            return compare_layers(runner.model, values, self._module, [*map(torch.from_numpy, sample)])

    @contextmanager
    def _runner(self, mlmodel: Any) -> Iterator[CoremlRunner]:
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / "checked.mlpackage"
            with quiet():
                mlmodel.save(str(package))
            yield CoremlRunner(package, self._description, precision="float32")
