"""Lanes: what is tried next of one variant of a target, by what became of what was tried before."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.data.facts.points import Plan, Point, Role
from exporter.data.facts.storage import Storage
from exporter.data.settings.target import Target
from exporter.data.units import format_size
from exporter.formats.variants import Variant
from exporter.search.allocation import Allocation, allocate
from exporter.search.ladder import FIRST_ERROR, Ladder
from exporter.search.recipes import FLOATS, INTEGER, Table, islands_recipe, tables_text, weights_recipe
from exporter.use_cases.search.plans import KeyOf

SIZE = "size"
"""The metric of a file's bytes."""

STEP = 0.88
"""Of the smallest size that quick rounding holds: where slow rounding begins."""


Recipe = Callable[[Mapping[str, Storage], Table, str], Table | None]


@dataclass(frozen=True)
class Way:
    """How storages become a recipe.

    Attributes:
        usual: knobs that are turned first: it takes seconds.
        finer: knobs that may hold a smaller size, and take minutes; None where there are none.
        recipe: of storages, knobs and a description.
        share: of its lane.
        front: whether sizes above the smallest are worth a try.
        beside: what the variant's name is followed by.
    """

    usual: Table
    finer: Table | None
    recipe: Recipe
    share: int
    front: bool
    beside: str = ""


WEIGHTS = Way({"rounding": "gptq"}, {"rounding": "brecq", "rounding_budget": "240 s"}, weights_recipe, 3, front=True)
"""Most is to be found here."""

ISLANDS = Way(INTEGER[0], None, islands_recipe, 1, front=False, beside=" and float")
"""Layers that stay in floating point among integer ones."""


class Lane(Protocol):
    """What one variant wants tried.

    Attributes:
        target: name of its target.
        share: of the trials, beside the other lanes of its target.
    """

    target: str
    share: int

    def next(self) -> Plan | None:
        """The next plan; None while nothing is to be tried before more is known, or at all."""

    def told(self, point: Point) -> None:
        """What became of a plan of this lane."""


@dataclass
class _Stage:
    """Sizes that are tried with the same knobs.

    Attributes:
        usual: whether what fails is worth another try at another size: elsewhere the model cannot be had so at all,
            as a model that cannot be traced by blocks.
        refused: whether it was found that it cannot.
    """

    knobs: Table
    ladder: Ladder
    usual: bool
    refused: bool = False


class WeightsLane:
    """Implements `Lane` for variants whose weights can be stored in several ways.

    Bisection with quick rounding comes first; then, below what that found, with slow rounding; then the front.
    """

    def __init__(self, target: Target, variant: Variant, ladder: Ladder, key_of: KeyOf, way: Way = WEIGHTS) -> None:
        self.target, self.share = target.name, way.share
        self._variant, self._key_of, self._way = variant, key_of, way
        self._stages = [_Stage(way.usual, ladder, usual=way.finer is not None)]
        self._sizes: dict[str, tuple[_Stage, int]] = {}

    def next(self) -> Plan | None:
        """A size of a ladder, with the storages that lose least in it."""
        while (step := self._step()) is not None:
            stage, size, bisects = step
            found = allocate(stage.ladder.options, size)
            plan = None if found is None else self._plan(found, stage, bisects=bisects)
            if plan is not None and plan.key in self._sizes:
                first, tried = self._sizes[plan.key]
                if tried in first.ladder.waiting:
                    return None
            if plan is None or plan.key in self._sizes:
                stage.ladder.told(size, inside=False if plan is None else self._inside(plan))
                continue
            stage.ladder.asked(size)
            self._sizes[plan.key] = stage, size
            return plan
        return None

    def told(self, point: Point) -> None:
        """Go on from there."""
        stage, size = self._sizes[point.plan.key]
        stage.refused = point.size_bytes is None and not stage.usual
        excess = _excess(point)
        if excess is None or not stage.ladder.too_large(size, excess):
            stage.ladder.told(size, inside=point.inside)

    def _step(self) -> tuple[_Stage, int, bool] | None:
        for stage in (one for one in self._stages if not one.refused):
            size = stage.ladder.bisected()
            if size is not None:
                return stage, size, True
            if not stage.ladder.settled:
                return None
        first = self._stages[0]
        if self._way.finer is not None and len(self._stages) == 1 and first.ladder.passed:
            self._stages.append(_finer(first.ladder, self._way.finer))
            return self._step()
        between = first.ladder.between() if self._way.front else None
        return None if between is None else (first, between, False)

    def _inside(self, plan: Plan) -> bool:
        stage, size = self._sizes[plan.key]
        return size in stage.ladder.passed

    def _plan(self, found: Allocation, stage: _Stage, *, bisects: bool) -> Plan:
        role: Role = "bisection" if bisects else "front"
        why = _reason(found.size_bytes, found.error, stage, bisects=bisects)
        recipe = self._way.recipe(found.storages, stage.knobs, _described(found.storages))
        floats = [layer for layer, one in found.storages.items() if one.form in FLOATS]
        settings = tables_text(self.target, self._variant.settings(floats), recipe)
        return Plan(
            key=self._key_of(settings),
            target=self.target,
            variant=self._variant.name + self._way.beside,
            role=role,
            why=why,
            settings=settings,
            storages=found.storages,
            weights_bytes=found.size_bytes,
            predicted_error=found.error,
            knobs=stage.knobs,
        )


class FallbackLane:
    """Implements `Lane`: a second one begins where the first has nothing left to try and is inside no limits.

    Args:
        inside: whether the study has such a point of the first's already.
    """

    def __init__(self, first: Lane, second: Lane, *, inside: bool) -> None:
        self.target, self.share = first.target, first.share
        self._lanes, self._inside = (first, second), inside
        self._asked: dict[str, Lane] = {}

    def next(self) -> Plan | None:
        """Of the first, while it has any."""
        first, second = self._lanes
        plan, lane = first.next(), first
        if plan is None and not self._inside and first not in self._asked.values():
            plan, lane = second.next(), second
        if plan is not None:
            self._asked[plan.key] = lane
        return plan

    def told(self, point: Point) -> None:
        """To the lane whose plan it was."""
        lane = self._asked.pop(point.plan.key)
        self._inside = self._inside or (lane is self._lanes[0] and point.inside)
        lane.told(point)


class FixedLane:
    """Implements `Lane` for what leaves no choice."""

    share = 1

    def __init__(self, plan: Plan) -> None:
        self.target = plan.target
        self._plans = [plan]

    def next(self) -> Plan | None:
        """The one plan, once."""
        return self._plans.pop() if self._plans else None

    def told(self, point: Point) -> None:
        """Nothing depends on it."""


def _excess(point: Point) -> int | None:
    """Bytes by which a file is too large, where that is all that keeps it outside."""
    verdicts = point.problems
    if point.size_bytes is None or not verdicts or any(one.metric != SIZE for one in verdicts):
        return None
    return max(math.ceil(-(one.margin or 0)) for one in verdicts)


def _finer(ladder: Ladder, knobs: Table) -> _Stage:
    smallest = min(ladder.passed)
    return _Stage(knobs, Ladder(ladder.options, cap=smallest, first=int(STEP * smallest)), usual=False)


def _reason(size: int, error: float, stage: _Stage, *, bisects: bool) -> str:
    ladder = stage.ladder
    weights = f"weights of {format_size(size)} by {stage.knobs['rounding']}, predicted error {error:.2g}"
    if not bisects:
        return f"{weights}: between sizes that are inside every limit"
    if ladder.waiting and not (ladder.passed and ladder.failed):
        return f"{weights}: while {format_size(ladder.waiting[-1])} is being tried"
    if not ladder.passed and not ladder.failed:
        guess = "below what quick rounding holds" if ladder.first else f"at a predicted error of {FIRST_ERROR}"
        return f"{weights}: a first guess, {guess}"
    inside, outside = min(ladder.passed, default=None), max(ladder.failed, default=None)
    return f"{weights}: {_between(inside, outside)}"


def _between(inside: int | None, outside: int | None) -> str:
    if inside is None:
        return f"{format_size(outside or 0)} was not inside every limit"
    if outside is None:
        return f"{format_size(inside)} was inside every limit"
    return f"{format_size(outside)} was outside, {format_size(inside)} inside every limit"


def _described(storages: Mapping[str, Storage]) -> str:
    counts: dict[str, int] = {}
    for one in storages.values():
        counts[one.name] = counts.get(one.name, 0) + 1
    listed = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} layers as {name}" for name, count in listed)
