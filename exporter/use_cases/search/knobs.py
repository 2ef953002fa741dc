"""Global settings of int8 activations and of pruning: few, and not independent; a sampler proposes them (Optuna)."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.data.facts.points import Plan, Point
from exporter.data.facts.storage import WeightFacts
from exporter.data.settings.target import Target
from exporter.execution.heavy import load
from exporter.formats.variants import Variant
from exporter.search.recipes import INTEGER, Table, integer_recipe, pruned_recipe, stored, tables_text
from exporter.use_cases.search.plans import KeyOf, knobs_plan

JOURNAL = "optuna.jsonl"
TRIALS = 6
"""Settings that are tried of a variant."""


@dataclass(frozen=True)
class Knobs:
    """Global settings of a variant.

    Attributes:
        name: of the study in the journal, and of its points.
        choices: values of each.
        first: settings that usually do well.
        recipe: that they make.
    """

    name: str
    choices: Mapping[str, tuple[Any, ...]]
    first: tuple[Table, ...]
    recipe: Callable[[Table], Table]


PRUNED: tuple[Table, ...] = ({"macs": "0.75"}, {"macs": "0.5"})


def integer_knobs(variant: Variant) -> Knobs:
    """How ranges of activations are found, and weights rounded."""
    choices = {
        "observer": ("histogram", "min_max", "moving_average"),
        "equalize": (False, True),
        "rounding": ("nearest", "gptq"),
        "bias_correction": (True, False),
    }
    return Knobs(variant.name, choices, INTEGER, lambda knobs: integer_recipe(knobs, variant.says))


def pruned_knobs(variant: Variant, weights: Iterable[WeightFacts], epochs: int) -> Knobs:
    """How many channels stay, and how the weights that stay are stored, which is alike for all layers.

    Args:
        weights: of the model that is pruned.
        epochs: of each recovery.
    """
    stores = {"int8": {"method": "static_quantization", **INTEGER[0]}}
    if variant.activations == "float" and variant.storages is not None:
        offered = {one.name: one for weight in weights for one in variant.storages(weight) if one.anywhere}
        stores = {name: stored(one, {"rounding": "gptq"}) for name, one in offered.items()}
    choices = {"macs": ("0.85", "0.75", "0.65", "0.5", "0.35"), "weights": tuple(stores)}
    usual = next(iter(stores))

    def recipe(knobs: Table) -> Table:
        return pruned_recipe(float(knobs["macs"]), epochs, stores[knobs["weights"]], f"pruned, {variant.says}")

    first = tuple({**one, "weights": usual} for one in PRUNED)
    return Knobs(f"pruned {variant.name}", choices, first, recipe)


class KnobsLane:
    """Implements `Lane` for what is chosen by global settings alone.

    Args:
        folder: of the study, where the sampler's journal is kept.
        points: that the study has already; those of this variant count among the settings that are tried.
    """

    share = 1

    def __init__(
        self,
        target: Target,
        variant: Variant,
        knobs: Knobs,
        key_of: KeyOf,
        folder: Path,
        points: Iterable[Point] = (),
    ) -> None:
        self.target = target.name
        self._settings, self._variant, self._knobs, self._key_of = target, variant, knobs, key_of
        self._most = min(TRIALS, math.prod(len(values) for values in knobs.choices.values()))
        self._study = _study(f"{target.name} {knobs.name}", folder, len(knobs.first))
        self._waiting: dict[str, Any] = {}
        own = (point for point in points if (point.plan.target, point.plan.variant) == (target.name, knobs.name))
        self._known = {point.plan.key: point for point in own if point.plan.key == key_of(point.plan.settings)}
        for first in knobs.first:
            if self._plan(first).key not in self._known:
                self._study.enqueue_trial(first)

    def next(self) -> Plan | None:
        """What the sampler proposes; None after so many settings, and while each of them is at work."""
        for _ in range(4 * TRIALS):
            if len(self._known) + len(self._waiting) >= self._most:
                return None
            trial = self._study.ask()
            knobs = {name: trial.suggest_categorical(name, values) for name, values in self._knobs.choices.items()}
            plan = self._plan(knobs)
            if plan.key in self._known:
                self._tell(trial, self._known[plan.key])
            elif plan.key not in self._waiting:
                self._waiting[plan.key] = trial
                return plan
        return None

    def told(self, point: Point) -> None:
        """The sampler learns of it."""
        self._known[point.plan.key] = point
        self._tell(self._waiting.pop(point.plan.key), point)

    def _plan(self, knobs: Table) -> Plan:
        settings = tables_text(self.target, self._variant.settings(()), self._knobs.recipe(knobs))
        return knobs_plan(self._settings, self._variant, settings, knobs, self._key_of, self._knobs.name)

    def _tell(self, trial: Any, point: Point) -> None:
        if point.loss is None or math.isnan(point.loss.value):
            self._study.tell(trial, state=load("optuna.trial").TrialState.FAIL)
            return
        trial.set_constraint("limits that are broken", len(point.problems))
        self._study.tell(trial, point.loss.value)


def _study(name: str, folder: Path, first: int) -> Any:
    optuna: Any = load("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=first)
    return optuna.create_study(
        study_name=name, storage=optuna.storages.JournalStorage(journal), sampler=sampler, load_if_exists=True
    )
