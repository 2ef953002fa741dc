"""What every task owes: the suite that each task of the table runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceDescription
from exporter.data.facts.task import Against
from exporter.data.settings.target import Tolerances
from exporter.data.settings.task import TaskSettings
from exporter.tasks.paired import losses
from exporter.tasks.registry import settings_type, task_named
from exporter.tasks.task import Figures, Tally, Task

Outputs = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Case:
    """A model's outputs on some examples.

    Attributes:
        table: the ``[model.task]`` table.
        description: of the model.
        right: outputs that say what is true of each example.
        wrong: outputs of which every figure is worse.
        labels: what is true.
        best: figures of the right outputs, by labels.
        unlike: shapes of its outputs that the table does not describe, the first of them at fault.
        nothing: a label of an example in which there is nothing to find; None where there is no such thing.
    """

    table: dict[str, Any]
    description: SourceDescription
    right: Outputs
    wrong: Outputs
    labels: tuple[Any, ...]
    best: Mapping[str, float]
    unlike: tuple[tuple[int, ...], ...]
    nothing: Any = None
    classes: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """Of the table."""
        return task_named(self.table["kind"])

    @property
    def settings(self) -> TaskSettings:
        """Of the table."""
        return settings_type(self.table["kind"]).model_validate(self.table)

    def read(self, outputs: Outputs) -> Sequence[Any]:
        """Predictions of the examples."""
        return self.task.reader(self.settings, self.description)(outputs, [None] * len(self.labels))

    def truths(self, against: Against) -> list[Any]:
        """What the examples are measured by."""
        labels = self.labels if against == "labels" else [None] * len(self.labels)
        return [self.task.as_truth(self.settings, *pair) for pair in zip(self.read(self.right), labels, strict=True)]

    def tally(self, outputs: Outputs, against: Against, order: Sequence[int] | None = None) -> Tally:
        """All examples, taken in in this order."""
        predictions, truths = self.read(outputs), self.truths(against)
        tally = self.task.tally(self.settings, self.classes)
        for place in range(len(self.labels)) if order is None else order:
            tally.add(predictions[place], truths[place])
        return tally

    def names(self, against: Against) -> list[str]:
        """Of its metrics."""
        return [metric.name for metric in self.task.metrics(self.settings, against)]


class TaskContract:
    """A subclass gives the fixture `case`."""

    def test_what_is_right_has_the_best_figures(self, case: Case) -> None:
        figures = case.tally(case.right, "labels").figures(everything(case))
        assert {name: figures.values[name] for name in case.names("labels")} == pytest.approx(case.best, abs=1e-6)
        assert figures.empty == 0

    def test_a_source_agrees_with_itself(self, case: Case) -> None:
        """Protects agreement without labels: nothing is lost, and every figure is known."""
        names = case.names("source")
        assert names
        own = case.tally(case.right, "source")
        facts = losses(case.task.metrics(case.settings, "source"), own, own, len(case.labels))
        assert [fact.name for fact in facts] == names
        for fact in facts:
            assert fact.loss == fact.low == fact.high == 0, fact.name
            assert np.isfinite(fact.source)

    @pytest.mark.parametrize("against", ["labels", "source"])
    def test_what_is_worse_loses(self, case: Case, against: Against) -> None:
        """Protects the direction of every metric, and that the interval holds what was measured."""
        metrics = case.task.metrics(case.settings, against)
        pair = case.tally(case.right, against), case.tally(case.wrong, against)
        for fact in losses(metrics, *pair, len(case.labels)):
            assert fact.loss > 0, fact.name
            assert fact.low <= fact.loss <= fact.high, fact.name

    def test_the_order_of_examples_does_not_matter(self, case: Case) -> None:
        forwards = case.tally(case.wrong, "labels").figures(everything(case))
        order = np.random.default_rng(0).permutation(len(case.labels))
        same(case.tally(case.wrong, "labels", order.tolist()).figures(everything(case)), forwards)
        same(case.tally(case.wrong, "labels").figures(order), forwards)

    def test_every_example_twice_is_every_example_once(self, case: Case) -> None:
        """Protects resampling: figures are ratios, so that they do not depend on how often all are counted."""
        tally = case.tally(case.wrong, "labels")
        same(tally.figures(np.repeat(everything(case), 2)), tally.figures(everything(case)))

    def test_one_example_is_measured(self, case: Case) -> None:
        """Protects small data: what one example does not tell is NaN, and its interval has no ends."""
        tally = case.tally(case.right, "labels")
        metrics = case.task.metrics(case.settings, "labels")
        values = tally.figures(np.array([0])).values
        assert {metric.name for metric in metrics} <= values.keys()

    def test_nothing_to_find_is_no_figure(self, case: Case) -> None:
        """Protects from a pass of nothing: no figure is known, and the examples are counted."""
        if case.nothing is None:
            pytest.skip("there is always something to find")
        tally = case.task.tally(case.settings, case.classes)
        for prediction in case.read(case.right):
            tally.add(prediction, case.task.as_truth(case.settings, prediction, case.nothing))
        figures = tally.figures(everything(case))
        assert figures.empty == len(case.labels)
        for metric in case.task.metrics(case.settings, "labels"):
            if metric.name not in ("cosine",):  # is of the source's vectors, not of labels
                assert np.isnan(figures.values[metric.name]), metric.name

    def test_an_output_that_the_settings_do_not_describe_is_refused(self, case: Case) -> None:
        """Protects from figures of something else: one error names the output and both shapes."""
        if not case.unlike:
            pytest.skip("it reads outputs of any shape")
        changed = case.description.model_copy(update={"output_shapes": case.unlike})
        with pytest.raises(UsageProblem, match=r"^\[model\.task\] ") as caught:
            case.task.reader(case.settings, changed)
        assert str(list(case.unlike[0])) in str(caught.value)
        assert case.description.outputs[0] in str(caught.value)

    def test_an_output_that_is_not_there_is_refused(self, case: Case) -> None:
        fields = type(case.settings).model_fields
        named = {"outputs": ("other",)} if "outputs" in fields else {"output": "other"}
        if not fields.keys() & named.keys():
            pytest.skip("it reads all outputs")
        with pytest.raises(UsageProblem, match=f"no output other; the model gives {case.description.outputs[0]}"):
            case.task.reader(case.settings.model_copy(update=named), case.description)

    def test_labels_are_truths_whoever_predicts(self, case: Case) -> None:
        """Protects an artifact from being measured by itself, and memory from truths that need not be kept."""
        pair = (
            case.task.as_truth(case.settings, case.read(outputs)[-1], case.labels[-1])
            for outputs in (case.right, case.wrong)
        )
        one, other = map(repr, pair)
        assert (one != other) == case.task.holds_source

    def test_every_metric_has_a_limit_in_the_tolerances(self, case: Case) -> None:
        """Protects targets: what is measured can be limited."""
        for against in ("labels", "source"):
            for metric in case.task.metrics(case.settings, against):
                nested = isinstance(getattr(Tolerances(), metric.tolerance), dict)
                assert Tolerances.model_validate({metric.tolerance: {metric.name: 2.5} if nested else 2.5})

    def test_its_settings_are_data(self, case: Case) -> None:
        """Protects records and cache keys: what is written down reads back, under its own name alone."""
        settings = case.settings
        assert type(settings).model_validate_json(settings.model_dump_json()) == settings
        assert type(settings).model_json_schema()["properties"]["kind"]["const"] == case.table["kind"]
        assert set(case.task.truths)


def everything(case: Case) -> NDArray[np.intp]:
    """Each example once."""
    return np.arange(len(case.labels))


def same(one: Figures, other: Figures) -> None:
    """Whether the figures are equal, but for how often empty examples were counted."""
    assert one.values == pytest.approx(other.values, rel=1e-9, abs=1e-9, nan_ok=True)
    for name, values in one.classes.items():
        np.testing.assert_allclose(values, other.classes[name], atol=1e-9)
    np.testing.assert_array_equal(one.counts, other.counts)
