"""How well and how fast one target is in two runs, with intervals."""

import math
from collections.abc import Iterator, Sequence

from exporter.data.facts.diff import FigureChange
from exporter.data.facts.parity import Parity
from exporter.data.facts.task import MetricFact
from exporter.data.results.record import TargetRecord
from profilers.comparison import ReadingChange, compare_readings
from profilers.readings import Reading
from profilers.statistics import percentile

CONFIDENCE = 0.95
_NORMAL = 1.959964
LATENCY_CONFIDENCE = 0.99
"""Of `profilers.comparison.compare`."""


def accuracy_changes(before: TargetRecord, after: TargetRecord) -> Iterator[FigureChange]:
    """Top-1 and the task's metrics, where both runs measured them on the same data with the same evaluator.

    Each run kept how its artifact differs from its source on the same examples, and the interval of that. What changed
    is the difference of the two; its interval takes the two as independent, which is wider than the truth where the
    same examples are hard for both.
    """
    for new in after.parities:
        old = next((one for one in before.parities if _kind(one) == _kind(new)), None)
        if old is not None:
            yield from _top1(old, new)
            yield from _metrics(old, new)


TITLES = {
    "latency": "median latency",
    "load_time": "load time",
    "cpu_time": "processor time",
    "memory.peak": "peak memory",
    "memory.model": "memory of the model",
    "energy.inference": "energy of an inference",
    "latency.sustained": "sustained latency",
}


def reading_changes(device: str, before: Sequence[Reading], after: Sequence[Reading]) -> Iterator[FigureChange]:
    """Medians of what one device read in both runs: latency, times, memory, energy."""
    for found in compare_readings(before, after):
        sides = [_samples(side, found.metric) for side in (before, after)]
        if all(sides):
            yield _reading_change(
                device, found, _unit(after, found.metric), *(percentile(side, 50.0) for side in sides)
            )


def unavailable_readings(before: Sequence[Reading], after: Sequence[Reading]) -> Iterator[str]:
    """What both runs should have read, and one has not, with the reason."""
    for found in compare_readings(before, after):
        if not all(_samples(side, found.metric) for side in (before, after)):
            yield f"{TITLES.get(found.metric, found.metric)}: {found.reason}"


def _reading_change(device: str, found: ReadingChange, unit: str, old: float, new: float) -> FigureChange:
    told = found.comparison
    return FigureChange(
        metric=TITLES.get(found.metric, found.metric),
        where=device,
        unit=unit,
        before=old,
        after=new,
        change=(new / old - 1 if old else 0.0) if told is None else told.ratio - 1,
        low=-math.inf if told is None or not told.low else told.low - 1,
        high=math.inf if told is None else told.high - 1,
        confidence=LATENCY_CONFIDENCE,
        differs=None if told is None or math.isinf(told.high) else told.differs,
        reason=found.reason,
        relative=True,
    )


def _samples(readings: Sequence[Reading], metric: str) -> Sequence[float]:
    return next(reading.samples for reading in readings if reading.metric == metric)


def _unit(readings: Sequence[Reading], metric: str) -> str:
    return next(reading.unit for reading in readings if reading.metric == metric)


def _kind(parity: Parity) -> tuple[str, int, str]:
    """What must be the same for two comparisons to be of one kind; versions of a runtime may differ."""
    return parity.data, parity.samples, parity.evaluator.partition(" ")[0]


def _top1(old: Parity, new: Parity) -> Iterator[FigureChange]:
    losses = [_top1_loss(parity) for parity in (old, new)]
    if old.top1 is None or new.top1 is None or losses[0] is None or losses[1] is None:
        return
    same = _same(old.source_top1, new.source_top1)
    values = 100 * old.top1, 100 * new.top1
    yield _change("top-1 accuracy", new.data, "%", values, (losses[0], losses[1]), higher=True, same=same)


def _top1_loss(parity: Parity) -> tuple[float, float, float] | None:
    """Points lost against the source, with the ends of their interval, from examples that one of the two has right."""
    if parity.top1_lost is None or parity.top1_gained is None or not parity.samples:
        return None
    lost, gained, count = parity.top1_lost, parity.top1_gained, parity.samples
    loss = (lost - gained) / count
    half = _NORMAL * math.sqrt(max(0.0, (lost + gained) / count - loss**2) / count)
    return 100 * loss, 100 * (loss - half), 100 * (loss + half)


def _metrics(old: Parity, new: Parity) -> Iterator[FigureChange]:
    earlier = {} if old.task is None else {metric.name: metric for metric in old.task.metrics}
    for metric in () if new.task is None else new.task.metrics:
        then = earlier.get(metric.name)
        if then is not None:
            values = then.artifact, metric.artifact
            losses = _loss(then), _loss(metric)
            same = _same(then.source, metric.source)
            yield _change(
                metric.title, new.data, metric.unit, values, losses, higher=metric.higher_is_better, same=same
            )


def _same(before: float | None, after: float | None) -> bool:
    """Whether two runs' sources are as good as one another, as one source is; processors differ in the last digits."""
    return before is not None and after is not None and math.isclose(before, after, rel_tol=1e-6)


def _loss(metric: MetricFact) -> tuple[float, float, float]:
    return metric.loss, metric.low, metric.high


def _change(
    metric: str,
    where: str,
    unit: str,
    values: tuple[float, float],
    losses: tuple[tuple[float, float, float], tuple[float, float, float]],
    *,
    higher: bool,
    same: bool,
) -> FigureChange:
    """The change of a figure; `losses`: of each run against its source, with the ends of the interval."""
    (old, old_low, old_high), (new, new_low, new_high) = losses
    worse = new - old
    ends = worse - math.hypot(new - new_low, old_high - old), worse + math.hypot(new_high - new, old - old_low)
    known = same and all(map(math.isfinite, ends))
    low, high = ((-ends[1], -ends[0]) if higher else ends) if known else (-math.inf, math.inf)
    differs = None if not known else low > 0 or high < 0
    reasons = {None: "not compared: ", True: "differs", False: "no difference shown"}
    why = "the interval is not known" if same else "the source or the data is another"
    return FigureChange(
        metric=metric,
        where=where,
        unit=unit,
        before=values[0],
        after=values[1],
        change=(-worse if higher else worse) if same else values[1] - values[0],
        low=low,
        high=high,
        confidence=CONFIDENCE,
        differs=differs,
        reason=reasons[differs] + (why if differs is None else ""),
        higher_is_better=higher,
    )
