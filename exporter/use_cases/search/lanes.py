"""Lanes: what is tried next of one variant of a target, by what became of what was tried before."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.data.facts.points import Plan, Point, Role
from exporter.data.facts.storage import Storage
from exporter.data.settings.target import Target
from exporter.data.units import format_size
from exporter.formats.variants import Variant
from exporter.search.allocation import Allocation, allocate
from exporter.search.ladder import FIRST_ERROR, Ladder
from exporter.search.recipes import FLOATS, Table, tables_text, weights_recipe
from exporter.use_cases.search.plans import KeyOf

USUAL: Table = {"rounding": "gptq"}
"""Knobs of the weights that are turned first: it takes seconds."""

FINER: Table = {"rounding": "brecq", "rounding_budget": "240 s"}
"""What may hold a smaller size, and takes minutes."""

SIZE = "size"
"""The metric of a file's bytes."""

STEP = 0.88
"""Of the smallest size that quick rounding holds: where slow rounding begins."""


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
        refused: whether the model cannot be rounded so at all, as a model that cannot be traced by blocks.
    """

    knobs: Table
    ladder: Ladder
    refused: bool = False


class WeightsLane:
    """Implements `Lane` for variants whose weights can be stored in several ways.

    Bisection with quick rounding comes first; then, below what that found, with slow rounding; then the front.
    """

    share = 3  # most is to be found here

    def __init__(self, target: Target, variant: Variant, ladder: Ladder, key_of: KeyOf) -> None:
        self.target = target.name
        self._settings, self._variant, self._key_of = target, variant, key_of
        self._stages = [_Stage(USUAL, ladder)]
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
        stage.refused = point.size_bytes is None and stage.knobs == FINER
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
        if len(self._stages) == 1 and first.ladder.passed:
            self._stages.append(_finer(first.ladder))
            return self._step()
        between = first.ladder.between()
        return None if between is None else (first, between, False)

    def _inside(self, plan: Plan) -> bool:
        stage, size = self._sizes[plan.key]
        return size in stage.ladder.passed

    def _plan(self, found: Allocation, stage: _Stage, *, bisects: bool) -> Plan:
        role: Role = "bisection" if bisects else "front"
        why = _reason(found.size_bytes, found.error, stage, bisects=bisects)
        recipe = weights_recipe(found.storages, stage.knobs, _described(found.storages))
        floats = [layer for layer, one in found.storages.items() if one.form in FLOATS]
        settings = tables_text(self.target, self._variant.settings(floats), recipe)
        return Plan(
            key=self._key_of(settings),
            target=self.target,
            variant=self._variant.name,
            role=role,
            why=why,
            settings=settings,
            storages=found.storages,
            weights_bytes=found.size_bytes,
            predicted_error=found.error,
            knobs=stage.knobs,
        )


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


def _finer(ladder: Ladder) -> _Stage:
    smallest = min(ladder.passed)
    return _Stage(FINER, Ladder(ladder.options, cap=smallest, first=int(STEP * smallest)))


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
