"""Custom: a function of the user's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.datasets.truths import Fit, TruthKind
from exporter.sources.factories import import_attribute
from exporter.tasks.custom.settings import Custom
from exporter.tasks.task import Figures, Metric, Reader

Outputs = tuple[NDArray[Any], ...]
"""Of one example, without the batch."""

Function = Callable[[Outputs, Outputs, list[Any] | None], Mapping[str, float]]
"""Outputs of the source and of the artifact, each stacked over the examples, and a label an example."""

QUICK_S = 0.02
"""A function that takes longer on all examples is not called on a thousand resamples of them."""


@dataclass(frozen=True)
class Known:
    """What an artifact's outputs are measured by.

    Attributes:
        outputs: of the source for the same example.
        label: None where there are none.
    """

    outputs: Outputs
    label: Any


@dataclass(frozen=True)
class CustomTask:
    """Implements `Task`; predictions are all outputs of an example, truths `Known`."""

    name = "custom"
    truths: tuple[TruthKind, ...] = get_args(TruthKind)
    holds_source = True

    def metrics(self, settings: Custom, against: Against) -> tuple[Metric, ...]:
        """Those that the settings name."""
        return tuple(
            Metric(name, name, "", "custom_loss", higher_is_better=name in settings.higher)
            for name in settings.names_of_numbers
        )

    def reader(self, settings: Custom, description: SourceDescription) -> Reader:
        """Reads all outputs.

        Raises:
            UsageProblem: there is no such function.
        """
        _function(settings)
        return _examples

    def as_truth(self, settings: Custom, prediction: Outputs, label: Any = None) -> Known:
        """The source's outputs, with the label where there is one."""
        return Known(prediction, label)

    def tally(self, settings: Custom, classes: Sequence[str]) -> "Outcomes":
        """Of no example yet.

        Raises:
            UsageProblem: there is no such function.
        """
        return Outcomes(settings, _function(settings))


def _function(settings: Custom) -> Function:
    found = import_attribute(settings.function)
    if not callable(found):
        raise UsageProblem(f"[model.task] {settings.function} is no function but {type(found).__name__}.")
    function: Function = found
    return function


def _examples(outputs: Sequence[NDArray[Any]], fits: Sequence[Fit | None]) -> list[Outputs]:
    return [tuple(np.asarray(output)[place] for output in outputs) for place in range(len(fits))]


@dataclass
class Outcomes:
    """Outputs of all examples, which the function is called with.

    A source is measured with its own outputs as the artifact's. Where a call takes long, figures of samples other than
    all examples are NaN, so that no interval is known.
    """

    settings: Custom
    function: Function
    given: list[Outputs] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    _quick: bool | None = None

    def add(self, prediction: Outputs, truth: Known) -> None:
        """Take in one example."""
        self.given.append(prediction)
        self.known.append(truth)

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        """The function's numbers.

        Raises:
            UsageProblem: it fails, or gives something else.
        """
        if self._quick is False and not np.array_equal(sample, np.arange(len(self.given))):
            return Figures(dict.fromkeys(self.settings.names_of_numbers, float("nan")))
        start = monotonic()
        values = self._called(sample)
        if self._quick is None:
            self._quick = monotonic() - start <= QUICK_S
            self._check(values)
        return Figures(values)

    def _check(self, values: Mapping[str, float]) -> None:
        """Refuse a NaN that does not come of one in the outputs; a resample may hold nothing that a number is of."""
        nothing = [name for name, value in values.items() if np.isnan(value)]
        if nothing and all(np.isfinite(output).all() for outputs in self.given for output in outputs):
            raise UsageProblem(
                f"[model.task] {self.settings.function} gives NaN as {', '.join(nothing)}, of outputs without any; "
                "leave out examples that a number is not of."
            )

    def _called(self, sample: NDArray[np.intp]) -> dict[str, float]:
        known, given = [self.known[place] for place in sample], [self.given[place] for place in sample]
        labels = None if any(one.label is None for one in known) else [one.label for one in known]
        try:
            found = self.function(_stacked([one.outputs for one in known]), _stacked(given), labels)
        except Exception as error:
            raise UsageProblem(
                f"[model.task] {self.settings.function} fails: {type(error).__name__}: {error}."
            ) from error
        return _numbers(self.settings, found)


def _stacked(examples: Sequence[Outputs]) -> Outputs:
    return tuple(np.stack(column) for column in zip(*examples, strict=True))


def _numbers(settings: Custom, found: Any) -> dict[str, float]:
    if not isinstance(found, Mapping):
        raise UsageProblem(
            f"[model.task] {settings.function} gives {type(found).__name__}, not a dictionary of names and numbers."
        )
    missing = [name for name in settings.names_of_numbers if name not in found]
    if missing:
        raise UsageProblem(
            f"[model.task] {settings.function} gives {', '.join(map(str, found)) or 'nothing'}, and not "
            f"{', '.join(missing)}, which higher and lower name."
        )
    return {name: _number(settings, name, found[name]) for name in settings.names_of_numbers}


def _number(settings: Custom, name: str, value: Any) -> float:
    number = np.asarray(value)
    if number.dtype.kind not in "iuf" or number.size != 1:
        raise UsageProblem(f"[model.task] {settings.function} gives {value!r} as {name}, which is no number.")
    return float(number.reshape(()))


TASK = CustomTask()
