"""What the light install does: sizes, records, what is inside a file, the targets and devices that there are."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.api.given import PathText, path_of
from exporter.api.results import (
    BudgetResult,
    CompareResult,
    DevicesResult,
    InspectResult,
    RunResult,
    TargetsResult,
    shown,
)
from exporter.data.errors import UsageProblem
from exporter.data.progress import Silent
from exporter.report.renderer import Result, View, names_for
from exporter.report.renderer import render as _render

if TYPE_CHECKING:
    from exporter.data.settings.target import Target


def inspect(artifact: PathText) -> InspectResult:
    """What is inside a model file or package that anyone made.

        >>> found = inspect("model.tflite")
        >>> found.inspection.format, found.inspection.size_bytes
        ('tflite', 600000)

    Raises:
        UsageProblem: not there, of another form, or damaged.
    """
    from exporter.use_cases.inspect import inspect_artifact

    return shown(InspectResult, inspect_artifact(Path(artifact)))


def budget(
    *subjects: PathText,
    stores: Sequence[str] = (),
    minimum_os: str | None = None,
    budgets_file: PathText | None = None,
    max_download: str | None = None,
    max_install: str | None = None,
    baseline: PathText | None = None,
    strict: bool = False,
) -> BudgetResult:
    """Measure download and install sizes and judge them by store rules, budgets and a baseline.

        >>> found = budget("model.tflite", max_install="500 kB")
        >>> found.exit_code
        1
        >>> [(verdict.metric, verdict.status.value) for verdict in found.verdicts]
        [('install.max', 'failed')]

    Args:
        subjects: models, apps, packages, size reports of other tools, or a run.json.
        stores: whose rules judge: ``app-store``, ``google-play``, ...
        minimum_os: of the app, such as ``iOS 16``; None takes what a package itself says.
        budgets_file: the team's budgets and waivers.
        max_download: most bytes of each subject's download, such as ``5 MB``.
        max_install: most bytes of each subject on the device.
        baseline: a baseline file, an artifact, or a run.json of the build before.
        strict: what could not be checked fails.

    Raises:
        UsageProblem: a subject, a baseline, a rule or a budget cannot be used.
    """
    from exporter.config.budgets import Budget, load_budgets
    from exporter.sizes.packaging import Options
    from exporter.sizes.stores import load_rules
    from exporter.use_cases.budget import Request, check_sizes

    team = load_budgets(path_of(budgets_file))
    limits = {"download": max_download, "install": max_install}
    request = Request(
        subjects=tuple(map(Path, subjects)),
        options=Options(stores=tuple(dict.fromkeys((*stores, *team.stores)))),
        rules=load_rules(None),
        today=dt.datetime.now(dt.UTC).date(),
        minimum_os=minimum_os,
        budgets=team,
        extra=tuple(Budget.model_validate({"metric": name, "max": most}) for name, most in limits.items() if most),
        baseline=path_of(baseline),
        strict=strict,
    )
    return shown(BudgetResult, check_sizes(request, Silent()))


def compare(before: PathText, after: PathText) -> CompareResult:
    """Why an artifact or a run grew: two artifacts, packages or folders, or two run.json.

        >>> compare("small.tflite", "model.tflite").diffs[0].size.bytes
        500000

    Raises:
        UsageProblem: one of them cannot be read, or only one is a run.
    """
    from exporter.use_cases.compare import compare as carry_out

    return shown(CompareResult, carry_out(Path(before), Path(after)))


def report(run_json: PathText, baseline: PathText | None = None) -> RunResult:
    """A run again, as its ``run.json`` has it, with what grew since a `baseline`.

    Raises:
        UsageProblem: unreadable, no run record, or written by a newer version.
    """
    from exporter.use_cases.report import reopen

    return shown(RunResult, reopen(Path(run_json), path_of(baseline)))


def targets(targets_file: PathText | None = None) -> TargetsResult:
    """Every target there is, unchecked.

    >>> [row.name for row in targets().rows if row.name.startswith("iphone")]
    ['iphone-15', 'iphone-15-small', 'iphone-15-w8a8', 'iphone-se-2', 'iphone-7']
    """
    from exporter.use_cases.targets import list_targets

    return shown(TargetsResult, list_targets(path_of(targets_file)))


def target(name: str, targets_file: PathText | None = None) -> "Target":
    """One target with every setting.

        >>> target("iphone-15").minimum_os
        'iOS 18'

    Raises:
        UsageProblem: an unknown name, or settings with errors.
    """
    from exporter.use_cases.targets import show_target

    return show_target(name, path_of(targets_file)).target


def devices() -> DevicesResult:
    """This machine, every Apple device and every device behind adb, each with its state and what to do."""
    from device_harness.discovery import discover

    listing = discover()
    return DevicesResult(listing.devices, tuple(map(str, listing.problems)))


def render(form: str, result: Result, *, rows: int = View().rows) -> str:
    """`result` as text in a format: ``text``, ``json``, ``html``, ``markdown``, ``junit``, ...

        >>> print(render("markdown", compare("model.tflite", "model.tflite")).splitlines()[2])
        | by layer | before | after | change |

    Raises:
        UsageProblem: results of this kind cannot be had in this format.
    """
    names = names_for(result.kind)
    if form not in names:
        raise UsageProblem(f"a result of {result.kind} cannot be had as {form!r}; it can as {', '.join(names)}.")
    return _render(form, result, View(rows))
