"""The paired bootstrap: protects verdicts from drops that the examples do not show, and from none that they do."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.tasks.paired import RESAMPLES, losses
from exporter.tasks.task import Figures, Metric

ACCURACY = Metric("accuracy", "accuracy", "%", "")
ERROR = Metric("error", "error", "mm", "", higher_is_better=False)


@dataclass
class Means:
    """A tally whose figures are means of numbers."""

    values: NDArray[np.float64]

    def add(self, prediction: float, truth: float) -> None:
        raise NotImplementedError

    def figures(self, sample: NDArray[np.intp]) -> Figures:
        mean = float(self.values[sample].mean())
        return Figures({"accuracy": mean, "error": mean}, {"accuracy": np.array([mean, math.nan])}, np.array([3, 0]))


def test_it_is_the_bootstrap_that_is_written_out() -> None:
    random = np.random.default_rng(1)
    source, artifact = random.random(40), random.random(40)
    (fact,) = losses([ACCURACY], Means(source), Means(artifact), 40)
    draws = np.random.default_rng(0).integers(0, 40, (RESAMPLES, 40))
    spread = 100 * (source[draws] - artifact[draws]).mean(1)
    assert (fact.low, fact.high) == pytest.approx(tuple(np.percentile(spread, [2.5, 97.5])))
    assert fact.loss == pytest.approx(100 * (source.mean() - artifact.mean()))
    assert fact.source == pytest.approx(100 * source.mean())


def test_it_is_the_same_in_every_run() -> None:
    values = np.random.default_rng(2).random((2, 30))
    once, again = (losses([ACCURACY], Means(values[0]), Means(values[1]), 30) for _ in range(2))
    assert once == again


def test_more_of_what_is_better_when_low_is_a_loss() -> None:
    (fact,) = losses([ERROR], Means(np.zeros(5)), Means(np.full(5, 2.0)), 5)
    assert (fact.loss, fact.low, fact.high) == (2, 2, 2)


def test_the_interval_holds_the_truth_about_nineteen_times_in_twenty() -> None:
    """On 200 data sets of 60 paired examples, whose true loss is 5 points."""
    held = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        right = random.random(60) < 0.8
        lost, won = right & (random.random(60) < 0.10), ~right & (random.random(60) < 0.15)
        (fact,) = losses([ACCURACY], Means(right.astype(float)), Means((right & ~lost | won).astype(float)), 60)
        held += fact.low <= 100 * (0.8 * 0.10 - 0.2 * 0.15) <= fact.high
    assert 0.88 <= held / 200 <= 0.99


def test_pairs_are_drawn_together() -> None:
    """Protects the power of the verdict: an artifact that is right where its source is loses nothing."""
    values = np.random.default_rng(3).random(20)
    (fact,) = losses([ACCURACY], Means(values), Means(values), 20)
    assert fact.low == fact.loss == fact.high == 0


def test_one_example_has_an_interval_of_no_width() -> None:
    (fact,) = losses([ACCURACY], Means(np.ones(1)), Means(np.zeros(1)), 1)
    assert (fact.low, fact.loss, fact.high) == (100, 100, 100)


def test_what_is_not_known_has_no_interval() -> None:
    (fact,) = losses([ACCURACY], Means(np.full(4, math.nan)), Means(np.full(4, math.nan)), 4)
    assert math.isnan(fact.loss)
    assert (fact.low, fact.high) == (-math.inf, math.inf)


def test_resamples_that_tell_nothing_are_left_out() -> None:
    """A class that is not drawn, say: the interval is of those that tell something, and holds the loss."""
    values = np.array([math.nan, 1.0, 1.0, 1.0])

    class Known(Means):
        def figures(self, sample: NDArray[np.intp]) -> Figures:
            known = self.values[sample][np.isfinite(self.values[sample])]
            return Figures({"accuracy": float(known.mean()) if len(known) > 2 else math.nan})

    (fact,) = losses([ACCURACY], Known(values), Known(values / 2), 4)
    assert fact.low <= fact.loss == 50 <= fact.high
    assert math.isfinite(fact.low)


def test_classes_come_worst_first_and_those_without_examples_not_at_all() -> None:
    class Two(Means):
        def figures(self, sample: NDArray[np.intp]) -> Figures:
            return Figures({"accuracy": 0.5}, {"accuracy": np.append(self.values, math.nan)}, np.array([7, 5, 0]))

    pair = Two(np.array([0.9, 0.8])), Two(np.array([0.8, 0.2]))
    (fact,) = losses([ACCURACY], *pair, 2, ["cat", "dog", "cow"])
    assert [(one.name, one.examples) for one in fact.classes] == [("dog", 5), ("cat", 7)]
    assert fact.classes[0].artifact == pytest.approx(20)
