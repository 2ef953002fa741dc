"""The search itself: sensitivities, then trials, each kept as soon as it is known."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.facts.points import Plan, Point
from exporter.data.facts.storage import Sensitivities, Storage, WeightFacts
from exporter.data.progress import Progress
from exporter.data.results.search import SearchResult
from exporter.data.settings.target import Target
from exporter.execution.executor import Cancelled, Done, Executor, Lost, Outcome, PlaceOptions, Ticket, executor_named
from exporter.execution.isolation import Trouble
from exporter.formats.registry import format_named
from exporter.formats.variants import Variant
from exporter.search.allocation import Option
from exporter.search.ladder import Ladder
from exporter.search.study import Asked, Study
from exporter.store.cache import key_of, open_cache
from exporter.store.code import code_digest
from exporter.store.output import output_folder
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.tools import tool_versions
from exporter.use_cases.search.knobs import KnobsLane
from exporter.use_cases.search.lanes import FixedLane, Lane, WeightsLane
from exporter.use_cases.search.limits import limited
from exporter.use_cases.search.measure import Part, measure
from exporter.use_cases.search.request import SearchRequest
from exporter.use_cases.search.sample import sample_notes
from exporter.use_cases.search.trial import Trial, Tried, carry_out

STRUCTURE_BYTES = 200_000
"""Room that a budget of a file is given beyond its weights at first: bisection finds what the structure takes."""


def search(request: SearchRequest, progress: Progress) -> SearchResult:
    """Carry out `request`; what was found until an interruption is in the study, and the same command goes on.

    Raises:
        UsageProblem: the request cannot be carried out as it stands.
        ToolError: the model cannot be had.
    """
    started = time.monotonic()
    work = _Work(request, progress)
    asked = work.asked
    _ = work.model.source  # so that trials, where they are copies of this process, have its libraries
    with output_folder(request.output):
        study = Study(request.output)
        study.begin(asked)
        options = PlaceOptions(at_once=work.at_once, scheduler=request.scheduler)
        with closing(executor_named(request.executor, progress, options)) as executor:
            hunt = _Hunt(work, study, executor, started + request.time_s)
            hunt.measure()
            hunt.try_all()
    return result_of(study, request.output, work.notes, hunt.unfinished, request.minimize)


def result_of(
    study: Study, folder: Path, notes: Sequence[str], unfinished: bool, minimize: str | None = None
) -> SearchResult:
    """What a study says."""
    if study.asked is None:
        raise UsageProblem(f"{folder} holds no study; `mobile-export search MODEL -o {folder}` makes one.")
    return SearchResult(
        model=study.asked.model,
        folder=folder,
        targets=tuple(study.asked.targets),
        points=tuple(study.points.values()),
        minimize=minimize or study.asked.options.get("minimize"),
        notes=tuple(notes),
        unfinished=unfinished,
    )


class _Work:
    """What a search is of, each part loaded as late as possible."""

    def __init__(self, request: SearchRequest, progress: Progress) -> None:
        if request.calibration is None:
            raise UsageProblem(
                "a search measures how much each layer bears on representative data: give --calibration."
            )
        self.request = request
        self.model = ModelAtHand(self.run, open_cache(request.cache_root, progress.note), progress)

    @cached_property
    def run(self) -> RunRequest:
        """What all trials share."""
        request = self.request
        return RunRequest(
            spec=request.spec,
            settings=request.settings,
            target_names=(),
            output=request.output,
            calibration=request.calibration,
            evaluation=request.evaluation,
            calibration_samples=request.calibration_samples,
            evaluation_samples=request.evaluation_samples,
            cache_root=request.cache_root,
            measure=self.timed,
            devices=request.devices,
        )

    @property
    def timed(self) -> bool:
        """Whether readings decide something, for which trials run one at a time."""
        request = self.request
        return request.max_latency_s is not None or request.minimize in ("latency", "energy") or bool(request.devices)

    @property
    def at_once(self) -> int | None:
        """How many trials run together."""
        return 1 if self.timed else self.request.workers

    @cached_property
    def targets(self) -> list[Target]:
        """With the budgets of the command line."""
        task = self.model.settings.task
        given = load_targets(self.request.target_names, user_file=self.request.targets_file)
        return [limited(target, self.request, task, labelled=self.labelled) for target in given]

    @property
    def labelled(self) -> bool:
        """Whether the evaluation data says what is true."""
        data = self.model.evaluation
        return data.truths is not None or data.labels is not None

    @property
    def decided_by(self) -> list[Any]:
        """What decides sensitivities and points beside their settings."""
        request, data = self.request, (self.model.calibration, self.model.evaluation)
        return [
            code_digest(),
            tool_versions(),
            self.model.description.digest,
            [None if one is None else one.digest for one in data],
            request.calibration_samples,
            request.evaluation_samples,
            self.timed,
            list(request.devices),
        ]

    @property
    def asked(self) -> Asked:
        """For the study."""
        request = self.request
        return Asked(
            model=request.spec,
            digest=self.model.description.digest,
            targets={target.name: target.model_dump(mode="json") for target in self.targets},
            options={
                "calibration": request.calibration,
                "evaluation": request.evaluation,
                "calibration_samples": request.calibration_samples,
                "evaluation_samples": request.evaluation_samples,
                "devices": list(request.devices),
                "minimize": request.minimize,
            },
            command_line=request.command_line,
        )

    @property
    def notes(self) -> list[str]:
        """What a person should know of the data."""
        size = min(self.model.evaluation.size, self.request.evaluation_samples or self.model.evaluation.size)
        return sample_notes(size, self.request.max_drop, labelled=self.labelled)


@dataclass
class _Hunt:
    """A search at work."""

    work: _Work
    study: Study
    executor: Executor
    deadline: float
    sensitivities: Sensitivities = field(default_factory=Sensitivities)
    unfinished: bool = False
    again: set[str] = field(default_factory=set)
    begun: Counter[str] = field(default_factory=Counter)

    def measure(self) -> None:
        """Have the sensitivities of all layers, from the study where it has them."""
        targets = tuple(self.work.targets)
        key = key_of(self.work.decided_by[:5], [target.model_dump(mode="json") for target in targets])
        known = self.study.sensitivities.get(key)
        if known is None:
            known = self._measured(targets)
            self.study.add_sensitivities(key, known)
        self.sensitivities = known

    def _measured(self, targets: tuple[Target, ...]) -> Sensitivities:
        parts = max(1, self.executor.slots)
        for index in range(parts):
            self.executor.submit(measure, Part(self.work.run, targets, index, parts), label="measure")
        found = [_sensitivities(outcome) for outcome in self._outcomes()]
        errors = {layer: given for one in found for layer, given in one.errors.items()}
        return Sensitivities(weights=found[0].weights, errors=errors)

    def try_all(self) -> None:
        """Trials until nothing is left that would tell anything, or the time is up."""
        lanes = self.lanes()
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
                    trials[self.executor.submit(carry_out, Trial(plan, self.work.run), label=plan.target)] = (
                        lane,
                        plan,
                    )
                else:
                    lane.told(self._kept(plan, outcome))

    def _begun(self, plan: Plan) -> Ticket:
        return self.executor.submit(carry_out, Trial(plan, self.work.run), label=plan.target)

    def lanes(self) -> list[Lane]:
        """One a variant of each target."""
        key = partial(_point_key, self.work.decided_by)
        return [
            self._lane(target, variant, key)
            for target in self.work.targets
            for variant in format_named(target.format).variants(target)
        ]

    def _lane(self, target: Target, variant: Variant, key: Callable[[str], str]) -> Lane:
        options = {weight.layer: self._options(weight, variant) for weight in self.sensitivities.weights}
        if variant.storages is None:
            return FixedLane(target, variant, key)
        if all(len(given) < 2 for given in options.values()):
            return KnobsLane(target, variant, key, self.study.folder, self.study.points.values())
        cap = target.budgets.size
        return WeightsLane(target, variant, Ladder(options, cap), key)

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
            self.begun[found[1].target] += 1
            yield found

    def _next(self, lanes: Sequence[Lane]) -> tuple[Lane, Plan] | None:
        """A plan of the target that had the fewest; what the study knows is told at once."""
        for lane in sorted(lanes, key=lambda lane: self.begun[lane.target]):
            while (plan := lane.next()) is not None:
                if plan.key not in self.study.points:
                    return lane, plan
                self.begun[plan.target] += 1
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

    def _outcomes(self) -> Iterator[Outcome]:
        while ended := self.executor.finished():
            yield from (outcome for _, outcome in ended)


def _sensitivities(outcome: Outcome) -> Sensitivities:
    if isinstance(outcome, Done):
        found: Sensitivities = outcome.value
        return found
    reason = outcome.sentence if isinstance(outcome, Trouble) else getattr(outcome, "reason", "it was called off")
    raise UsageProblem(f"the layers could not be measured: {reason}")


def _point_key(decided_by: Sequence[Any], settings: str) -> str:
    return key_of(decided_by, settings)
