"""The Python interface, for notebooks and scripts: what the commands do, as functions with types.

    from exporter import api

    result = api.run("torchvision:mobilenet_v2", ["pixel-8"], calibration="images/", output="build/")
    print(api.render("text", result))

Every function gives a frozen result with its `verdicts`, none where nothing is judged, and the `exit_code` that the
command would end with. Nothing is printed. Errors are those of `exporter.data.errors`: `UsageProblem` for input that is
wrong, `ToolError` for what failed on input that looked right; and `DeviceError` for devices.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from exporter.data.errors import UsageProblem
from exporter.data.progress import Progress, Silent
from exporter.data.results.commands import CompressResult, InspectResult, RunResult, VerifyResult
from exporter.data.results.listings import TargetsResult
from exporter.data.results.search import SearchResult
from exporter.data.results.sizes import BudgetResult, CompareResult
from exporter.execution.heavy import need
from exporter.report.renderer import Result, View, names_for
from exporter.report.renderer import render as _render
from exporter.use_cases.options import CompressOptions, RunOptions, SearchOptions

if TYPE_CHECKING:
    from exporter.data.settings.model import ModelSettings
    from exporter.data.settings.target import Target

PathText = str | PathLike[str]


def run(
    model: str,
    targets: Iterable[str],
    *,
    output: PathText = "build",
    settings: Mapping[str, object] | None = None,
    targets_file: PathText | None = None,
    progress: Progress | None = None,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Convert `model` for each target; verify, inspect, gate and measure the artifacts; write a report.

    Args:
        model: as the command's MODEL: ``torchvision:NAME``, ``file.py:factory``, a .pt2, .pt or .onnx file.
        targets: names, of presets or of `targets_file`.
        output: folder for artifacts, ``run.json`` and ``report.html``.
        settings: of the model, as in a ``[model]`` table: ``{"mean": 0.5, "inputs": [...]}``; over the file's.
        targets_file: targets of your own; None takes ``targets.toml`` of the current folder when there is one.
        progress: shows what is being done; None shows nothing.
        options: ``calibration`` and ``evaluation`` (data of any kind of ``docs/data.md``) with
            ``calibration_samples`` (100) and ``evaluation_samples`` (all); ``training``, images for recipes;
            ``verify=False`` compares nothing and writes no report, ``measure=False`` takes no readings here;
            ``devices``, serials to profile on; ``routes``, the only ways to convert by; ``strict``, what could not be
            checked fails; ``force``, nothing is taken from the cache.

    Raises:
        UsageProblem: the request cannot be carried out as it stands.
        ToolError: the model cannot be had, or the record not be written.
    """
    need("torch")
    from exporter.use_cases.job.request import RunRequest
    from exporter.use_cases.report import result_of, write_page
    from exporter.use_cases.run import run as carry_out

    request = RunRequest(
        spec=model,
        settings=_model_settings(settings, targets_file),
        target_names=tuple(targets),
        output=Path(output),
        targets_file=_path(targets_file),
        command_line=("exporter.api.run", model),
        **options,
    )
    result = result_of(carry_out(request, progress or Silent()), request.output, verified=request.verify)
    if result.verified:
        write_page(result)
    return result


def compress(
    model: str,
    recipe: PathText,
    output: PathText,
    *,
    settings: Mapping[str, object] | None = None,
    targets_file: PathText | None = None,
    progress: Progress | None = None,
    **options: Unpack[CompressOptions],
) -> CompressResult:
    """Compress `model` by a recipe and write it to `output`, a .pt2 file; arguments as for `run`.

    Args:
        recipe: a name in `targets_file`, or a TOML file.
        options: ``training``, ``calibration``, ``calibration_samples`` as for `run`; ``seed`` instead of the recipe's.

    Raises:
        UsageProblem: the recipe, the model or the data do not fit; nothing was written.
        ToolError: a training diverged, or the result cannot be exported.
    """
    need("torch")
    from exporter.use_cases.compress import CompressRequest
    from exporter.use_cases.compress import compress as carry_out

    request = CompressRequest(
        spec=model,
        settings=_model_settings(settings, targets_file),
        recipe=str(recipe),
        output=Path(output),
        targets_file=_path(targets_file),
        **options,
    )
    return carry_out(request, progress or Silent())


def search(
    model: str,
    targets: Iterable[str],
    calibration: str,
    *,
    output: PathText = "study",
    settings: Mapping[str, object] | None = None,
    targets_file: PathText | None = None,
    progress: Progress | None = None,
    **options: Unpack[SearchOptions],
) -> SearchResult:
    """Find how `model` is best compressed for each target: inside every budget, at the least loss.

    Args:
        calibration: representative data, of any kind of ``docs/data.md``.
        output: folder of the study; the same call goes on with the one that is there.
        options: ``evaluation`` with ``evaluation_samples``; budgets in place of the targets' own: ``max_size`` (bytes),
            ``max_drop`` (points), ``max_latency_s``; ``devices`` to measure on; ``minimize``; ``time_s``, after which
            nothing is begun; ``executor``, ``workers`` and ``scheduler`` say where trials run (``docs/execution.md``).

    Raises:
        UsageProblem: the request cannot be carried out as it stands.
        ToolError: the model cannot be had.
    """
    need("torch")
    from exporter.use_cases.search.request import SearchRequest
    from exporter.use_cases.search.search import search as carry_out

    request = SearchRequest(
        spec=model,
        settings=_model_settings(settings, targets_file),
        target_names=tuple(targets),
        output=Path(output),
        targets_file=_path(targets_file),
        calibration=calibration,
        command_line=("exporter.api.search", model),
        **options,
    )
    return carry_out(request, progress or Silent())


def verify(
    artifact: PathText,
    model: str,
    target: str,
    *,
    settings: Mapping[str, object] | None = None,
    targets_file: PathText | None = None,
    evaluation: str | None = None,
    evaluation_samples: int | None = None,
    layers: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> VerifyResult:
    """Compare an artifact that anyone made with the `model` that it came from, by the tolerances of `target`.

    Args:
        layers: compare layer by layer too, where the format tells layers; the others as for `run`.

    Raises:
        UsageProblem: the artifact is damaged, of another format than the target, or not of this model.
        ToolError: it does not run.
    """
    need("torch")
    from exporter.use_cases.job.request import RunRequest
    from exporter.use_cases.verify import verify as carry_out

    request = RunRequest(
        spec=model,
        settings=_model_settings(settings, targets_file),
        target_names=(target,),
        output=Path(),
        targets_file=_path(targets_file),
        evaluation=evaluation,
        evaluation_samples=evaluation_samples,
        strict=strict,
    )
    return carry_out(request, Path(artifact), progress or Silent(), layers=layers)


def inspect(artifact: PathText) -> InspectResult:
    """What is inside a model file or package that anyone made.

    Raises:
        UsageProblem: not there, of another form, or damaged.
    """
    from exporter.use_cases.inspect import inspect_artifact

    return inspect_artifact(Path(artifact))


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

    team = load_budgets(_path(budgets_file))
    limits = {"download": max_download, "install": max_install}
    request = Request(
        subjects=tuple(map(Path, subjects)),
        options=Options(stores=tuple(dict.fromkeys((*stores, *team.stores)))),
        rules=load_rules(None),
        today=dt.datetime.now(dt.UTC).date(),
        minimum_os=minimum_os,
        budgets=team,
        extra=tuple(Budget.model_validate({"metric": name, "max": most}) for name, most in limits.items() if most),
        baseline=_path(baseline),
        strict=strict,
    )
    return check_sizes(request, Silent())


def compare(before: PathText, after: PathText) -> CompareResult:
    """Why an artifact or a run grew: two artifacts, packages or folders, or two run.json.

    Raises:
        UsageProblem: one of them cannot be read, or only one is a run.
    """
    from exporter.use_cases.compare import compare as carry_out

    return carry_out(Path(before), Path(after))


def report(run_json: PathText, baseline: PathText | None = None) -> RunResult:
    """A run again, as its ``run.json`` has it, with what grew since a `baseline`.

    Raises:
        UsageProblem: unreadable, no run record, or written by a newer version.
    """
    from exporter.use_cases.report import reopen

    return reopen(Path(run_json), _path(baseline))


def targets(targets_file: PathText | None = None) -> TargetsResult:
    """Every target there is, unchecked."""
    from exporter.use_cases.targets import list_targets

    return list_targets(_path(targets_file))


def target(name: str, targets_file: PathText | None = None) -> "Target":
    """One target with every setting.

    Raises:
        UsageProblem: an unknown name, or settings with errors.
    """
    from exporter.use_cases.targets import show_target

    return show_target(name, _path(targets_file)).target


def render(form: str, result: Result, *, rows: int = View().rows) -> str:
    """`result` as text in a format: ``text``, ``json``, ``html``, ``markdown``, ``junit``, ...

    Raises:
        UsageProblem: results of this kind cannot be had in this format.
    """
    names = names_for(result.kind)
    if form not in names:
        raise UsageProblem(f"a result of {result.kind} cannot be had as {form!r}; it can as {', '.join(names)}.")
    return _render(form, result, View(rows))


def _path(given: PathText | None) -> Path | None:
    return None if given is None else Path(given)


def _model_settings(given: Mapping[str, object] | None, targets_file: PathText | None) -> "ModelSettings":
    from exporter.config.model import model_settings

    return model_settings(_path(targets_file), dict(given or {}))
