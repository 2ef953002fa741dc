"""The use case of `mobile-export budget`: measure subjects, judge them, and say how they changed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exporter.config.budgets import Budget, BudgetFile
from exporter.data.facts.sizes import Measurement
from exporter.data.progress import Progress
from exporter.data.results.sizes import BudgetResult
from exporter.data.verdict import exit_code, worst_first
from exporter.gates.baseline import Baseline, baseline_text, load_baseline
from exporter.gates.byte_limits import Gates, total
from exporter.gates.sizes import judge_sizes
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from exporter.sizes.stores import Rule, Selected, select
from exporter.store.output import write_text
from exporter.use_cases.size_rows import size_rows


@dataclass(frozen=True)
class Request:
    """What to check.

    Attributes:
        subjects: files and folders.
        options: what the user said about them.
        rules: store rules to choose from.
        minimum_os: of the app; None takes what a package itself says.
        invocation: how an App Clip is started; None is not only digitally.
        budgets: the team's file.
        extra: budgets of the command line.
        baseline: file or artifact of the build before.
        anchor: the same of an older build.
        today: the date.
        strict: what could not be checked fails.
    """

    subjects: Sequence[Path]
    options: Options
    rules: Sequence[Rule]
    today: dt.date
    minimum_os: str | None = None
    invocation: str | None = None
    budgets: BudgetFile = field(default_factory=BudgetFile)
    extra: tuple[Budget, ...] = ()
    baseline: Path | None = None
    anchor: Path | None = None
    strict: bool = False


def check_sizes(request: Request, progress: Progress) -> BudgetResult:
    """Measure and judge.

    Args:
        request: what to check.
        progress: shows which subject is being measured.

    Raises:
        UsageProblem: a subject, a baseline, a rule or a budget cannot be used.
    """
    measurements = []
    for path in dict.fromkeys(request.subjects):
        with progress.stage(f"Measuring {path}"):
            measurements += measure(path, request.options)
    before, anchor = _earlier(request, request.baseline), _earlier(request, request.anchor)
    budgets = request.budgets.model_copy(update={"budgets": (*request.budgets.budgets, *request.extra)})
    whole = total(measurements, request.options)
    rules = {found.subject: _rules(request, found) for found in [*measurements, *([whole] if whole else [])]}
    gates = Gates(
        today=request.today,
        rules=rules,
        budgets=budgets,
        baseline=before,
        anchor=anchor,
        baseline_name="" if request.baseline is None else str(request.baseline),
        anchor_name="" if request.anchor is None else str(request.anchor),
    )
    verdicts = tuple(worst_first(judge_sizes(measurements, gates, request.options)))
    code = exit_code(verdicts, strict=request.strict)
    return BudgetResult(tuple(measurements), whole, tuple(size_rows(measurements, whole, before)), verdicts, code)


def write_baseline(result: BudgetResult, path: Path) -> None:
    """Write the sizes found, to compare later builds with; whole or not at all."""
    text = baseline_text(result.measurements, dt.datetime.now(dt.UTC))
    write_text(path, text.encode("utf-8", "backslashreplace").decode())


def _earlier(request: Request, path: Path | None) -> Baseline | None:
    if path is None:
        return None
    return load_baseline(path, lambda found: measure(found, request.options))


def _rules(request: Request, found: Measurement) -> list[Selected]:
    minimum_os = request.minimum_os or request.budgets.minimum_os or found.minimum_os
    stores = dict.fromkeys((*request.options.stores, *request.budgets.stores))
    return select(request.rules, stores, minimum_os=minimum_os, invocation=request.invocation)
