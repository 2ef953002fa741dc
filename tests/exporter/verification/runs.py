"""Stand-ins for a source and an artifact: what they give for each example is written down by the test."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.parity import Parity
from exporter.data.facts.source import InputSpec, SourceDescription, SourceKind
from exporter.data.verdict import Status, Verdict
from exporter.datasets.dataset import Dataset
from exporter.formats.common.one_by_one import OneByOne
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.registry import advice_for
from exporter.formats.tflite.settings import TfliteTarget
from exporter.gates.parity import parity_verdicts
from exporter.verification.compare import compare, reference_outputs
from exporter.verification.runners import Runner

Outputs = Sequence[NDArray[Any]]


class Table(OneByOne):
    """Gives the outputs of the example that its input, an index, names; fails on more than one."""

    name = "table"
    takes_pictures = False

    def __init__(self, rows: Sequence[Outputs]) -> None:
        self.rows = rows

    def __call__(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        (index,) = inputs[0].reshape(-1)
        return [np.asarray(value) for value in self.rows[int(index)]]


class AsArtifact(OneByOne):
    """A source's runner in the place of an artifact's."""

    name = "the source"
    takes_pictures = False

    def __init__(self, run: Runner) -> None:
        self.run = run

    def __call__(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        return self.run(inputs)


def description(outputs: int, shape: tuple[int, ...] = (1, 1)) -> SourceDescription:
    """A source with one input of `shape`."""
    return SourceDescription(
        spec="t",
        kind=SourceKind.FACTORY,
        digest="0",
        inputs=(InputSpec(name="x", shape=shape),),
        outputs=tuple(f"out_{index}" for index in range(outputs)),
        parameters=0,
        size_bytes=0,
    )


def indices(count: int, labels: tuple[int, ...] | None = None) -> Dataset:
    """Examples that are their own index."""
    return Dataset("data", "0", count, lambda index: (np.full(1, index, np.float32),), labels)


def measured(wanted: Sequence[Outputs], found: Sequence[Outputs], labels: tuple[int, ...] | None = None) -> Parity:
    """The comparison of two tables, one row of outputs an example."""
    data = indices(len(wanted), labels)
    reference = reference_outputs(Table(wanted), description(len(wanted[0])), data, None, lambda done, total: None)
    return compare(Table(found), reference, lambda done, total: None)


def tflite_target(**tolerances: float) -> TfliteTarget:
    """A target with these tolerances alone."""
    return TfliteTarget.model_validate(
        {"name": "t", "format": "tflite", "minimum_os": "Android 12", "tolerances": tolerances}
    )


def coreml_target(**tolerances: float) -> CoremlTarget:
    """A float16 target with these tolerances alone."""
    return CoremlTarget.model_validate(
        {"name": "t", "format": "coreml", "minimum_os": "iOS 17", "tolerances": tolerances}
    )


def passes(verdicts: Sequence[Verdict]) -> bool:
    """Whether every verdict is a pass."""
    return all(verdict.status is Status.PASSED for verdict in verdicts)


def judged(wanted: Sequence[Outputs], found: Sequence[Outputs], snr_db: float = 30.0) -> list[Verdict]:
    """Verdicts of two tables under a limit."""
    return parity_verdicts(tflite_target(snr_db=snr_db), measured(wanted, found), advice=advice_for(tflite_target()))
