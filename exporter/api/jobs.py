"""What needs the extra `export`: a model in, converted, compressed, searched, compared or looked at."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Unpack

from exporter.api.given import PathText, path_of, settings_of
from exporter.api.results import CheckResult, CompressResult, RunResult, SearchResult, VerifyResult, shown
from exporter.data.progress import Progress, Silent
from exporter.execution.heavy import need
from exporter.use_cases.options import CompressOptions, ConvertOptions, RunOptions, SearchOptions


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
        settings=settings_of(settings, targets_file),
        target_names=tuple(targets),
        output=Path(output),
        targets_file=path_of(targets_file),
        command_line=("mobile_export.run", model),
        **options,
    )
    result = result_of(carry_out(request, progress or Silent()), request.output, verified=request.verify)
    if result.verified:
        write_page(result)
    return shown(RunResult, result)


def convert(
    model: str,
    targets: Iterable[str],
    *,
    output: PathText = "build",
    settings: Mapping[str, object] | None = None,
    targets_file: PathText | None = None,
    progress: Progress | None = None,
    **options: Unpack[ConvertOptions],
) -> RunResult:
    """Convert `model` for each target and gate the size, without running anything; arguments and errors as for `run`.

    Args:
        options: ``calibration`` with ``calibration_samples``, ``routes`` and ``force`` as for `run`.
    """
    return run(
        model,
        targets,
        output=output,
        settings=settings,
        targets_file=targets_file,
        progress=progress,
        verify=False,
        measure=False,
        **options,
    )


def check(
    model: str,
    targets: Iterable[str],
    *,
    settings: Mapping[str, object] | None = None,
    targets_file: PathText | None = None,
    routes: Iterable[str] = (),
    strict: bool = False,
    progress: Progress | None = None,
) -> CheckResult:
    """Say of each operator of `model` whether each target takes it, before anything is converted; as for `run`.

    Raises:
        UsageProblem: no such model or target.
        ToolError: the model does not run, so that no target can have it.
    """
    need("torch")
    from exporter.use_cases.check import check as carry_out
    from exporter.use_cases.job.request import RunRequest

    request = RunRequest(
        spec=model,
        settings=settings_of(settings, targets_file),
        target_names=tuple(targets),
        output=Path(),
        targets_file=path_of(targets_file),
        routes=tuple(routes),
        strict=strict,
    )
    return shown(CheckResult, carry_out(request, progress or Silent()))


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
        settings=settings_of(settings, targets_file),
        recipe=str(recipe),
        output=Path(output),
        targets_file=path_of(targets_file),
        **options,
    )
    return shown(CompressResult, carry_out(request, progress or Silent()))


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
        settings=settings_of(settings, targets_file),
        target_names=tuple(targets),
        output=Path(output),
        targets_file=path_of(targets_file),
        calibration=calibration,
        command_line=("mobile_export.search", model),
        **options,
    )
    return shown(SearchResult, carry_out(request, progress or Silent()))


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
        settings=settings_of(settings, targets_file),
        target_names=(target,),
        output=Path(),
        targets_file=path_of(targets_file),
        evaluation=evaluation,
        evaluation_samples=evaluation_samples,
        strict=strict,
    )
    return shown(VerifyResult, carry_out(request, Path(artifact), progress or Silent(), layers=layers))
