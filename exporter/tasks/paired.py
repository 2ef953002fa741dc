"""How much worse an artifact is than its source, with the interval that the examples leave open."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.task import ClassFigure, MetricFact
from exporter.tasks.task import Figures, Metric, Tally

RESAMPLES = 500
_TAILS = (2.5, 97.5)


def losses(
    metrics: Sequence[Metric], source: Tally, artifact: Tally, examples: int, classes: Sequence[str] = ()
) -> tuple[MetricFact, ...]:
    """Each metric of both on all examples, and the 95 % interval of its loss.

    The interval is of the paired bootstrap: examples are drawn with replacement, the same for both (Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). The draws are the same in every run.

    Args:
        examples: that both tallies hold, at least one.
        classes: their names, where they are known.
    """
    everything = np.arange(examples)
    before, after = source.figures(everything), artifact.figures(everything)
    draws = np.random.default_rng(0).integers(0, examples, (RESAMPLES, examples))
    drawn = [(source.figures(draw), artifact.figures(draw)) for draw in draws]
    return tuple(_fact(metric, before, after, drawn, classes) for metric in metrics if metric.name in before.values)


def _fact(
    metric: Metric, before: Figures, after: Figures, drawn: Sequence[tuple[Figures, Figures]], classes: Sequence[str]
) -> MetricFact:
    scale = 100.0 if metric.unit == "%" else 1.0
    sign = scale if metric.higher_is_better else -scale
    own, other = before.values[metric.name], after.values[metric.name]
    spread = np.array([sign * (one.values[metric.name] - two.values[metric.name]) for one, two in drawn])
    loss = sign * (own - other)
    low, high = _ends(spread[np.isfinite(spread)] if math.isfinite(loss) else np.zeros(0))
    return MetricFact(
        name=metric.name,
        title=metric.title,
        tolerance=metric.tolerance,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        source=scale * own,
        artifact=scale * other,
        loss=loss,
        low=min(low, loss),  # a loss that is NaN leaves the ends as they are
        high=max(high, loss),
        useless=_is_useless(metric, own),
        guess=before.guesses.get(metric.name),
        classes=_classes(metric, before, after, scale, classes),
    )


def _is_useless(metric: Metric, source: float) -> bool:
    if metric.useless is None:
        return False
    return source <= metric.useless if metric.higher_is_better else source >= metric.useless


def _ends(spread: NDArray[np.float64]) -> tuple[float, float]:
    """Of the interval; infinite where no resample tells anything."""
    if not len(spread):
        return -math.inf, math.inf
    low, high = np.percentile(spread, _TAILS)
    return float(low), float(high)


def _classes(
    metric: Metric, before: Figures, after: Figures, scale: float, names: Sequence[str]
) -> tuple[ClassFigure, ...]:
    if metric.name not in before.classes:
        return ()
    figures = [
        ClassFigure(
            name=names[place] if place < len(names) else str(place),
            examples=int(before.counts[place]),
            source=scale * float(own),
            artifact=scale * float(other),
        )
        for place, (own, other) in enumerate(zip(before.classes[metric.name], after.classes[metric.name], strict=True))
        if math.isfinite(own)
    ]
    sign = 1 if metric.higher_is_better else -1
    return tuple(sorted(figures, key=lambda figure: sign * (figure.artifact - figure.source)))
