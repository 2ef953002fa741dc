"""A search at work: sensitivities, then trials, each kept as soon as it is known."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from exporter.compression.recipe import load_recipe
from exporter.data.errors import UsageProblem
from exporter.data.facts.points import Plan, Point
from exporter.data.facts.storage import Sensitivities, Storage, WeightFacts
from exporter.data.settings.target import Target
from exporter.execution.executor import Cancelled, Done, Executor, Lost, Outcome, Ticket
from exporter.execution.isolation import Trouble
from exporter.formats.registry import format_named
from exporter.formats.variants import Variant
from exporter.search.allocation import Option, smallest
from exporter.search.ladder import Ladder
from exporter.search.recipes import tables_text
from exporter.search.study import Study
from exporter.store.cache import key_of
from exporter.use_cases.search.knobs import Knobs, KnobsLane, integer_knobs, pruned_knobs
from exporter.use_cases.search.lanes import ISLANDS, FallbackLane, FixedLane, Lane, WeightsLane
from exporter.use_cases.search.measure import Part, measure
from exporter.use_cases.search.plans import knobs_plan, own_plan
from exporter.use_cases.search.trial import Trial, Tried, carry_out
from exporter.use_cases.search.work import Work

PARTS = 8
"""That layers are dealt out to at most: each loads the model."""


@dataclass
class Hunt:
    """A search at work."""

    work: Work
    study: Study
    executor: Executor
    deadline: float
    sensitivities: Sensitivities = field(default_factory=Sensitivities)
    unfinished: bool = False
    again: set[str] = field(default_factory=set)
    begun: Counter[str | Lane] = field(default_factory=Counter)

    def measure(self) -> None:
        """Have the sensitivities of all layers, from the study where it has them."""
        targets = tuple(self.work.targets)
        if all(variant.storages is None for target in targets for variant in _variants(target)):
            return  # their formats choose by themselves
        key = key_of(self.work.decided_by, [target.model_dump(mode="json") for target in targets])
        known = self.study.sensitivities.get(key)
        if known is None:
            known = self._measured(targets)
            self.study.add_sensitivities(key, known)
        self.sensitivities = known

    def _measured(self, targets: tuple[Target, ...]) -> Sensitivities:
        parts = max(1, min(self.executor.slots, PARTS))
        shares = [Part(self.work.run, targets, index, parts) for index in range(parts)]
        found = [_sensitivities(outcome) for outcome in self._carried_out(shares)]
        errors = {layer: given for one in found for layer, given in one.errors.items()}
        return Sensitivities(weights=found[0].weights, errors=errors)

    def _carried_out(self, shares: Sequence[Part]) -> Iterator[Outcome]:
        """What became of each; one whose process was lost is measured once more."""
        at_work = {self.executor.submit(measure, share, label="measure"): (share, True) for share in shares}
        while at_work:
            for ticket, outcome in self.executor.finished():
                share, first = at_work.pop(ticket)
                if isinstance(outcome, Lost) and first:
                    at_work[self.executor.submit(measure, share, label="measure")] = share, False
                else:
                    yield outcome

    def try_own(self) -> None:
        """The targets as they stand, which gives a first answer before anything is measured."""
        self._try([FixedLane(self._own(target)) for target in self.work.targets])

    def try_all(self) -> None:
        """Trials until nothing is left that would tell anything, or the time is up."""
        self._try(self.lanes())

    def _own(self, target: Target) -> Plan:
        recipe = target.recipe and load_recipe(target.recipe, targets_file=self.work.request.targets_file)
        return own_plan(target, recipe or None, self._key_of)

    def _try(self, lanes: Sequence[Lane]) -> None:
        trials: dict[Ticket, tuple[Lane, Plan]] = {}
        while True:
            for lane, plan in self._wanted(lanes, len(trials)):
                trials[self._begun(plan)] = lane, plan
            if not trials:
                return
            for ticket, outcome in self.executor.finished():
                lane, plan = trials.pop(ticket)
                if isinstance(outcome, Lost) and plan.key not in self.again:
                    self.again.add(plan.key)
                    trials[self._begun(plan)] = lane, plan
                else:
                    lane.told(self._kept(plan, outcome))

    def _begun(self, plan: Plan) -> Ticket:
        return self.executor.submit(carry_out, Trial(plan, self.work.run), label=plan.target)

    def lanes(self) -> list[Lane]:
        """One a variant of each target."""
        pairs = [(target, variant) for target in self.work.targets for variant in _variants(target)]
        found = [self._lane(target, variant) for target, variant in pairs]
        if self.work.request.training is not None:
            found += [self._pruned(target, variant) for target, variant in pairs if variant.storages is not None]
        return found

    @cached_property
    def _key_of(self) -> Callable[[str], str]:
        return partial(_point_key, self.work.decided_by)

    def _lane(self, target: Target, variant: Variant) -> Lane:
        key = self._key_of
        options = {weight.layer: self._options(weight, variant) for weight in self.sensitivities.weights}
        if variant.storages is None:
            settings = tables_text(target.name, variant.settings(()), None)
            return FixedLane(knobs_plan(target, variant, settings, {}, key))
        cap = target.budgets.size
        if variant.activations == "float":
            return WeightsLane(target, variant, Ladder(options, cap), key)
        whole = smallest(options)
        islands = WeightsLane(target, variant, Ladder(options, cap, failed=[whole]), key, ISLANDS)
        known = [point for point in self.study.points.values() if point.plan.target == target.name]
        inside = any(point.inside for point in known if point.plan.variant == variant.name)
        return FallbackLane(self._knobs(target, variant, integer_knobs(variant)), islands, inside=inside)

    def _pruned(self, target: Target, variant: Variant) -> Lane:
        epochs = self.work.request.training_epochs
        return self._knobs(target, variant, pruned_knobs(variant, self.sensitivities.weights, epochs))

    def _knobs(self, target: Target, variant: Variant, knobs: Knobs) -> Lane:
        return KnobsLane(target, variant, knobs, self._key_of, self.study.folder, self.study.points.values())

    def _options(self, weight: WeightFacts, variant: Variant) -> list[Option]:
        """Storages whose error is known; of layers that no example reaches the most exact."""
        storages: Sequence[Storage] = variant.storages(weight) if variant.storages else ()
        errors = self.sensitivities.errors.get(weight.layer, {})
        known = [
            Option(storage=one, size_bytes=one.bytes_of(weight), error=errors[one.name])
            for one in storages
            if one.name in errors
        ]
        return known or [Option(storage=one, size_bytes=one.bytes_of(weight), error=0.0) for one in storages[:1]]

    def _wanted(self, lanes: Sequence[Lane], at_work: int) -> Iterator[tuple[Lane, Plan]]:
        """Plans for the places that are free; what the study knows is told at once."""
        while at_work < self.executor.slots and (found := self._next(lanes)) is not None:
            if time.monotonic() > self.deadline:
                self.unfinished = True
                return
            at_work += 1
            yield found

    def _next(self, lanes: Sequence[Lane]) -> tuple[Lane, Plan] | None:
        """A plan of the target that had the fewest, and of its lane that had; what the study knows is told at once."""
        for lane in sorted(lanes, key=lambda lane: (self.begun[lane.target], self.begun[lane] / lane.share)):
            while (plan := lane.next()) is not None:
                self.begun.update((lane.target, lane))
                if plan.key not in self.study.points:
                    return lane, plan
                lane.told(self.study.points[plan.key])
        return None

    def _kept(self, plan: Plan, outcome: Outcome) -> Point:
        match outcome:
            case Done():
                tried: Tried = outcome.value
                self.study.add(tried.point, tried.files)
                return tried.point
            case Trouble():
                point = Point(plan=plan, error=outcome.sentence)
            case Lost():
                point = Point(plan=plan, error=f"{outcome.reason}, twice")
            case Cancelled():
                point = Point(plan=plan, error="it was called off")
        self.study.add(point, {})
        return point


def _variants(target: Target) -> Sequence[Variant]:
    return format_named(target.format).variants(target)


def _sensitivities(outcome: Outcome) -> Sensitivities:
    if isinstance(outcome, Done):
        found: Sensitivities = outcome.value
        return found
    reason = outcome.sentence if isinstance(outcome, Trouble) else getattr(outcome, "reason", "it was called off")
    raise UsageProblem(f"the layers could not be measured: {reason}")


def _point_key(decided_by: Sequence[Any], settings: str) -> str:
    return key_of(decided_by, settings)
