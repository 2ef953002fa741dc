"""Global settings of int8 activations: few, and not independent, so that a sampler proposes them (Optuna)."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from exporter.data.facts.points import Plan, Point
from exporter.data.settings.target import Target
from exporter.execution.heavy import load
from exporter.formats.variants import Variant
from exporter.search.recipes import Table, integer_recipe, tables_text
from exporter.use_cases.search.plans import KeyOf, knobs_plan

JOURNAL = "optuna.jsonl"
TRIALS = 6
"""Settings that are tried of a variant, of the 24 that there are."""

FIRST: tuple[Table, ...] = (
    {"observer": "histogram", "equalize": False, "rounding": "nearest", "bias_correction": True},
    {"observer": "min_max", "equalize": False, "rounding": "gptq", "bias_correction": False},
)
"""Those that usually do well."""

_CHOICES: dict[str, tuple[Any, ...]] = {
    "observer": ("histogram", "min_max", "moving_average"),
    "equalize": (False, True),
    "rounding": ("nearest", "gptq"),
    "bias_correction": (True, False),
}


class KnobsLane:
    """Implements `Lane` for variants whose weights leave no choice and whose activations do.

    Args:
        folder: of the study, where the sampler's journal is kept.
        points: that the study has already; those of this variant count among the settings that are tried.
    """

    def __init__(
        self, target: Target, variant: Variant, key_of: KeyOf, folder: Path, points: Iterable[Point] = ()
    ) -> None:
        self.target = target.name
        self._settings, self._variant, self._key_of = target, variant, key_of
        self._study = _study(f"{target.name} {variant.name}", folder)
        self._waiting: dict[str, Any] = {}
        own = (point for point in points if (point.plan.target, point.plan.variant) == (target.name, variant.name))
        self._known = {point.plan.key: point for point in own if point.plan.key == key_of(point.plan.settings)}
        for knobs in FIRST:
            if self._plan(knobs).key not in self._known:
                self._study.enqueue_trial(knobs)

    def next(self) -> Plan | None:
        """What the sampler proposes; None after so many settings, and while each of them is at work."""
        for _ in range(4 * TRIALS):
            if len(self._known) + len(self._waiting) >= TRIALS:
                return None
            trial = self._study.ask()
            knobs = {name: trial.suggest_categorical(name, values) for name, values in _CHOICES.items()}
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
        recipe = integer_recipe(knobs, self._variant.says)
        settings = tables_text(self.target, self._variant.settings(()), recipe)
        return knobs_plan(self._settings, self._variant, settings, knobs, self._key_of)

    def _tell(self, trial: Any, point: Point) -> None:
        if point.loss is None or math.isnan(point.loss.value):
            self._study.tell(trial, state=load("optuna.trial").TrialState.FAIL)
            return
        trial.set_constraint("limits that are broken", len(point.problems))
        self._study.tell(trial, point.loss.value)


def _study(name: str, folder: Path) -> Any:
    optuna: Any = load("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=len(FIRST))
    return optuna.create_study(
        study_name=name, storage=optuna.storages.JournalStorage(journal), sampler=sampler, load_if_exists=True
    )
